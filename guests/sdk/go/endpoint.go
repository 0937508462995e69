package wherry

import "github.com/seed-c6589352/wherry/abi"

// An Encoding says which messages an endpoint takes. A message of another kind
// closes its connection with 1003 and is not delivered.
type Encoding uint8

// The encodings of endpoints.
const (
	Any   Encoding = iota // text and bytes
	Text                  // text only
	Bytes                 // bytes only
	JSON                  // text that is JSON, decoded
)

// An Endpoint is what happens at a route. Every field may be left out.
type Endpoint struct {
	// Encoding is what messages have to be.
	Encoding Encoding
	// Params are read from a handshake before OnConnect.
	Params []Param
	// OnConnect is asked about a handshake whose parameters are valid. It accepts,
	// denies or closes; if it does nothing the handshake waits, to be answered
	// later. Without it, the connection is accepted.
	OnConnect func(c *Conn) error
	// OnReceive gets each message. Without it, they are dropped.
	OnReceive func(c *Conn, m Message) error
	// OnDisconnect is told of the end, once. It is not where the handshake was
	// refused before OnConnect.
	OnDisconnect func(c *Conn, d Disconnect) error
	// OnInvalid gets a handshake whose parameters are not valid, in place of
	// OnConnect. Without it, 403 says what is wrong.
	OnInvalid func(c *Conn, problems []ParamError) error
	// OnError gets what a handler failed with, if no handler of [HandleError] or
	// [HandleStatus] has dealt with it. It reports whether it has; an error of its
	// own is logged as unexpected.
	OnError func(f *Failure) (done bool, err error)
	// OnRequest answers an HTTP request, now or later. Without it, the answer is 426.
	OnRequest func(x *Exchange) error
	// OnResume gets a connection that was accepted by an instance before this one.
	// Without it, such a connection closes.
	OnResume func(c *Conn) error
	// OnWritable is told that the backlog of a connection has drained.
	OnWritable func(c *Conn) error
}

// A site is an endpoint under one of its routes.
type site struct {
	*Endpoint
	route   string
	receive func(*Conn, Message) error // OnReceive, a step nearer
	takes   uint8                      // see Conn
}

// guest is what was registered.
var guest struct {
	sites    map[string]*site
	rest     *Endpoint // for every route that has none
	onStart  func() error
	onStop   func(StopReason) error
	onFault  func(Fault)
	byType   []func(*Failure) (matches, done bool, err error)
	byStatus []statusHandler
	open     bool // the host has the mailbox: it is too late to register
}

// Register makes e the endpoint of a route, whose pattern is as in the server's
// configuration; with the pattern "" it gets what no other does. It is to be
// called from func init, and panics afterwards, or for a pattern that has one.
func Register(pattern string, e Endpoint) {
	mustBeEarly("Register")
	if pattern == "" {
		if guest.rest != nil {
			panic("wherry: Register: two endpoints without a pattern")
		}
		guest.rest = &e
		return
	}
	if guest.sites[pattern] != nil {
		panic("wherry: Register: two endpoints for " + pattern)
	}
	addSite(pattern, &e)
}

// addSite remembers e under a route.
func addSite(route string, e *Endpoint) *site {
	if guest.sites == nil {
		guest.sites = make(map[string]*site)
	}
	s := &site{Endpoint: e, route: route, receive: e.OnReceive}
	if e.OnReceive != nil {
		s.takes = [...]uint8{Any: 3, Text: 2, Bytes: 1, JSON: 0}[e.Encoding&3]
	}
	guest.sites[route] = s
	return s
}

// mustBeEarly panics when the host has asked for the mailbox: what is wanted is
// said there, once.
func mustBeEarly(call string) {
	if guest.open {
		panic("wherry: " + call + " after the guest has started; call it from func init")
	}
}

// siteOf returns what is registered for a route, nil if nothing is. The endpoint
// without a pattern gets a site for each route that it meets: there are as many as
// the server's configuration has.
func siteOf(route []byte) *site {
	if s := guest.sites[string(route)]; s != nil {
		return s
	}
	if guest.rest == nil {
		return nil
	}
	return addSite(string(route), guest.rest)
}

// OnStart has f called when an instance begins; [Config] has values from then on.
// An error is logged.
func OnStart(f func() error) {
	mustBeEarly("OnStart")
	guest.onStart = f
}

// OnStop has f called when the instance is about to be discarded. What it sends
// goes out before connections end. An error is logged.
func OnStop(f func(StopReason) error) {
	mustBeEarly("OnStop")
	guest.onStop = f
}

// OnFault has f called for each command that the host refused. Without it, a line is
// logged for all but those that were too late.
func OnFault(f func(Fault)) {
	mustBeEarly("OnFault")
	guest.onFault = f
}

// A StopReason says why an instance is discarded.
type StopReason uint32

// The reasons.
const (
	StopDeploy   = StopReason(abi.StopDeploy)   // another module takes over
	StopShutdown = StopReason(abi.StopShutdown) // the server ends
	StopIdle     = StopReason(abi.StopIdle)     // nothing has happened for a long time
)

// String returns the reason in one word.
func (r StopReason) String() string {
	switch r {
	case StopDeploy:
		return "deploy"
	case StopShutdown:
		return "shutdown"
	case StopIdle:
		return "idle"
	}
	return "unknown"
}

// A Fault is a command that the host refused.
type Fault struct {
	Command abi.Kind   // what it was
	Status  abi.Status // why it was refused
	Conn    *Conn      // nil where it was about none, or about one that is over
}

// String is such as "message refused: would_block".
func (f Fault) String() string { return commandName(f.Command) + " refused: " + f.Status.String() }

// commandName returns the name of a kind as a command.
func commandName(k abi.Kind) string {
	switch k {
	case abi.Ready:
		return "ready"
	case abi.Accept:
		return "accept"
	case abi.Message:
		return "message"
	case abi.Close:
		return "close"
	case abi.Reject:
		return "reject"
	case abi.Timer:
		return "timer"
	case abi.Subscribe:
		return "subscribe"
	case abi.Unsubscribe:
		return "unsubscribe"
	case abi.Publish:
		return "publish"
	case abi.Attach:
		return "attach"
	case abi.Respond:
		return "respond"
	case abi.Call:
		return "call"
	}
	return "unknown"
}

// wants returns the bits of what is registered. Timers are always wanted: nobody
// knows before whether a handler will set one.
func wants() uint32 {
	bits := abi.Timer.Bit()
	if guest.onStop != nil {
		bits |= abi.Stop.Bit()
	}
	add := func(e *Endpoint) {
		if e.OnResume != nil {
			bits |= abi.Resume.Bit()
		}
		if e.OnWritable != nil {
			bits |= abi.Writable.Bit()
		}
		if e.OnRequest != nil {
			bits |= abi.Request.Bit()
		}
	}
	for _, s := range guest.sites {
		add(s.Endpoint)
	}
	if guest.rest != nil {
		add(guest.rest)
	}
	return bits
}

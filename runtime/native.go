package runtime

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A Handler is a program in native Go, behind the same events as a guest. All
// its methods run on the loop that owns its connections, one at a time, and must
// not block. One that panics is treated as a guest that traps: its connections
// close with 1011, and the next one gets a fresh Handler.
//
// It may also be a [Starter], [TimerHandler], [RequestHandler] or [StopHandler].
type Handler interface {
	// Connect is called for every handshake. It, or something later, must call
	// c.Accept, c.Reject or c.Close before the connect timeout. r is valid
	// until it returns.
	Connect(c Conn, r *Request)

	// Message is called for every message. payload is valid until it returns.
	Message(c Conn, text bool, payload []byte)

	// Close is called exactly once for every Connect, last. c can only be
	// compared any more.
	Close(c Conn, end End)
}

// An End says how a connection ended.
type End struct {
	Code   int    // close code; 1006 if it just vanished
	Reason string // what came with the code
	Clean  bool   // the closing handshake was completed
	Opened bool   // the handshake had been accepted
}

// A Request is the request head of a handshake or of an HTTP request.
type Request struct{ fields []byte }

// Field returns the value of the first field called name, in lower case, or "".
// The pseudo-fields of the ABI, such as ":path", ":query", ":peer" and
// ":param.NAME", are fields too.
func (r *Request) Field(name string) string {
	for n, v := range r.Fields {
		if n == name {
			return v
		}
	}
	return ""
}

// Fields yields all fields in order, pseudo-fields first.
func (r *Request) Fields(yield func(name, value string) bool) {
	for b := r.fields; ; {
		name, value, rest, ok, _ := abi.NextField(b)
		if !ok || !yield(string(name), string(value)) {
			return
		}
		b = rest
	}
}

// A Conn is a handle of a connection, for its [Handler]. It stays safe to use
// when the connection has gone: every method then returns ErrClosed. Conns can
// be compared and used as map keys. But for Do, methods may only be called by the
// handler, on its loop.
type Conn struct {
	home   *home
	handle handle
}

// What keeps a Conn's method from taking effect.
var (
	ErrClosed      = errors.New("runtime: the connection is closed or closing")
	ErrWouldBlock  = errors.New("runtime: the connection's backlog is full")
	ErrInvalid     = errors.New("runtime: invalid argument, or the connection is not open yet")
	ErrTooBig      = errors.New("runtime: over a limit")
	ErrNotFound    = errors.New("runtime: not found")
	ErrNotPossible = errors.New("runtime: not allowed")
	ErrBusy        = errors.New("runtime: over a quota for now")
)

func statusError(s abi.Status) error {
	switch s {
	case abi.OK:
		return nil
	case abi.Closed:
		return ErrClosed
	case abi.WouldBlock:
		return ErrWouldBlock
	case abi.TooBig:
		return ErrTooBig
	case abi.NotFound:
		return ErrNotFound
	case abi.Denied:
		return ErrNotPossible
	case abi.Busy:
		return ErrBusy
	}
	return ErrInvalid
}

// with calls f with the connection's session, if it has one.
func (c Conn) with(f func(*session) abi.Status) error {
	s, status := c.home.sessions.find(c.handle)
	if status == abi.OK {
		status = f(s)
	}
	return statusError(status)
}

// A Field is one header field of a response.
type Field struct{ Name, Value string }

func appendFields(fields []Field) (b []byte) {
	for _, f := range fields {
		b = abi.AppendField(b, f.Name, f.Value)
	}
	return b
}

// Accept answers the handshake with 101. protocol is empty or one that the
// client offered; fields are added to the response in order.
func (c Conn) Accept(protocol string, fields ...Field) error {
	b := appendFields(fields)
	if protocol != "" {
		b = abi.AppendField(b, abi.FieldProtocol, protocol)
	}
	return c.with(func(s *session) abi.Status { return c.home.accept(s, b) })
}

// Reject refuses the handshake with an HTTP status from 200 to 599, fields and a
// body.
func (c Conn) Reject(status int, body string, fields ...Field) error {
	b := abi.AppendField(appendFields(fields), abi.FieldBody, body)
	return c.with(func(s *session) abi.Status { return c.home.reject(s, uint32(status), b) })
}

// Send sends one message. payload is the caller's again when Send returns.
// While the backlog is over its limit it returns ErrWouldBlock, and the
// connection closes with 1008, unless its route has DropSlow.
func (c Conn) Send(text bool, payload []byte) error {
	s, status := c.home.sessions.find(c.handle)
	if status == abi.OK {
		status = c.home.send(s, text, payload)
	}
	return statusError(status)
}

// Close starts the closing handshake with a code that may be sent, and a reason
// that is cut to 123 bytes. Before Accept it refuses the handshake with 403.
func (c Conn) Close(code int, reason string) error {
	return c.with(func(s *session) abi.Status { return c.home.close(s, uint32(code), []byte(reason)) })
}

// Subscribe makes the connection a member of the tenant's topic.
func (c Conn) Subscribe(topic string) error {
	return c.with(func(s *session) abi.Status { return c.home.subscribe(s, []byte(topic)) })
}

// Unsubscribe ends what Subscribe began.
func (c Conn) Unsubscribe(topic string) error {
	return c.with(func(s *session) abi.Status { return c.home.unsubscribe(s, []byte(topic)) })
}

// Publish sends one message to every member of the tenant's topic, on all loops.
func (c Conn) Publish(topic string, text bool, payload []byte) error {
	return statusError(c.publish(0, topic, text, payload))
}

// PublishExcept is Publish, but the connection itself is skipped.
func (c Conn) PublishExcept(topic string, text bool, payload []byte) error {
	return statusError(c.publish(abi.Except, topic, text, payload))
}

func (c Conn) publish(flags abi.Flags, topic string, text bool, payload []byte) abi.Status {
	if text {
		flags |= abi.Text
	}
	data := append([]byte(topic), payload...)
	return c.home.publish(c.handle, flags, uint32(len(topic)), data)
}

// Do runs f on the connection's loop, soon. Any goroutine may call it. It reports
// whether f will run; the connection may have gone by then. A panic of f's is one
// of the handler's.
func (c Conn) Do(f func(Conn)) bool {
	return c.home.do(func() { f(c) })
}

// A native is a Handler as a program. Events are copied into an arena of its own
// as they are into a guest's inbox, so that both see the same turns.
type native struct {
	handler Handler
	wanted  uint32 // Kind.Bit of the optional events that handler takes
	arena   []byte // payloads of staged events
	used    int    // bytes of arena that are taken
	before  int    // used, as it was before the last push
	events  []nativeEvent
}

type nativeEvent struct {
	record  abi.Record
	payload []byte
}

// arenaBytes is the size of a native handler's inbox.
const arenaBytes = 256 << 10

// pageOffset is where in a page large payloads begin, and not where the page does, as
// Go's large slices would: abi/SPEC.md, section 9, says why.
const pageOffset = 2 << 10

// payloadBytes returns memory for n bytes of payloads.
func payloadBytes(n int) []byte { return make([]byte, pageOffset+n)[pageOffset:] }

// newNative makes a program of what start returns.
func newNative(start func() Handler) (n *native, err error) {
	err = guarded(func() {
		handler := start()
		n = &native{handler: handler, wanted: optional(handler), arena: payloadBytes(arenaBytes)}
	})
	return n, err
}

// errPanicked is how a native handler ends.
var errPanicked = errors.New("runtime: native handler panicked")

// guarded calls f and returns what it panics with as an error.
func guarded(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanicked, p, debug.Stack())
		}
	}()
	f()
	return nil
}

func (n *native) push(r *abi.Record, size int) ([]byte, bool) {
	if size > len(n.arena)-n.used {
		return nil, false
	}
	b := n.arena[n.used : n.used+size : n.used+size]
	n.before = n.used
	n.used += size
	n.events = append(n.events, nativeEvent{*r, b})
	return b, true
}

func (n *native) takeBack() {
	n.used = n.before
	n.events = n.events[:len(n.events)-1]
}

func (n *native) reserve(size int) ([]byte, error) { return payloadBytes(size), nil }
func (n *native) unreserve([]byte)                 {}

func (n *native) pushReserved(r *abi.Record, payload []byte) bool {
	n.events = append(n.events, nativeEvent{*r, payload})
	return true
}

func (n *native) staged() int           { return len(n.events) }
func (n *native) wants() uint32         { return n.wanted }
func (n *native) busy() bool            { return false }
func (n *native) largest(limit int) int { return limit }
func (n *native) close()                {}

// A native handler does not resume connections, so that it does not matter whose
// event a panic was.
func (n *native) wreck() wasmhost.Wreck                  { return wasmhost.Wreck{} }
func (n *native) salvage(func(int, *abi.Record, []byte)) {}

func (n *native) turn(h *home) error {
	err := guarded(func() {
		for i := range n.events {
			n.handle(h, &n.events[i])
		}
	})
	if err != nil {
		return err
	}
	clear(n.events)
	n.events, n.used = n.events[:0], 0
	return nil
}

func (n *native) handle(h *home, e *nativeEvent) {
	c := Conn{h, handle(e.record.Conn)}
	switch e.record.Kind {
	case abi.Connect:
		n.handler.Connect(c, &Request{e.payload})
	case abi.Message:
		n.handler.Message(c, e.record.Flags&abi.Text != 0, e.payload)
	case abi.Close:
		n.handler.Close(c, End{
			Code:   int(e.record.Code),
			Reason: string(e.payload),
			Clean:  e.record.Flags&abi.Clean != 0,
			Opened: e.record.Flags&abi.Opened != 0,
		})
	default:
		n.handleOptional(h, e)
	}
}

package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	goruntime "runtime"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
)

// Config says what a [Server] is to do. A zero field takes the default in
// parentheses. It is validated once, by [New], and not kept.
type Config struct {
	Tenants []Tenant
	Routes  []Route

	// TrustedProxies are the addresses of proxies in front. From them, and from
	// nobody else, X-Forwarded-For and X-Forwarded-Proto, or Forwarded, say who the
	// client is and whether it came over TLS: for programs, the log and limits.
	TrustedProxies []netip.Prefix

	Conns        int           // connections in all, from their handshake on; over it they are refused with 503 (1 million)
	AddressConns int           // of those from one IPv4 address or IPv6 /64; over it 503; negative: no limit (20 000)
	Loops        int           // event loops, each on a thread of its own; best fewer than GOMAXPROCS, so that the scheduler lets those that wait be (GOMAXPROCS)
	HeadTimeout  time.Duration // from accept to a complete request head (5 s)
	DrainWindow  time.Duration // over which Shutdown closes open connections, one after the other (all at once)
	DrainCode    int           // that they close with: 1001, going away, or 1012, restart (1001)
	Modules      ModuleLimits  // what modules may be
	CacheDir     string        // where compiled modules are kept between runs (nowhere)
	HTTP         http.Handler  // what is neither an upgrade nor at a route (404)
	Logger       *slog.Logger  // (slog.Default())

	// Dedicated is for a process that is there for this server, and has GOMAXPROCS above
	// Loops, without which it does nothing: a loop keeps its processor of Go's scheduler
	// for up to 10 ms while it waits for the next message. One that comes alone takes
	// over a microsecond less then. What else runs in the process has the other
	// processors, and for a stop of the world the collector has to interrupt those waits.
	Dedicated bool

	// Unmetered runs guests without counting what they do. It is for measuring what
	// counting costs: a guest that does not come back stops its loop for ever.
	Unmetered bool
}

// A Tenant is the unit of isolation and accounting: a program, what it may use,
// and how much of it. Exactly one of Module and Handler is set.
type Tenant struct {
	Name string // unique, not empty

	Module  []byte         // a guest, as WebAssembly binary
	Handler func() Handler // or native Go: called once for every instance

	Config map[string]string // handed to each instance in its start event
	Limits Limits
}

// A Route leads connections to a tenant.
type Route struct {
	// Pattern is "[HOST]/PATH". A segment "{name}" of the path matches one
	// segment, a last "{name...}" all the rest; the values are the guest's
	// parameters, their names in lower case. What a parameter matches can be
	// narrowed; what it does not match is another route's, or none's:
	//
	//	{name}, {name:str}       a segment that is not empty
	//	{name:int}               decimal digits, with a value below 2^63
	//	{name:float}             decimal digits, or two rows of them with a point between
	//	{name:uuid}              32 hexadecimal digits; hyphens after 8, 12, 16 and 20 may be there
	//	{name...}, {name:path}   at the end: all that is left, and that may be nothing
	//
	// Literal segments win over parameters: int, uuid, float, str, path, in this
	// order.
	Pattern   string
	Tenant    string
	Placement Placement

	// Origins that browsers may connect from, such as "https://app.example.com",
	// compared without regard to case; nil allows all. A handshake without an
	// Origin does not come from a browser's page, and is allowed.
	Origins []string

	// Deflate compresses messages with clients that offer permessage-deflate
	// (RFC 7692); nil declines.
	Deflate *Deflate

	// Disabled switches WebSocket support off: handshakes are refused with 501,
	// which says so, and any other request is answered as where there is no
	// route.
	Disabled bool

	// Slow says what becomes of connections that take less than they are sent.
	Slow SlowPolicy
}

// Deflate is a route's policy of compression. A zero field takes the default in
// parentheses; one out of its range takes the nearest value in it.
//
// Without context takeover a connection costs no memory for it. With it, up to
// 4 KiB for what the server sends, and up to 32 KiB for what the client sends.
type Deflate struct {
	ServerContextTakeover bool // our messages may refer to earlier ones (off)
	ClientContextTakeover bool // the client's messages may (off)

	ServerWindowBits int          // of our messages: 8 to 15 (15)
	ClientWindowBits int          // asked of clients that let us: 8 to 15 (15)
	Level            DeflateLevel // how hard to search for what repeats (DeflateFastest)
	MinBytes         int          // smaller messages are sent as they are (128)
}

// A DeflateLevel says how hard to search for what repeats.
type DeflateLevel uint8

const (
	DeflateFastest DeflateLevel = iota
	DeflateBalanced
	DeflateSmallest
)

func (d *Deflate) config() *wsdeflate.Config {
	if d == nil {
		return nil
	}
	return &wsdeflate.Config{
		ServerContextTakeover: d.ServerContextTakeover,
		ClientContextTakeover: d.ClientContextTakeover,
		ServerWindowBits:      d.ServerWindowBits,
		ClientWindowBits:      d.ClientWindowBits,
		Level:                 wsdeflate.Fastest + wsdeflate.Level(min(d.Level, DeflateSmallest)),
		MinBytes:              d.MinBytes,
	}
}

// Placement says where a route's instances live.
type Placement uint8

const (
	Single  Placement = iota // one instance, on one loop, for all connections
	PerLoop                  // one instance on every loop; for guests that share nothing
)

// Limits bounds one tenant. A zero field takes the default in parentheses; a
// negative duration switches the deadline off.
type Limits struct {
	Conns          int           // connections of the tenant; over it they are refused with 503 (100 000)
	Requests       int           // HTTP requests of the tenant that wait for an answer; over it they are refused with 503 (256)
	Timers         int           // timers of an instance that are armed at once (10 000)
	MemoryPages    uint32        // guest memory, in 64 KiB pages, for each instance (256, or room for four of the largest messages)
	MessageBytes   int           // largest message, after reassembly; sent ones may have SendBytes (1 MiB)
	SendBytes      int           // unsent bytes of a connection before it counts as slow (1 MiB)
	ConnectTimeout time.Duration // for the guest to answer a handshake, or an HTTP request (5 s)
	IdleTimeout    time.Duration // without a message in either direction (off)
	PingInterval   time.Duration // without a byte from the peer, until it is pinged (20 s)
	PingTimeout    time.Duration // from then, until the connection is closed with 1011 (20 s)
	CloseTimeout   time.Duration // for the peer to answer a close frame; always on (10 s)
	StallTimeout   time.Duration // for a slow peer to take anything at all (30 s)

	// What a guest may do in a turn. Fuel is counted in instructions, at some tenth of
	// a nanosecond each. Out of it, or of time, it is stopped as if it had trapped.
	EventFuel int64         // for each event of the turn; a part of what it leaves is saved for later ones (10 million)
	TurnFuel  int64         // for all of them together, and to lend a buffer (30 million)
	TurnTime  time.Duration // of computing, whatever fuel there is; only Linux measures it (25 ms)

	TotalPages     uint32 // memory of all instances, in 64 KiB pages; over it no more are started (no limit but that there is one for each loop and placement)
	TotalSendBytes int    // unsent bytes of all connections, on each loop; over it, one that has some counts as slow (64 MiB)
	Topics         int    // topics with members, on each loop; over it a subscription is busy (100 000)
	Subscriptions  int    // memberships of all connections, on each loop; the same (1 000 000)

	// What follows is a second's, on each loop. A second's worth may come at once.
	ConnRate    int // handshakes; over it they are refused with 429 (10 000)
	MessageRate int // messages from clients; over it they are not read for a while (no limit)
	ReceiveRate int // bytes of those; the same (no limit)
	SendRate    int // bytes of messages to clients; over it a command is busy (no limit)
	LogLines    int // of guests; over it they are dropped (100)
}

// The most that fields of Limits can be.
const (
	MaxMessageBytes = 64 << 20
	MaxRequests     = maxRequests
	MaxTimers       = 1 << 20
	MaxFuel         = 1 << 40
)

func (l Limits) withDefaults() Limits {
	const program = 64 // pages for the guest itself, beside the messages
	messages := (l.MessageBytes + 1<<16 - 1) >> 16
	l.Conns = cmp.Or(l.Conns, 100_000)
	l.Requests = cmp.Or(l.Requests, 256)
	l.Timers = cmp.Or(l.Timers, 10_000)
	l.EventFuel = cmp.Or(l.EventFuel, 10_000_000)
	l.TurnFuel = cmp.Or(l.TurnFuel, 30_000_000)
	l.TurnTime = cmp.Or(l.TurnTime, 25*time.Millisecond)
	l.TotalSendBytes = cmp.Or(l.TotalSendBytes, 64<<20)
	l.Topics = cmp.Or(l.Topics, 100_000)
	l.Subscriptions = cmp.Or(l.Subscriptions, 1_000_000)
	l.ConnRate = cmp.Or(l.ConnRate, 10_000)
	l.LogLines = cmp.Or(l.LogLines, 100)
	l.MemoryPages = cmp.Or(l.MemoryPages, uint32(max(256, program+4*messages)))
	return l
}

// InstancePages returns how much memory an instance gets at most, in pages of 64
// KiB: MemoryPages, or what it is by default.
func (l Limits) InstancePages() uint32 { return l.withDefaults().MemoryPages }

func (l Limits) settings() netpoll.Settings {
	return netpoll.Settings{
		MessageBytes:   l.MessageBytes,
		SendBytes:      l.SendBytes,
		ConnectTimeout: l.ConnectTimeout,
		IdleTimeout:    l.IdleTimeout,
		PingInterval:   l.PingInterval,
		PingTimeout:    l.PingTimeout,
		CloseTimeout:   l.CloseTimeout,
		StallTimeout:   l.StallTimeout,
	}.WithDefaults()
}

// ErrConfig is what every error of [New] about its [Config] wraps.
var ErrConfig = errors.New("invalid configuration")

func configError(format string, args ...any) error {
	return fmt.Errorf("runtime: %w: %s", ErrConfig, fmt.Sprintf(format, args...))
}

// withDefaults checks c and returns it with its zero fields replaced.
func (c Config) withDefaults() (Config, error) {
	if c.Loops < 0 || c.Loops > MaxLoops {
		return c, configError("%d loops; there can be 1 to %d", c.Loops, MaxLoops)
	}
	if c.HeadTimeout < 0 {
		return c, configError("head timeout of %v; it cannot be negative, nor switched off", c.HeadTimeout)
	}
	if c.DrainWindow < 0 {
		return c, configError("drain window of %v; it cannot be negative", c.DrainWindow)
	}
	c.DrainCode = cmp.Or(c.DrainCode, int(ws.StatusGoingAway))
	if _, ok := drainReasons[ws.StatusCode(c.DrainCode)]; !ok {
		return c, configError("drain code %d; it can be 1001, going away, or 1012, restart", c.DrainCode)
	}
	c.Loops = cmp.Or(c.Loops, min(goruntime.GOMAXPROCS(0), MaxLoops))
	if c.Conns < 0 {
		return c, configError("%d connections; it cannot be negative", c.Conns)
	}
	if c.Modules.Bytes < 0 || c.Modules.Bytes > MaxModuleBytes {
		return c, configError("modules of %d bytes; it can be 1 to %d", c.Modules.Bytes, MaxModuleBytes)
	}
	c.Conns = cmp.Or(c.Conns, 1_000_000)
	c.AddressConns = min(max(cmp.Or(c.AddressConns, 20_000), 0), math.MaxInt32)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	names := make(map[string]bool)
	for _, t := range c.Tenants {
		if err := t.check(); err != nil {
			return c, err
		}
		if names[t.Name] {
			return c, configError("two tenants are called %q", t.Name)
		}
		names[t.Name] = true
	}
	for _, r := range c.Routes {
		switch {
		case !names[r.Tenant]:
			return c, configError("route %q leads to tenant %q, which there is not", r.Pattern, r.Tenant)
		case r.Placement > PerLoop:
			return c, configError("route %q has placement %d; it can be Single or PerLoop", r.Pattern, r.Placement)
		case r.Slow > DropSlow:
			return c, configError("route %q has policy %d for slow readers; it can be CloseSlow or DropSlow", r.Pattern, r.Slow)
		}
	}
	return c, nil
}

func (t *Tenant) check() error {
	l := &t.Limits
	switch {
	case t.Name == "":
		return configError("a tenant has no name")
	case (t.Module == nil) == (t.Handler == nil):
		return configError("tenant %q needs a module or a native handler, and not both", t.Name)
	case l.MessageBytes < 0 || l.MessageBytes > MaxMessageBytes:
		return configError("tenant %q: largest message of %d bytes; it can be 1 to %d", t.Name, l.MessageBytes, MaxMessageBytes)
	case l.Conns < 0:
		return configError("tenant %q: %d connections; it cannot be negative", t.Name, l.Conns)
	case l.Requests < 0 || l.Requests > MaxRequests:
		return configError("tenant %q: %d requests that wait; it can be 1 to %d", t.Name, l.Requests, MaxRequests)
	case l.Timers < 0 || l.Timers > MaxTimers:
		return configError("tenant %q: %d timers; there can be 1 to %d", t.Name, l.Timers, MaxTimers)
	case l.SendBytes < 0:
		return configError("tenant %q: %d unsent bytes; it cannot be negative", t.Name, l.SendBytes)
	case min(l.EventFuel, l.TurnFuel) < 0 || max(l.EventFuel, l.TurnFuel) > MaxFuel:
		return configError("tenant %q: fuel of %d for an event and %d for a turn; it can be 1 to %d", t.Name, l.EventFuel, l.TurnFuel, int64(MaxFuel))
	case min(l.TotalSendBytes, l.Topics, l.Subscriptions, l.ConnRate, l.MessageRate, l.ReceiveRate, l.SendRate, l.LogLines) < 0:
		return configError("tenant %q: a negative limit; it can be 0, for its default, or more", t.Name)
	case l.TotalPages != 0 && l.TotalPages < l.withDefaults().MemoryPages:
		return configError("tenant %q: %d memory pages in all; an instance gets %d", t.Name, l.TotalPages, l.withDefaults().MemoryPages)
	case l.CloseTimeout < 0:
		return configError("tenant %q: close timeout of %v; it cannot be switched off, or peers would keep connections for ever", t.Name, l.CloseTimeout)
	case l.MemoryPages > 65536:
		return configError("tenant %q: %d memory pages; there can be 1 to 65536", t.Name, l.MemoryPages)
	}
	return nil
}

// MaxLoops is the most that Config.Loops can be, and more than any machine has
// use for.
const MaxLoops = 256

// CheckPatterns says what is wrong with the patterns of routes: errs[i] is nil, or
// wraps [ErrConfig] and tells why patterns[i] cannot be understood, or which one
// before it matches the same requests. New stops at the first of them.
func CheckPatterns(patterns []string) (errs []error) {
	_, errs = parsePatterns(patterns)
	return errs
}

package netpoll

import (
	"errors"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// ErrUnsupported is returned where there is neither epoll nor kqueue.
var ErrUnsupported = errors.New("netpoll: this system has neither epoll nor kqueue")

// ErrNoRoom is returned by [Handler.Message] for a message that it has no place
// for. The connection closes with 1013.
var ErrNoRoom = errors.New("netpoll: no room for the message")

// StatusTryAgainLater is the close code of the IANA registry for a server that
// has to turn a connection away for now.
const StatusTryAgainLater ws.StatusCode = 1013

// A Driver is what a loop works for. All its methods run on the loop.
type Driver interface {
	// Route says what becomes of a connection whose head is complete. It must
	// call exactly one of c.Refuse, c.Await, c.Move and c.Detach. h and what it
	// points to are valid until Route returns.
	Route(c *Conn, h *wshead.Head)

	// Refused reports that the loop itself refused a connection's handshake:
	// its head was not understood, or did not come in time.
	Refused(c *Conn, r *wshead.Refusal)

	// Dropped reports that the loop closed a connection that came by a listener
	// for proxies: err is [ErrUntrusted], or what [proxyhead.Parse] returned.
	Dropped(c *Conn, err error)

	// Deliver acts on what was staged. It reports whether more is waiting to
	// be delivered in the next turn, which then comes without a wait.
	Deliver() (more bool)
}

// A Handler is told what happens on the connections that it awaits. It stages
// what it is told and acts in [Driver.Deliver].
type Handler interface {
	// Message stages one message. It must call m.Copy or m.Body before it
	// returns, and return the error of m.Copy.
	Message(c *Conn, m *Incoming) error

	// Reserve offers memory for a message of n bytes of which at least an
	// eighth has come, so that the rest is read straight into it; nil declines. The
	// loop writes to it until it is the Body of a message or is abandoned.
	Reserve(c *Conn, n int) []byte

	// Abandon gives back what Reserve returned: its message will not be.
	Abandon(c *Conn, b []byte)

	// Halt is asked before c, which is open, is read. If it reports true, c is
	// not read until c.Resume; it may still end.
	Halt(c *Conn) bool

	// Closed reports the end of a connection: exactly once for each that was
	// awaited, and last. The handler must call c.Release when it has dealt
	// with everything it was told before; e.Reason is valid until then.
	Closed(c *Conn, e *End)

	// Drained reports that a backlog that was over the high-water mark has
	// fallen under the low one.
	Drained(c *Conn)
}

// An Incoming is a message on its way in. It is valid during [Handler.Message].
type Incoming struct {
	Text bool
	Len  int // payload bytes

	conn *Conn
	item *wsframe.Item // not nil: the payload is still masked, in the loop's buffer
	body body          // otherwise: the payload
}

// Body returns the payload if it lies in memory that [Handler.Reserve] returned,
// otherwise nil, and then the handler calls Copy.
func (m *Incoming) Body() []byte {
	if m.body.reserved {
		return m.body.buf
	}
	return nil
}

// Copy writes the payload, unmasked, to the front of dst, which must be of at
// least Len bytes. An error means that the message is malformed: the handler
// must forget it and return the error.
func (m *Incoming) Copy(dst []byte) error {
	if m.item != nil {
		return m.conn.loop.frames.Copy(dst, m.item)
	}
	copy(dst, m.body.buf)
	return nil
}

// A Cause says who ended a connection.
type Cause uint8

const (
	ByPeer    Cause = iota // a close frame of the peer's, or it vanished
	ByHandler              // Conn.Close or Conn.Refuse
	ByHost                 // a protocol error, a limit or a deadline
)

// An End says how a connection ended.
type End struct {
	Code   ws.StatusCode
	Reason []byte
	Cause  Cause
	Clean  bool // both close frames were exchanged
	Opened bool // the handshake had been accepted
	Status int  // of the HTTP response where it was refused; 0 where there was none
}

// Settings are the limits and deadlines of connections. A zero field takes the
// default in parentheses; a negative duration switches the deadline off. Shared
// by connections and never changed.
type Settings struct {
	MessageBytes   int           // largest message after reassembly (1 MiB)
	SendBytes      int           // high-water mark of the backlog: over it nothing more is taken (1 MiB)
	ConnectTimeout time.Duration // from a routed head to the handler's answer (5 s)
	IdleTimeout    time.Duration // without a message in either direction (off)
	PingInterval   time.Duration // without a byte from the peer, until it is pinged (20 s)
	PingTimeout    time.Duration // from then, until the connection is failed (20 s)
	CloseTimeout   time.Duration // for the peer's close frame (10 s)
	StallTimeout   time.Duration // unsent output without progress, until a reset (30 s)

	// Deflate is the policy of permessage-deflate; nil declines every offer.
	Deflate *wsdeflate.Config

	// Backlog counts what connections have unsent together; nil counts nothing.
	Backlog *Backlog
}

// A Backlog is the unsent bytes of several connections of one loop, which owns it.
// While they are more than Limit, a connection that has some is treated as if they
// were more than its own [Settings.SendBytes]. One without any may still send: it
// may be able to.
type Backlog struct {
	Bytes int // to be read on the loop
	Limit int
}

// WithDefaults returns s with its zero fields replaced.
func (s Settings) WithDefaults() Settings {
	or := func(d *time.Duration, value time.Duration) {
		switch {
		case *d == 0:
			*d = value
		case *d < 0:
			*d = 0
		}
		*d = min(*d, deadlineMax)
	}
	if s.MessageBytes == 0 {
		s.MessageBytes = 1 << 20
	}
	if s.SendBytes == 0 {
		s.SendBytes = 1 << 20
	}
	or(&s.ConnectTimeout, 5*time.Second)
	or(&s.IdleTimeout, 0)
	or(&s.PingInterval, 20*time.Second)
	or(&s.PingTimeout, 20*time.Second)
	or(&s.CloseTimeout, 10*time.Second)
	or(&s.StallTimeout, 30*time.Second)
	return s
}

package netpoll

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// An app is a driver and a handler as the ones above netpoll are: it stages what
// it is told, acts in Deliver, and echoes unless a test wants something else. It
// fails the test when netpoll breaks a promise of those interfaces.
type app struct {
	settings Settings

	// What a test may replace. All but route are called in Deliver.
	route   func(c *Conn, h *wshead.Head)                      // default: Await
	connect func(s *session)                                   // default: accept
	receive func(s *session, op ws.OpCode, p []byte)           // default: echo
	drained func(s *session)                                   // default: nothing
	reserve func(n int) []byte                                 // default: decline; not in Deliver
	message func(s *session, m *Incoming) (err error, ok bool) // default: stage; not in Deliver
	halt    func(s *session) bool                              // default: never; not in Deliver
	keep    bool                                               // Release is left to the test

	t         testing.TB
	delivered Settings // settings with defaults
	sessions  []*session
	staged    []staged
	spare     []staged
	arena     []byte
	reserved  map[*byte]bool // returned by reserve, and neither a body nor abandoned yet
	abandoned int
	refused   []*wshead.Refusal
	dropped   []error
}

// A session is what an app knows of a connection. Its key is its index, plus one.
type session struct {
	c        *Conn
	end      End // valid if ended
	ended    bool
	released bool
	drained  int
	received int // messages
	failed   []error
}

// staged is what waits for Deliver: a connect event if op is 0, an end if it is
// ws.OpClose, otherwise a message.
type staged struct {
	s       *session
	op      ws.OpCode
	payload []byte
}

func (a *app) start(t testing.TB) {
	a.t = t
	a.delivered = a.settings.WithDefaults()
	a.reserved = map[*byte]bool{}
}

func (a *app) Route(c *Conn, h *wshead.Head) {
	if a.route != nil {
		a.route(c, h)
		return
	}
	if r := h.CheckUpgrade(); r != nil {
		a.Refused(c, r)
		c.Refuse(wshead.AppendRefusal(nil, r, nil), nil)
		return
	}
	a.await(c)
}

func (a *app) await(c *Conn) *session {
	s := &session{c: c}
	a.sessions = append(a.sessions, s)
	c.Await(a, uint64(len(a.sessions)), &a.delivered)
	a.staged = append(a.staged, staged{s: s})
	return s
}

func (a *app) Refused(c *Conn, r *wshead.Refusal) { a.refused = append(a.refused, r) }

func (a *app) Dropped(c *Conn, err error) { a.dropped = append(a.dropped, err) }

func (a *app) of(c *Conn, callback string) *session {
	s := a.sessions[c.Key-1]
	if s.c != c {
		a.t.Errorf("%s of a connection that is not the one with its key", callback)
	}
	if s.ended {
		a.t.Errorf("%s after Closed", callback)
	}
	return s
}

func (a *app) Message(c *Conn, m *Incoming) error {
	s := a.of(c, "Message")
	s.received++
	if a.message != nil {
		if err, ok := a.message(s, m); ok {
			return err
		}
	}
	op := ws.OpBinary
	if m.Text {
		op = ws.OpText
	}
	p := m.Body()
	if p != nil {
		a.settle(p, "Message")
	} else {
		end := len(a.arena)
		a.arena = slices.Grow(a.arena, m.Len)[:end+m.Len]
		p = a.arena[end:]
		if err := m.Copy(p); err != nil {
			a.arena = a.arena[:end]
			return err
		}
	}
	a.staged = append(a.staged, staged{s, op, p})
	return nil
}

func (a *app) Reserve(c *Conn, n int) []byte {
	a.of(c, "Reserve")
	if a.reserve == nil {
		return nil
	}
	b := a.reserve(n)
	if b != nil {
		a.reserved[unsafe.SliceData(b)] = true
	}
	return b
}

func (a *app) Abandon(c *Conn, b []byte) {
	a.of(c, "Abandon")
	a.abandoned++
	a.settle(b, "Abandon")
}

// settle takes b off the list of what is reserved.
func (a *app) settle(b []byte, callback string) {
	if !a.reserved[unsafe.SliceData(b)] {
		a.t.Errorf("%s with memory that is not reserved", callback)
	}
	delete(a.reserved, unsafe.SliceData(b))
}

func (a *app) Halt(c *Conn) bool {
	s := a.of(c, "Halt")
	return a.halt != nil && a.halt(s)
}

func (a *app) Closed(c *Conn, e *End) {
	s := a.of(c, "Closed")
	s.ended, s.end = true, *e
	s.end.Reason = append([]byte{}, e.Reason...)
	a.staged = append(a.staged, staged{s: s, op: ws.OpClose})
}

func (a *app) Drained(c *Conn) {
	s := a.of(c, "Drained")
	s.drained++
	if a.drained != nil {
		a.drained(s)
	}
}

func (a *app) Deliver() (more bool) {
	now := a.staged
	a.staged = a.spare[:0]
	for _, e := range now {
		switch {
		case e.op == ws.OpClose:
			if !a.keep {
				a.release(e.s)
			}
		case e.op != 0:
			a.echo(e.s, e.op, e.payload)
		case a.connect != nil:
			a.connect(e.s)
		default:
			e.s.c.Accept(nil, nil)
		}
	}
	clear(now)
	a.spare = now[:0]
	if len(a.staged) == 0 {
		a.arena = a.arena[:0]
	}
	return len(a.staged) > 0
}

func (a *app) echo(s *session, op ws.OpCode, p []byte) {
	if a.receive != nil {
		a.receive(s, op, p)
		return
	}
	if s.released {
		return
	}
	if err := s.c.Send(op, p); err != nil {
		s.failed = append(s.failed, err)
	}
}

func (a *app) release(s *session) {
	s.released = true
	s.c.Release()
}

// only returns the one session that the app has had.
func (a *app) only() *session {
	a.t.Helper()
	if len(a.sessions) != 1 {
		a.t.Fatalf("the app has had %d sessions, not 1", len(a.sessions))
	}
	return a.sessions[0]
}

// finish checks, when the loop has stopped, that every promise was kept.
func (a *app) finish() {
	for i, s := range a.sessions {
		if !s.ended {
			a.t.Errorf("connection %d was awaited and never reported closed", i)
		}
	}
	if len(a.reserved) > 0 {
		a.t.Errorf("%d reserved buffers are neither messages nor abandoned", len(a.reserved))
	}
}

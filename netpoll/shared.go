package netpoll

import (
	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// A Shared is one message for any number of connections of a loop. It is deflated
// at most once for all that have the same policy and window size, and whose
// messages refer to nothing earlier. Owned by the loop.
type Shared struct {
	frame []byte // as it is
	forms []form
}

// A form is a Shared as some connections want it.
type form struct {
	policy  *wsdeflate.Config
	bits    int
	frame   []byte
	scratch []byte // for a frame that every queue copies
}

// Set makes s a message: one whole frame with its header, as [wsframe.AppendFrame]
// makes it. What is said of it at [Conn.SendFrame] holds here too; with nil, s lets
// go of it.
func (s *Shared) Set(frame []byte) {
	s.frame = frame
	for i := range s.forms {
		s.forms[i].frame = nil
	}
	s.forms = s.forms[:0]
}

// payload returns what is behind the frame's header.
func (s *Shared) payload() []byte {
	switch s.frame[1] {
	case 126:
		return s.frame[4:]
	case 127:
		return s.frame[10:]
	}
	return s.frame[2:]
}

func (s *Shared) op() ws.OpCode { return ws.OpCode(s.frame[0] & 0xf) }

// SendShared queues the message that s is, as c's peer wants it: compressed where
// it agreed on that and it pays. Otherwise it is as [Conn.SendFrame].
func (c *Conn) SendShared(s *Shared) error {
	if c.deflation == nil {
		return c.SendFrame(s.frame)
	}
	if err := c.writable(); err != nil {
		return err
	}
	if c.deflation.out == nil {
		return c.SendFrame(s.deflated(c))
	}
	if c.active = c.loop.tick; c.sendDeflated(s.op(), s.payload()) {
		return nil
	}
	return c.SendFrame(s.frame)
}

// deflated returns the form of s that c wants.
func (s *Shared) deflated(c *Conn) []byte {
	policy, bits := c.settings.Deflate, c.deflation.params.ServerWindowBits
	for i := range s.forms {
		if f := &s.forms[i]; f.policy == policy && f.bits == bits {
			return f.frame
		}
	}
	if n := len(s.forms); n < cap(s.forms) {
		s.forms = s.forms[:n+1] // with its scratch
	} else {
		s.forms = append(s.forms, form{})
	}
	f := &s.forms[len(s.forms)-1]
	f.policy, f.bits, f.frame = policy, bits, s.frame
	payload := s.payload()
	b, ok := c.deflated(c.loop.pool.get(len(payload)+16), payload)
	if ok {
		size := wsframe.HeaderSize(len(b)) + len(b)
		if size < SharedMin {
			f.frame = wsframe.AppendFrame(f.scratch[:0], s.op(), b)
			f.scratch = f.frame
		} else {
			f.frame = wsframe.AppendFrame(make([]byte, 0, size), s.op(), b)
		}
		f.frame[0] |= wsframe.CompressedBit
	}
	c.loop.pool.put(b)
	return f.frame
}

package netpoll

import (
	"errors"
	"net/netip"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// What can keep a command from taking effect.
var (
	ErrClosed     = errors.New("netpoll: the connection is closed or closing")
	ErrWouldBlock = errors.New("netpoll: the backlog is over its high-water mark")
	ErrProtocol   = errors.New("netpoll: the subprotocol was not offered")
)

// A Conn is one accepted socket and its protocol state. It belongs to its loop's
// goroutine: no method may be called from another one, nor after Release.
//
// Its size is most of what an idle connection costs (TestConnSize).
type Conn struct {
	// Key is the handler's own: netpoll never reads it.
	Key uint64

	loop     *Loop      // Set when the slot is made, never changed.
	handler  Handler    // Set by Await, nil again after Release.
	settings *Settings  // Set by Await.
	more     *extra     // What it has only while it is busy.
	out      *sendQueue // Unsent output; nil when there is none.

	deflation *deflation // What was agreed on; nil: no compression.

	timerNext, timerPrev *Conn // Owned by the loop's wheel, as are timer and due.
	due                  tick
	born                 tick   // when it was accepted, or adopted
	heard                tick   // when bytes came last
	active               tick   // when a message came or went last
	received, sent       uint64 // bytes

	peer address
	fd   int32
	slot uint32 // Set when the slot is made, never changed.
	seq  uint32 // counts the slot's tenants

	timer timerSlot
	phase phase
	flags connFlags
}

// connFlags are what is true of a connection besides its phase.
type connFlags uint16

const (
	moved     connFlags = 1 << iota // came from another loop or from net/http
	ended                           // Handler.Closed was called, or nobody awaits it: frames are over
	hangUp                          // when the output is flushed, end the stream
	lingering                       // the stream is ended: discard until the peer does the same
	wantWrite                       // the poller watches for writing
	readOff                         // the poller does not watch for reading
	listed                          // on the loop's list of those to flush
	pinged                          // our ping is out
	overfull                        // ErrWouldBlock was returned: Drained is owed
	accepted                        // the handshake was answered with 101
	paused                          // the handler has halted it: readOff for that
	proxied                         // a PROXY header comes first
)

func (c *Conn) is(f connFlags) bool { return c.flags&f != 0 }

// extra is what a connection has only while it needs it.
type extra struct {
	spill []byte // bytes kept between turns because they were incomplete or came early

	parser     wshead.Parser       // of an incomplete head
	acceptKey  [28]byte            // from Await to Accept
	protocols  []byte              // from Await to Accept: what the client offered
	frames     wsframe.Reader      // in the middle of a message
	inMessage  bool                // frames is in use
	inflater   *wsdeflate.Inflater // of an incomplete compressed message
	body       body                // of an incomplete message
	end        End                 // from the first sign of the end until Release
	reason     [125]byte           // end.Reason points here
	farewell   bool                // Release sends a close frame that carries end
	lingers    bool                // Release leaves the peer time to read what we sent
	pong       []byte              // the newest ping's payload, while the backlog is full
	pongBuffer [125]byte
}

func (x *extra) idle() bool {
	return len(x.spill) == 0 && x.body.buf == nil && !x.inMessage && len(x.protocols) == 0 && x.pong == nil
}

// need returns c's extra, and gives it one if it has none.
func (c *Conn) need() *extra {
	if c.more == nil {
		c.more = c.loop.takeExtra()
	}
	return c.more
}

// settle gives back what c does not need any more between reads.
func (c *Conn) settle() {
	if c.more != nil && c.phase == open && !c.is(ended) && c.more.idle() {
		c.loop.giveExtra(c.more)
		c.more = nil
	}
}

// Peer returns the address of the other end; the zero value where it has none.
func (c *Conn) Peer() netip.AddrPort { return c.peer.addrPort() }

// SetPeer replaces that address, once somebody who is trusted has told whose
// connection it is.
func (c *Conn) SetPeer(a netip.AddrPort) { c.peer = makeAddress(a) }

// Traffic returns how many bytes came and went so far, heads and frame headers
// included.
func (c *Conn) Traffic() (received, sent uint64) { return c.received, c.sent }

// End returns how c ended: valid from [Handler.Closed] until Release.
func (c *Conn) End() *End { return &c.more.end }

// Age returns for how long this loop has had c.
func (c *Conn) Age() time.Duration { return time.Duration(c.loop.tick-c.born) * tickLength }

// An address is a netip.AddrPort in 20 bytes instead of 32.
type address struct {
	ip     [16]byte
	port   uint16
	family uint8 // bits of the address: 0, 32 or 128
}

func makeAddress(a netip.AddrPort) address {
	if !a.IsValid() {
		return address{}
	}
	return address{a.Addr().As16(), a.Port(), uint8(a.Addr().BitLen())}
}

func (a address) addrPort() netip.AddrPort {
	switch a.family {
	case 32:
		return netip.AddrPortFrom(netip.AddrFrom16(a.ip).Unmap(), a.port)
	case 128:
		return netip.AddrPortFrom(netip.AddrFrom16(a.ip), a.port)
	}
	return netip.AddrPort{}
}

// Moved reports whether c came from another loop or from net/http, so that
// Route must not move it again.
func (c *Conn) Moved() bool { return c.is(moved) }

// Opened reports whether the handshake has been accepted.
func (c *Conn) Opened() bool { return c.is(accepted) }

// Close starts the closing handshake: what is queued goes out first, then a
// close frame with code and reason, which must be sendable. The handler hears of
// the end when the peer has answered or the close timeout has passed, with this
// code and reason and with cause.
func (c *Conn) Close(code ws.StatusCode, reason string, cause Cause) error {
	if c.phase != open || c.is(ended) {
		return ErrClosed
	}
	x := c.need()
	c.dropBody()
	x.end = End{Code: code, Cause: cause, Opened: true}
	x.end.Reason = x.reason[:copy(x.reason[:], trimReason(reason))]
	c.append(func(b []byte) []byte { return wsframe.AppendClose(b, code, reason) })
	c.become(closing)
	c.arm(c.settings.CloseTimeout)
	return nil
}

// trimReason is what of a reason fits a close frame.
func trimReason(reason string) []byte {
	var b [2 + ws.MaxControlFramePayloadSize]byte
	return wsframe.AppendClose(b[:0], ws.StatusNormalClosure, reason)[4:]
}

// Fail ends an open connection at once, for a fault that is not the peer's to
// answer: the handler is told now, by the host, and the close frame follows what
// was sent before.
func (c *Conn) Fail(code ws.StatusCode, reason string) error {
	if c.phase != open || c.is(ended) {
		return ErrClosed
	}
	c.fail(code, reason)
	return nil
}

// fail ends an open connection for a fault of the peer's or a limit of ours: the
// handler hears of it now, and what it answered before goes out ahead of the
// close frame.
func (c *Conn) fail(code ws.StatusCode, reason string) {
	x := c.need()
	x.lingers = true
	c.finish(End{Code: code, Cause: ByHost, Opened: true}, []byte(reason), true)
}

// peerClosed handles the peer's close frame.
func (c *Conn) peerClosed(it *wsframe.Item) {
	if c.phase == closing {
		e := c.more.end
		e.Clean = true
		c.finish(e, e.Reason, false)
		return
	}
	c.finish(End{Code: it.Code, Cause: ByPeer, Clean: true, Opened: true}, it.Reason, true)
}

// finish tells the handler that c has ended with e. If farewell, the wire still
// works and Release sends a close frame with e's code and reason.
func (c *Conn) finish(e End, reason []byte, farewell bool) {
	if c.is(ended) {
		return
	}
	x := c.need()
	c.dropBody()
	c.flags |= ended
	c.loop.wheel.disarm(c)
	x.end = e
	x.end.Reason = x.reason[:copy(x.reason[:], reason)]
	x.farewell = farewell
	c.loop.more = true // this may be the end of the turn, and Deliver must follow
	c.handler.Closed(c, &x.end)
}

// Release ends the handler's part in a connection that was reported Closed.
// What it sent is flushed, the close frame that is owed follows, and the stream
// ends. No method of c may be called any more.
func (c *Conn) Release() {
	if !c.is(ended) || c.handler == nil {
		panic("netpoll: Release of a connection that was not reported closed")
	}
	c.handler = nil
	if c.phase == closed {
		c.loop.bury(c)
		return
	}
	x := c.more
	if x.farewell {
		c.append(func(b []byte) []byte { return wsframe.AppendClose(b, x.end.Code, x.end.Reason) })
	}
	if c.phase < closing {
		c.become(closing)
	}
	c.hang()
}

// hang ends the stream once the output is out, within the close timeout.
func (c *Conn) hang() {
	c.flags |= hangUp
	timeout := c.loop.config.HeadTimeout
	if c.settings != nil {
		timeout = c.settings.CloseTimeout
	}
	c.arm(timeout)
	c.list()
}

// flushed is called when the last byte of a connection that hangs up is out.
func (c *Conn) flushed() {
	if x := c.more; x == nil || !x.lingers {
		c.drop()
		return
	}
	// To close now would answer bytes that are on their way with a reset, which
	// makes the peer forget what it has not read yet (RFC 9112, section 9.6).
	endStream(int(c.fd))
	c.flags = c.flags&^hangUp | lingering
	c.arm(lingerTimeout)
}

// vanish handles a stream that ended or broke without a close frame.
func (c *Conn) vanish() {
	waited := c.handler != nil && !c.is(ended)
	e := End{Code: ws.StatusAbnormalClosure, Cause: ByPeer, Opened: c.Opened()}
	if c.phase == closing && c.more != nil {
		e = c.more.end // our close frame is out: its code is the connection's
	}
	c.drop()
	if waited {
		c.finish(e, e.Reason, false)
	}
}

// drop closes the socket. The slot stays taken until the handler lets go of it.
func (c *Conn) drop() {
	c.become(closed)
	l := c.loop
	l.wheel.disarm(c)
	c.dropQueue()
	l.letGo(c)
	if c.handler == nil {
		l.bury(c)
	}
}

// reset closes the socket so that the peer sees a reset, not an end.
func (c *Conn) reset() {
	armReset(int(c.fd))
	c.vanish()
}

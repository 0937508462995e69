package netpoll

import (
	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

const (
	// chunkMax bounds one read or write, in bytes: they are raw system calls,
	// and the world cannot be stopped before they return.
	chunkMax = 256 << 10

	// headroom is the space in front of the receive buffer for a spill: the
	// incomplete bytes of the read before are put there, so that what is parsed
	// is always in one piece.
	headroom = 32 << 10

	// earlyMax is how much a client may send before its handshake is answered. At
	// most as much again is kept, of the read that goes over it.
	earlyMax = 64 << 10

	// reserveMin is the smallest message, in bytes, for which the handler is
	// asked for memory of its own. Smaller ones are cheaper copied.
	reserveMin = 32 << 10

	// bodyLead is how many times the bytes that have come a message may take in
	// memory. The first read of a large message brings 128 KiB or more, so that
	// one of a MiB is put where it belongs at once.
	bodyLead = 8
)

// read takes one read's worth of bytes from a readable connection and handles
// them. One read is enough: level-triggered polling comes back for the rest.
func (c *Conn) read() {
	l := c.loop
	if c.is(lingering) || c.is(ended) && c.phase == closing {
		c.discard()
		return
	}
	if c.phase == open && !c.is(ended) && c.handler.Halt(c) {
		c.pause()
		return
	}
	if c.more != nil {
		if room := c.more.body.room(); len(room) > 0 {
			c.readBody(room)
			return
		}
	}
	start := headroom
	if x := c.more; x != nil && len(x.spill) > 0 && c.phase != waiting {
		if len(x.spill) > headroom {
			c.feedEarly() // accepted in the middle of this turn; the poller comes back
			return
		}
		start -= len(x.spill)
		copy(l.rx[start:], x.spill)
	}
	room := l.rx[headroom:]
	if c.phase <= waiting {
		room = room[:min(len(room), earlyMax)] // what is early has to be kept
	}
	n, err := recv(int(c.fd), room)
	l.stats.Reads++
	if !c.arrived(n, err) {
		return
	}
	if start < headroom {
		c.dropSpill()
	}
	c.feed(l.rx[start : headroom+n])
	c.settle()
}

// readBody reads the rest of a frame straight to where its message is put
// together, and what follows it to the loop's buffer.
func (c *Conn) readBody(room []byte) {
	l := c.loop
	room = room[:min(len(room), chunkMax)]
	setIovec(&l.iov[0], room)
	setIovec(&l.iov[1], l.rx[headroom:])
	n, err := recvv(int(c.fd), l.iov[:2])
	l.stats.Reads++
	if !c.arrived(n, err) {
		return
	}
	direct := min(n, len(room))
	c.feed(room[:direct])
	if n > direct && c.phase != closed {
		c.feed(l.rx[headroom : headroom+n-direct])
	}
	c.settle()
}

// arrived looks at the outcome of a read and reports whether there are bytes.
func (c *Conn) arrived(n int, err error) bool {
	switch {
	case n > 0:
		c.received += uint64(n)
		c.heard = c.loop.tick
		c.flags &^= pinged
		return true
	case err != nil && isAgain(err):
		return false
	}
	c.vanish()
	return false
}

// discard reads on only to see the end of the stream.
func (c *Conn) discard() {
	n, err := recv(int(c.fd), c.loop.rx[headroom:])
	c.loop.stats.Reads++
	if n == 0 && !isAgain(err) {
		c.vanish()
	}
}

// feed handles bytes that came, with the spill in front of them.
func (c *Conn) feed(b []byte) {
	switch c.phase {
	case opening:
		c.feedHead(b)
	case waiting:
		c.keepEarly(b)
	case open, closing:
		c.feedFrames(b)
	}
}

// feedFrames handles bytes that are frames. Between messages there is nothing to
// remember of them, so that an idle connection has no Reader: it borrows the
// loop's, and takes a copy with it only from the middle of a message.
func (c *Conn) feedFrames(b []byte) {
	l := c.loop
	if x := c.more; x != nil && x.inMessage {
		l.frames = x.frames
	} else {
		l.frames = wsframe.NewReader(c.settings.MessageBytes)
		if c.deflation != nil {
			l.frames.AllowCompressed()
		}
	}
	c.parseFrames(b)
	if c.phase == closed || c.is(ended) {
		return
	}
	if !l.frames.AtRest() {
		x := c.need()
		x.frames, x.inMessage = l.frames, true
	} else if c.more != nil {
		c.more.inMessage = false
	}
}

func (c *Conn) parseFrames(b []byte) {
	it := &c.loop.item
	for len(b) > 0 && c.phase != closed && !c.is(ended) {
		n, err := c.loop.frames.Next(b, it)
		if err == nil {
			switch it.Kind {
			case wsframe.More:
				c.keep(b)
				return
			case wsframe.Message:
				err = c.message(it)
			case wsframe.Part:
				err = c.part(it)
			case wsframe.Ping:
				c.pong(it.Payload)
			case wsframe.Close:
				c.peerClosed(it)
				return
			}
		}
		if err != nil {
			c.failWith(err)
			return
		}
		b = b[n:]
	}
}

// failWith ends a connection whose bytes make no sense, or have no place to go.
func (c *Conn) failWith(err error) {
	if c.is(ended) {
		return // by the handler that returned err
	}
	if c.phase == closing {
		// Our close frame is on its way, and theirs will not come any more.
		x := c.need()
		x.lingers = true
		c.finish(x.end, x.end.Reason, false)
		return
	}
	switch e := err.(type) {
	case *wsframe.Error:
		c.fail(e.Code, e.Reason)
	default:
		c.fail(StatusTryAgainLater, "no room for the message")
	}
}

// message hands over a message that lies in the receive buffer in one piece.
func (c *Conn) message(it *wsframe.Item) error {
	if c.phase != open {
		return nil // nobody waits for data behind our close frame
	}
	if it.Compressed {
		return c.inflateMessage(it)
	}
	l := c.loop
	c.active = l.tick
	l.incoming = Incoming{Text: it.Op == ws.OpText, Len: len(it.Payload), conn: c, item: it}
	return c.handler.Message(c, &l.incoming)
}

// A body is a message that is being put together.
type body struct {
	buf      []byte // payload so far, unmasked
	rest     int    // bytes of the open frame that are still to come
	reserved bool   // buf is the handler's memory
}

// room is where the rest of the open frame can be read to.
func (b *body) room() []byte {
	return b.buf[len(b.buf):min(cap(b.buf), len(b.buf)+b.rest)]
}

// part adds a piece of a message to its body, and hands the message over when it
// is complete.
func (c *Conn) part(it *wsframe.Item) error {
	if c.phase != open {
		return nil
	}
	if it.Compressed {
		return c.inflatePart(it)
	}
	b := &c.need().body
	have := len(b.buf) + len(it.Payload)
	c.makeRoom(b, have, have+it.FrameRest)
	if c.phase != open || c.is(ended) {
		c.dropBody() // the handler ended c when it was asked for memory
		return nil
	}
	if err := c.loop.frames.Copy(b.buf[len(b.buf):have], it); err != nil {
		return err
	}
	b.buf, b.rest = b.buf[:have], it.FrameRest
	if !it.Final {
		return nil
	}
	return c.whole(it)
}

// whole hands over the message that is complete in c's body.
func (c *Conn) whole(it *wsframe.Item) error {
	whole := c.more.body
	c.more.body = body{} // c may end, and drop its body, while the handler has this one
	l := c.loop
	c.active = l.tick
	l.incoming = Incoming{Text: it.Op == ws.OpText, Len: len(whole.buf), conn: c, body: whole}
	h := c.handler
	err := h.Message(c, &l.incoming)
	switch {
	case !whole.reserved:
		l.pool.put(whole.buf)
	case err != nil:
		h.Abandon(c, whole.buf)
	}
	return err
}

// makeRoom gives b capacity for have bytes, and for whole if that is at most
// bodyLead times as much: a header alone must not make us hold what was never
// sent.
func (c *Conn) makeRoom(b *body, have, whole int) {
	if have <= cap(b.buf) && b.buf != nil {
		return
	}
	size := min(whole, max(bodyLead*have, poolSmallest))
	if size == whole && whole >= reserveMin && !b.reserved {
		if to := c.handler.Reserve(c, whole); to != nil {
			to = append(to[:0:whole], b.buf...)
			c.loop.pool.put(b.buf)
			b.buf, b.reserved = to, true
			return
		}
	}
	bigger := append(c.loop.pool.get(size), b.buf...)
	c.giveBody(b)
	b.buf = bigger
}

// giveBody gives b's memory back to whom it belongs.
func (c *Conn) giveBody(b *body) {
	if b.reserved {
		c.handler.Abandon(c, b.buf)
	} else {
		c.loop.pool.put(b.buf)
	}
	b.buf, b.reserved = nil, false
}

// dropBody forgets a message that will not be completed, or that was handed over.
func (c *Conn) dropBody() {
	if c.more != nil && c.more.body.buf != nil {
		c.giveBody(&c.more.body)
		c.more.body = body{}
	}
}

// keep makes b the spill.
func (c *Conn) keep(b []byte) {
	if len(b) > 0 {
		c.need().spill = append(c.loop.pool.get(len(b)), b...)
	}
}

// keepEarly adds b to the spill while the handshake waits for its answer, and
// stops reading when that is too much.
func (c *Conn) keepEarly(b []byte) {
	x := c.need()
	x.spill = append(c.loop.pool.grow(x.spill, len(x.spill)+len(b)), b...)
	if len(x.spill) > earlyMax {
		c.setWant(false, c.is(wantWrite))
	}
}

func (c *Conn) dropSpill() {
	if c.more != nil {
		c.loop.pool.put(c.more.spill)
		c.more.spill = nil
	}
}

// setWant changes what the poller watches for.
func (c *Conn) setWant(read, write bool) {
	flags := c.flags &^ (readOff | wantWrite)
	if !read {
		flags |= readOff
	}
	if write {
		flags |= wantWrite
	}
	if flags != c.flags {
		c.flags = flags
		c.loop.poller.want(int(c.fd), c.readyID(), read, write)
	}
}

func (c *Conn) readyID() readyID { return makeReadyID(c.slot, c.seq) }

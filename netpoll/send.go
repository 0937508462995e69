package netpoll

import (
	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

const (
	// gatherMin is the smallest payload, in bytes, that is written from where it
	// lies: below, a copy is cheaper than an entry in a vector.
	gatherMin = 16 << 10

	// flushBytes of output are written without waiting for the end of the turn.
	flushBytes = 64 << 10

	// segmentMax is how large a queue's buffer grows before the next one is begun.
	segmentMax = 8 << 10

	// gatherMax is how many buffers one write takes.
	gatherMax = 64
)

// A sendQueue is a connection's unsent output, in order.
type sendQueue struct {
	segments []segment
	first    int  // segments before it are written
	bytes    int  // unsent bytes in all
	progress tick // when the kernel last took some
	shared   *Backlog
}

// count adds n unsent bytes, or takes them away.
func (q *sendQueue) count(n int) {
	q.bytes += n
	if q.shared != nil {
		q.shared.Bytes += n
	}
}

// over reports whether nothing more may be queued behind what is there.
func (q *sendQueue) over(limit int) bool {
	return q.bytes > limit || q.shared != nil && q.shared.Bytes > q.shared.Limit && q.bytes > 0
}

// A segment is a run of unsent bytes.
type segment struct {
	buf    []byte
	off    int  // bytes before it are written
	shared bool // somebody else's, never changed: not ours to give back or append to
}

// queue returns c's queue, and gives it one and a place on the list of those to
// flush if it has none.
func (c *Conn) queue() *sendQueue {
	if c.out == nil {
		c.out = c.loop.takeQueue()
		if c.settings != nil {
			c.out.shared = c.settings.Backlog
		}
		c.out.progress = c.loop.tick
	}
	c.list()
	return c.out
}

// list puts c on the list of connections to flush at the end of the turn.
func (c *Conn) list() {
	if !c.is(listed) {
		c.flags |= listed
		c.loop.dirty = append(c.loop.dirty, c)
	}
}

// tail returns a segment of our own with room for n more bytes.
func (c *Conn) tail(n int) *segment {
	q := c.queue()
	if last := len(q.segments) - 1; last >= q.first {
		s := &q.segments[last]
		if !s.shared && len(s.buf)+n <= cap(s.buf) {
			return s
		}
		if !s.shared && s.off == 0 && len(s.buf)+n <= segmentMax {
			s.buf = c.loop.pool.grow(s.buf, len(s.buf)+n)
			return s
		}
	}
	q.segments = append(q.segments, segment{buf: c.loop.pool.get(n)})
	return &q.segments[len(q.segments)-1]
}

// append queues what write appends: frames and heads that we make ourselves,
// which are small and not bounded by the high-water mark.
func (c *Conn) append(write func([]byte) []byte) {
	s := c.tail(poolSmallest)
	before := len(s.buf)
	s.buf = write(s.buf)
	c.out.count(len(s.buf) - before)
}

// writable reports why nothing can be sent on c now, or nil.
func (c *Conn) writable() error {
	if c.phase != open {
		return ErrClosed
	}
	if q := c.out; q != nil && q.over(c.settings.SendBytes) {
		if !c.is(wantWrite) {
			c.flush() // it may only have been gathered
		}
		if c.phase != open {
			return ErrClosed
		}
		if c.out != nil && c.out.over(c.settings.SendBytes) {
			c.flags |= overfull
			return ErrWouldBlock
		}
	}
	return nil
}

// Send queues one message. It is written at the end of the turn, or at once if
// it is large: either way payload is the caller's again when Send returns.
//
// While more than [Settings.SendBytes] are unsent it queues nothing and returns
// [ErrWouldBlock]; [Handler.Drained] follows. Text must be UTF-8.
func (c *Conn) Send(op ws.OpCode, payload []byte) error {
	if err := c.writable(); err != nil {
		return err
	}
	c.active = c.loop.tick
	if c.deflation != nil && c.sendDeflated(op, payload) {
		return nil
	}
	if len(payload) >= gatherMin {
		c.sendLarge(op, payload)
		return nil
	}
	size := wsframe.HeaderSize(len(payload)) + len(payload)
	s := c.tail(size)
	s.buf = wsframe.AppendFrame(s.buf, op, payload)
	c.out.count(size)
	if c.out.bytes >= flushBytes && !c.is(wantWrite) {
		c.flush()
	}
	return nil
}

// SharedMin is the smallest frame, in bytes, that [Conn.SendFrame] does not copy.
const SharedMin = gatherMin

// SendFrame queues one whole frame, header included: the same bytes may be
// queued on any number of connections. A frame of [SharedMin] bytes or more must
// never be changed; a smaller one is the caller's again when SendFrame returns.
// Otherwise it is as Send.
func (c *Conn) SendFrame(frame []byte) error {
	if err := c.writable(); err != nil {
		return err
	}
	c.active = c.loop.tick
	if len(frame) < gatherMin {
		s := c.tail(len(frame))
		s.buf = append(s.buf, frame...)
	} else {
		q := c.queue()
		q.segments = append(q.segments, segment{buf: frame, shared: true})
	}
	c.out.count(len(frame))
	return nil
}

// sendLarge writes a message from where it lies, behind what is queued, and
// queues a copy of what the kernel does not take.
func (c *Conn) sendLarge(op ws.OpCode, payload []byte) {
	s := c.tail(wsframe.HeaderSize(len(payload)))
	before := len(s.buf)
	s.buf = wsframe.AppendHeader(s.buf, op, true, len(payload))
	c.out.count(len(s.buf) - before)
	for !c.is(wantWrite) && len(payload) > 0 {
		n, blocked, err := c.write(payload)
		if err != nil {
			return
		}
		payload = payload[n:]
		if blocked {
			c.setWant(!c.is(readOff), true)
		}
	}
	if len(payload) == 0 {
		return
	}
	q := c.queue()
	q.segments = append(q.segments, segment{buf: append(c.loop.pool.get(len(payload)), payload...)})
	q.count(len(payload))
	c.hurry(c.settings.StallTimeout)
}

// flush writes the queue. What the kernel does not take stays, and the poller
// says when there is room again.
func (c *Conn) flush() {
	for c.out != nil && c.out.bytes > 0 {
		_, blocked, err := c.write(nil)
		if err != nil {
			return
		}
		if blocked {
			c.setWant(!c.is(readOff), true)
			if c.settings != nil {
				c.hurry(c.settings.StallTimeout)
			}
			return
		}
	}
	if c.phase == closed {
		return
	}
	c.dropQueue()
	c.setWant(!c.is(readOff), false)
	if c.is(hangUp) {
		c.flushed()
	}
}

// unblocked goes on with a queue that the kernel has room for again.
func (c *Conn) unblocked() {
	if x := c.more; x != nil && x.pong != nil {
		if c.phase == open { // nothing follows a close frame
			c.append(func(b []byte) []byte { return wsframe.AppendFrame(b, ws.OpPong, x.pong) })
		}
		x.pong = nil
	}
	c.flush()
	if c.phase == open && !c.is(ended) && c.is(overfull) && (c.out == nil || c.out.bytes <= c.settings.SendBytes/4) {
		c.flags &^= overfull
		c.handler.Drained(c)
	}
	c.settle()
}

// write writes the queue and then extra in one call, as far as chunkMax and
// gatherMax allow, and reports how much of extra was taken and whether the
// kernel is full. After an error the connection is gone.
func (c *Conn) write(extra []byte) (n int, blocked bool, err error) {
	l, q := c.loop, c.out
	var (
		iov     = l.iov[:0]
		first   []byte
		offered int
	)
	add := func(b []byte) {
		b = b[:min(len(b), chunkMax-offered)]
		if len(b) == 0 || len(iov) == gatherMax {
			return
		}
		if first == nil {
			first = b
		}
		iov = iov[:len(iov)+1]
		setIovec(&iov[len(iov)-1], b)
		offered += len(b)
	}
	for i := q.first; i < len(q.segments) && offered < chunkMax; i++ {
		s := &q.segments[i]
		add(s.buf[s.off:])
	}
	queued := min(q.bytes, offered)
	if queued == q.bytes {
		add(extra)
	}
	var taken int
	if len(iov) == 1 {
		taken, err = send(int(c.fd), first)
	} else {
		taken, err = sendv(int(c.fd), iov)
	}
	l.stats.Writes++
	if err != nil && !isAgain(err) {
		c.vanish()
		return 0, false, err
	}
	if taken > 0 {
		c.sent += uint64(taken)
		q.progress = l.tick
	}
	c.written(min(taken, queued))
	return max(taken-queued, 0), taken < offered, nil
}

// written takes n bytes off the front of the queue.
func (c *Conn) written(n int) {
	q := c.out
	q.count(-n)
	for q.first < len(q.segments) {
		s := &q.segments[q.first]
		left := len(s.buf) - s.off
		if n < left {
			s.off += n
			q.compact()
			return
		}
		n -= left
		if !s.shared {
			c.loop.pool.put(s.buf)
		}
		*s = segment{}
		q.first++
	}
	q.segments, q.first = q.segments[:0], 0
}

// compact forgets written segments once they are more than the others, so that a
// queue that is never empty does not grow for ever.
func (q *sendQueue) compact() {
	if q.first > len(q.segments)/2 {
		n := copy(q.segments, q.segments[q.first:])
		clear(q.segments[n:])
		q.segments, q.first = q.segments[:n], 0
	}
}

// dropQueue gives back the queue and what is in it.
func (c *Conn) dropQueue() {
	if c.out == nil {
		return
	}
	c.out.count(-c.out.bytes)
	for i := range c.out.segments {
		if s := &c.out.segments[i]; !s.shared {
			c.loop.pool.put(s.buf)
		}
	}
	c.loop.giveQueue(c.out)
	c.out = nil
}

// pong answers a ping. While the backlog does not drain only the newest is
// answered: RFC 6455, section 5.5.3, lets us, and a flood must not fill memory.
func (c *Conn) pong(payload []byte) {
	if c.phase != open {
		return
	}
	if c.is(wantWrite) {
		x := c.need()
		x.pong = x.pongBuffer[:copy(x.pongBuffer[:], payload)]
		return
	}
	c.append(func(b []byte) []byte { return wsframe.AppendFrame(b, ws.OpPong, payload) })
	if c.out.bytes >= flushBytes {
		c.flush()
	}
}

package netpoll

import (
	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// A deflation is what a connection that agreed on permessage-deflate has (RFC
// 7692). Without context takeover its windows are nil, and all that is large is
// the loop's.
type deflation struct {
	params wsdeflate.Params
	in     *wsdeflate.Window // of messages that come
	out    *wsdeflate.Window // of messages that go
}

// inflateBytes is the size of the buffer that a message is inflated to first.
const inflateBytes = 64 << 10

// negotiate looks through the client's offers, for Accept.
func (c *Conn) negotiate(head *wshead.Head) {
	if c.settings.Deflate == nil {
		return
	}
	if params, ok := wsdeflate.Negotiate(head.Extensions, *c.settings.Deflate); ok {
		c.deflation = &deflation{params: params}
	}
}

// begin makes the windows and returns the header line that says what was agreed
// on, with extra behind it. It is valid until the next call on the loop.
func (d *deflation) begin(l *Loop, extra []byte) []byte {
	d.in, d.out = d.params.InflateWindow(), d.params.DeflateWindow()
	lines := append(l.lines[:0], "Sec-WebSocket-Extensions: "...)
	lines = append(d.params.Append(lines), "\r\n"...)
	l.lines = append(lines, extra...)
	return l.lines
}

// inflate adds what a piece of a compressed message inflates to to b, whose bytes
// are the message so far. An error is a [*wsframe.Error].
func (c *Conn) inflate(f *wsdeflate.Inflater, b *body, it *wsframe.Item) error {
	l := c.loop
	if err := l.frames.Copy(it.Payload, it); err != nil { // unmasks in place
		return err
	}
	for src := it.Payload; ; {
		used, at, err := f.Inflate(b.buf[:cap(b.buf)], src, it.Final)
		b.buf = b.buf[:f.Size()]
		if err != nil || at != wsdeflate.NeedRoom {
			return err
		}
		src = src[used:]
		b.buf = l.pool.grow(b.buf, min(4*cap(b.buf), c.settings.MessageBytes))
	}
}

// inflateMessage hands over a compressed message that lies in the receive buffer
// in one piece.
func (c *Conn) inflateMessage(it *wsframe.Item) error {
	l := c.loop
	l.inflater.Start(c.deflation.in, c.settings.MessageBytes, it.Op == ws.OpText)
	b := body{buf: l.pool.get(inflateBytes)}
	err := c.inflate(&l.inflater, &b, it)
	if err == nil {
		c.active = l.tick
		l.incoming = Incoming{Text: it.Op == ws.OpText, Len: len(b.buf), conn: c, body: b}
		err = c.handler.Message(c, &l.incoming)
	}
	l.pool.put(b.buf)
	return err
}

// inflatePart adds a piece of a compressed message to its body. The connection
// has an Inflater of its own until the message is whole.
func (c *Conn) inflatePart(it *wsframe.Item) error {
	x := c.need()
	if it.First {
		x.inflater = c.loop.takeInflater()
		x.inflater.Start(c.deflation.in, c.settings.MessageBytes, it.Op == ws.OpText)
		x.body.buf = c.loop.pool.get(poolSmallest)
	}
	if err := c.inflate(x.inflater, &x.body, it); err != nil {
		return err
	}
	if !it.Final {
		return nil
	}
	c.loop.giveInflater(x)
	return c.whole(it)
}

// deflated appends payload to dst as the connection's peer wants it: compressed,
// where it agreed on that and it pays.
func (c *Conn) deflated(dst, payload []byte) ([]byte, bool) {
	d := c.deflation
	return c.loop.deflater(c.settings.Deflate).Append(dst, payload, d.params, d.out)
}

// sendDeflated queues a message that is compressed, and reports false if it is
// better sent as it is.
func (c *Conn) sendDeflated(op ws.OpCode, payload []byte) bool {
	b, ok := c.deflated(c.loop.pool.get(len(payload)+wsframe.MaxHeaderSize+16), payload)
	if ok {
		s := c.tail(wsframe.HeaderSize(len(b)) + len(b))
		before := len(s.buf)
		s.buf = wsframe.AppendFrame(s.buf, op, b)
		s.buf[before] |= wsframe.CompressedBit
		c.out.count(len(s.buf) - before)
	}
	c.loop.pool.put(b)
	if ok && c.out.bytes >= flushBytes && !c.is(wantWrite) {
		c.flush()
	}
	return ok
}

// deflater returns the loop's Deflater for a configuration: one for each, for
// they are large.
func (l *Loop) deflater(config *wsdeflate.Config) *wsdeflate.Deflater {
	d := l.deflaters[config]
	if d == nil {
		d = wsdeflate.NewDeflater(*config)
		l.deflaters[config] = d
	}
	return d
}

func (l *Loop) takeInflater() *wsdeflate.Inflater {
	if n := len(l.inflaters); n > 0 {
		f := l.inflaters[n-1]
		l.inflaters = l.inflaters[:n-1]
		return f
	}
	return new(wsdeflate.Inflater)
}

// inflatersFree is how many Inflaters of 11 KiB a loop keeps for later.
const inflatersFree = 16

func (l *Loop) giveInflater(x *extra) {
	if x.inflater != nil && len(l.inflaters) < inflatersFree {
		l.inflaters = append(l.inflaters, x.inflater)
	}
	x.inflater = nil
}

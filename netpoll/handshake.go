package netpoll

import (
	"slices"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// feedHead looks for the end of the head in b, all that came so far, and lets
// the driver route the connection once it is there.
func (c *Conn) feedHead(b []byte) {
	l := c.loop
	if c.is(proxied) {
		var ok bool
		if b, ok = c.feedProxy(b); !ok {
			return
		}
	}
	var parser wshead.Parser
	if c.more != nil {
		parser = c.more.parser
	}
	size, refusal := parser.Parse(b, &l.config.Head, &l.head)
	if refusal != nil {
		l.refuse(c, refusal)
		return
	}
	if size == 0 {
		c.keep(b)
		c.need().parser = parser
		return
	}
	l.received = b
	l.driver.Route(c, &l.head)
	l.received = nil
	switch rest := b[size:]; {
	case len(rest) == 0:
	case c.phase == waiting:
		c.keepEarly(rest)
	case c.phase == open: // answered already
		c.feedFrames(rest)
	}
}

// refuse answers a head that the loop itself does not take.
func (l *Loop) refuse(c *Conn, r *wshead.Refusal) {
	l.driver.Refused(c, r)
	c.Refuse(wshead.AppendRefusal(nil, r, nil), nil)
}

// Refuse answers the handshake with a whole HTTP response and ends the
// connection. The handler of a connection that waits is told that it ended with
// e; before Await, e is nil.
func (c *Conn) Refuse(response []byte, e *End) error {
	if c.phase != opening && c.phase != waiting {
		return ErrClosed
	}
	c.dropSpill()
	c.append(func(b []byte) []byte { return append(b, response...) })
	c.need().lingers = true
	if c.phase == opening {
		c.flags |= ended
		c.become(closing)
		c.hang()
		return nil
	}
	c.become(closing)
	c.finish(*e, e.Reason, false)
	return nil
}

// Await makes h the handler of a connection whose head has been routed, with
// settings that must have come from [Settings.WithDefaults]. From here on
// h.Closed will be called exactly once. The handler owes Accept or Refuse.
func (c *Conn) Await(h Handler, key uint64, settings *Settings) {
	c.become(waiting)
	c.handler, c.Key, c.settings = h, key, settings
	x, head := c.need(), &c.loop.head
	wshead.AppendAcceptKey(x.acceptKey[:0], head.Key())
	for protocol := range head.Protocols {
		if x.protocols == nil {
			x.protocols = c.loop.pool.get(poolSmallest)
		}
		x.protocols = append(append(x.protocols, protocol...), ',')
	}
	c.negotiate(head)
	c.dropSpill()
	c.arm(settings.ConnectTimeout)
}

// Accept answers the handshake with 101. protocol is empty or one that the
// client offered; extra is any number of valid "Name: value\r\n" lines. What the
// client sent early is read in this turn.
func (c *Conn) Accept(protocol, extra []byte) error {
	if c.phase != waiting {
		return ErrClosed
	}
	x := c.more
	if len(protocol) > 0 && !offered(x.protocols, protocol) {
		return ErrProtocol
	}
	lines := extra
	if c.deflation != nil {
		lines = c.deflation.begin(c.loop, extra)
	}
	c.append(func(b []byte) []byte { return wshead.AppendSwitch(b, x.acceptKey[:], protocol, lines) })
	c.loop.pool.put(x.protocols)
	x.protocols = nil
	c.become(open)
	c.flags |= accepted
	c.heard, c.active = c.loop.tick, c.loop.tick
	c.watch()
	if len(x.spill) > 0 {
		c.loop.again = append(c.loop.again, c)
	}
	if c.is(readOff) && !c.is(paused) {
		c.setWant(true, c.is(wantWrite))
	}
	c.settle()
	return nil
}

// offered reports whether protocol is an element of list, each of which ends in
// a comma.
func offered(list, protocol []byte) bool {
	for len(list) > 0 {
		end := slices.Index(list, ',')
		if string(list[:end]) == string(protocol) {
			return true
		}
		list = list[end+1:]
	}
	return false
}

// feedEarly handles what came before the handshake was answered.
func (c *Conn) feedEarly() {
	if c.phase != open || c.more == nil || c.is(ended) {
		return
	}
	b := c.more.spill
	c.more.spill = nil
	c.feedFrames(b)
	c.loop.pool.put(b)
	c.settle()
}

// Move hands a connection that is being routed to another loop, which will parse
// its head again and route it. It must not be used after.
func (c *Conn) Move(to *Loop) {
	peer := c.Peer()
	fd, received := c.Detach()
	to.Adopt(fd, peer, received)
}

// Detach lets go of a connection that is being routed. The caller owns fd, which
// does not block, and received, every byte that came so far.
func (c *Conn) Detach() (fd int, received []byte) {
	l := c.loop
	received = slices.Clone(l.received)
	l.poller.remove(int(c.fd))
	fd = int(c.fd)
	c.fd = -1
	c.drop()
	return fd, received
}

// noAnswer refuses a handshake that the handler has not answered in time.
func (c *Conn) noAnswer() {
	c.Refuse(wshead.AppendRefusal(nil, wshead.NoAnswer, nil), &End{
		Code: StatusTryAgainLater, Reason: []byte("no answer to the handshake"), Cause: ByHost, Status: wshead.NoAnswer.Status,
	})
}

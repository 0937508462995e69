package netpoll

import (
	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// A drain is how far a loop has come in closing its connections one after the
// other.
type drain struct {
	total  int    // open connections when it began
	closed int    // of them, by it
	next   uint32 // slots before it have been looked at
}

// StartDrain refuses the connections that wait with 503, and counts those that are
// open, for DrainPart. What comes from now on is the driver's to refuse. To be
// called on the loop.
func (l *Loop) StartDrain(code ws.StatusCode, reason string) {
	l.drain = drain{}
	l.conns.each(func(c *Conn) {
		switch c.phase {
		case waiting:
			c.refuseDrained(code, reason)
		case open:
			l.drain.total++
		}
	})
}

// DrainPart closes open connections with code and reason until part of parts are
// closed; with part as much as parts, all that StartDrain has counted. To be called
// on the loop.
func (l *Loop) DrainPart(part, parts int, code ws.StatusCode, reason string) {
	d := &l.drain
	until := int((int64(d.total)*int64(part) + int64(parts) - 1) / int64(parts))
	for ; d.closed < until && int(d.next/chunkConns) < len(l.conns.chunks); d.next++ {
		if c := l.conns.at(d.next); c.phase == open {
			c.Close(code, reason, ByHost)
			d.closed++
		}
	}
}

// Drain ends all connections: open ones close with code and reason, waiting ones
// are refused with 503, those without a head are dropped. It calls empty once, in
// the turn in which the last one has gone. What comes later is the driver's to
// refuse. To be called on the loop.
func (l *Loop) Drain(code ws.StatusCode, reason string, empty func()) {
	l.drained = empty
	l.conns.each(func(c *Conn) {
		switch c.phase {
		case opening:
			c.drop()
		case waiting:
			c.refuseDrained(code, reason)
		case open:
			c.Close(code, reason, ByHost)
		}
	})
}

func (c *Conn) refuseDrained(code ws.StatusCode, reason string) {
	c.Refuse(wshead.AppendRefusal(nil, wshead.ShuttingDown, nil), &End{
		Code: code, Reason: []byte(reason), Cause: ByHost, Status: wshead.ShuttingDown.Status,
	})
}

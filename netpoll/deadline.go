package netpoll

import (
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/proxyhead"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// lingerTimeout is how long a peer has to close its side after we closed ours.
const lingerTimeout = time.Second

// arm sets c's one deadline to d from now, or to none if d is off.
func (c *Conn) arm(d time.Duration) {
	if d <= 0 {
		c.loop.wheel.disarm(c)
		return
	}
	c.loop.wheel.arm(c, c.loop.tick+ticks(d))
}

// expired handles c's deadline, which the wheel has disarmed.
func (c *Conn) expired() {
	switch c.phase {
	case opening:
		if c.is(proxied) {
			c.dropProxied(proxyhead.ErrMissing)
			return
		}
		c.loop.refuse(c, wshead.HeadTimeout)
	case waiting:
		c.noAnswer()
	case open:
		c.watch()
	case closing:
		c.vanish()
	}
}

// watch looks which of an open connection's deadlines has passed, and sets the
// next one. Deadlines that activity moves are not moved at every activity: they
// are looked at when they were due first.
func (c *Conn) watch() {
	var (
		s    = c.settings
		now  = c.loop.tick
		next tick
		soon = func(since tick, d time.Duration) (passed bool) {
			left := since + ticks(d) - now
			if int32(left) <= 0 {
				return true
			}
			if next == 0 || left < next {
				next = left
			}
			return false
		}
	)
	if c.is(paused) {
		c.heard = now
	}
	if q := c.out; q != nil && c.is(wantWrite) && s.StallTimeout > 0 && soon(q.progress, s.StallTimeout) {
		c.reset()
		return
	}
	if s.IdleTimeout > 0 && soon(c.active, s.IdleTimeout) {
		c.Close(ws.StatusGoingAway, "idle timeout", ByHost)
		return
	}
	if s.PingInterval > 0 && soon(c.heard, s.PingInterval) {
		if !c.is(pinged) {
			c.flags |= pinged
			c.heard = now - ticks(s.PingInterval) // late as we may be, the answer has all its time
			c.append(func(b []byte) []byte { return wsframe.AppendFrame(b, ws.OpPing, "") })
		}
		if s.PingTimeout > 0 && soon(c.heard, s.PingInterval+s.PingTimeout) {
			c.fail(ws.StatusInternalServerError, "keepalive ping timeout")
			return
		}
	}
	if next != 0 {
		c.loop.wheel.arm(c, now+next)
	}
}

// hurry makes sure that watch runs within d.
func (c *Conn) hurry(d time.Duration) {
	at := c.loop.tick + ticks(d)
	if c.phase == open && d > 0 && (c.timer == 0 || int32(at-c.due) < 0) {
		c.loop.wheel.arm(c, at)
	}
}

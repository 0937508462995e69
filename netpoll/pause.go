package netpoll

import "time"

// A connection whose handler does not want to hear of more for now is not read:
// its client's bytes stay in the kernel, and when that is full TCP tells the
// client to wait. [Handler.Halt] begins it, Resume ends it. While it lasts the
// client's silence is our doing, so that it is not pinged for it.

// pause stops reading from c, which is open, until Resume.
func (c *Conn) pause() {
	c.flags |= paused
	c.setWant(false, c.is(wantWrite))
}

// Resume goes on to read a connection that [Handler.Halt] has halted. One that
// is not halted stays as it is.
func (c *Conn) Resume() {
	if c.is(paused) {
		c.flags &^= paused
		c.setWant(true, c.is(wantWrite))
	}
}

// Keep copies what has come of an unfinished message from the memory that
// [Handler.Reserve] lent to the loop's own. The lender may take its memory away
// after that.
func (c *Conn) Keep() {
	if c.more == nil || !c.more.body.reserved {
		return
	}
	b := &c.more.body
	b.buf = append(c.loop.pool.get(cap(b.buf)), b.buf...)
	b.reserved = false
}

// Wake has the loop call [Driver.Deliver] within d, be there anything else to do
// or not. An earlier call that asked for less stands. To be called on the loop.
func (l *Loop) Wake(d time.Duration) {
	if at := l.config.Clock() + d; l.alarm == 0 || at < l.alarm {
		l.alarm = at
	}
}

// patience returns how long the loop may wait: until the next deadline or the
// alarm; negative if there is neither, or if waiting brings neither nearer.
func (l *Loop) patience() time.Duration {
	if l.stepped {
		return -1
	}
	return l.until()
}

// until returns the time until the next deadline or the alarm; negative if there is
// neither.
func (l *Loop) until() time.Duration {
	d := l.wheel.next()
	if l.alarm == 0 {
		return d
	}
	left := max(l.alarm-l.config.Clock(), 0)
	if d < 0 || left < d {
		return left
	}
	return d
}

// ring forgets an alarm that has passed: Deliver follows.
func (l *Loop) ring() {
	if l.alarm != 0 && l.config.Clock() >= l.alarm {
		l.alarm = 0
	}
}

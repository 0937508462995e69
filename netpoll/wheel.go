package netpoll

import "time"

// A tick is the loop's coarse clock: the time since it started in steps of
// tickLength. It wraps after eight years.
type tick uint32

const tickLength = 64 * time.Millisecond

// deadlineMax is the latest deadline: ticks are compared by their difference, of
// which half the range is the past, and two deadlines may be added.
const deadlineMax = (1 << 29) * tickLength

// ticks rounds d up. A deadline is armed during a tick and not at its begin, and
// so it may be early, by less than tickLength.
func ticks(d time.Duration) tick { return tick((min(d, deadlineMax) + tickLength - 1) / tickLength) }

const wheelSlots = 512 // one turn of the wheel is 33 s; later deadlines go round again

// A wheel holds at most one deadline for each connection, threaded through the
// connections themselves: arming and disarming cost a few stores, and nothing is
// allocated. Owned by the loop goroutine.
type wheel struct {
	heads [wheelSlots + 1]*Conn // the last one lists what is about to fire
	now   tick                  // everything that was due until then has fired
	soon  tick                  // none of the lists between now and then has a connection
	armed int
}

// A timerSlot is the index of the list that a connection is on, plus one.
type timerSlot uint16

const firing timerSlot = wheelSlots + 1

// arm sets c's deadline, which replaces the one it had.
func (w *wheel) arm(c *Conn, at tick) {
	w.disarm(c)
	if int32(at-w.now) <= 0 {
		at = w.now + 1
	}
	c.due = at
	w.link(c, timerSlot(at%wheelSlots)+1)
	w.armed++
	if first := w.now + 1 + (at-w.now-1)%wheelSlots; int32(first-w.soon) < 0 {
		w.soon = first
	}
}

// disarm forgets c's deadline, if it has one.
func (w *wheel) disarm(c *Conn) {
	if c.timer != 0 {
		w.unlink(c)
		w.armed--
	}
}

func (w *wheel) link(c *Conn, slot timerSlot) {
	head := &w.heads[slot-1]
	c.timer, c.timerPrev, c.timerNext = slot, nil, *head
	if *head != nil {
		(*head).timerPrev = c
	}
	*head = c
}

func (w *wheel) unlink(c *Conn) {
	if c.timerPrev != nil {
		c.timerPrev.timerNext = c.timerNext
	} else {
		w.heads[c.timer-1] = c.timerNext
	}
	if c.timerNext != nil {
		c.timerNext.timerPrev = c.timerPrev
	}
	c.timer, c.timerPrev, c.timerNext = 0, nil, nil
}

// advance moves the wheel to now and calls fire for every deadline that passed.
// fire may arm and disarm any connection.
func (w *wheel) advance(now tick, fire func(*Conn)) {
	for int32(now-w.now) > 0 {
		if w.armed == 0 {
			w.now = now
			return
		}
		w.now++
		w.collect(w.heads[w.now%wheelSlots])
		for c := w.heads[firing-1]; c != nil; c = w.heads[firing-1] {
			w.disarm(c)
			fire(c)
		}
	}
}

// collect moves what is due now from a slot's list to the firing list: fire may
// change either.
func (w *wheel) collect(c *Conn) {
	for c != nil {
		next := c.timerNext
		if c.due == w.now {
			w.unlink(c)
			w.link(c, firing)
		}
		c = next
	}
}

// next returns how long until the next deadline may be due, at most one turn of
// the wheel, or a negative duration if there is none.
func (w *wheel) next() time.Duration {
	if w.armed == 0 {
		return -1
	}
	i := tick(1)
	if ahead := w.soon - w.now; int32(ahead) > 1 {
		i = ahead
	}
	for i < wheelSlots && w.heads[(w.now+i)%wheelSlots] == nil {
		i++
	}
	w.soon = w.now + i
	return time.Duration(i) * tickLength
}

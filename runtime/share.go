package runtime

import (
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
)

// Tenants share the time of a loop. Each has a balance there, in nanoseconds: it
// rises with time, at a rate that is divided by how many tenants were active of
// late, and falls by what its turns take. Whoever owes more than a little waits while there is
// another, and its clients with it; alone it never waits.
const (
	slice      = int64(2 * time.Millisecond)   // the most that is saved up, and what applying commands may take at a time
	grace      = slice                         // what may be owed without waiting: many who do little must not wait for each other
	flushMost  = 5 * slice                     // what applying commands in the middle of a turn may take
	owedMost   = int64(100 * time.Millisecond) // the most that is owed
	activeTime = int64(50 * time.Millisecond)  // how long a tenant counts as active after a turn, at least
	sweepTime  = int64(10 * time.Millisecond)  // and how often it is looked who does not any more
)

// The cost of applying commands is reckoned, not measured: a clock would cost
// more than most of them. It is in nanoseconds, of a machine that is not fast.
const (
	commandCost  = 100 // of any
	deliveryCost = 100 // of a publication to one member

	refusalCost = 400 // of one that was refused, and comes back as a fault

	fuelPerCost = 2 // units that a guest pays for it in the middle of its turn

	writeCost = 5000 // of one that is large, and so is written at once
)

// commandBytes returns the cost of the bytes of a command: that text is UTF-8 has
// to be seen, and what is large is written at once and, where its client does not
// take it, copied to memory that nobody has touched yet.
func commandBytes(flags abi.Flags, n int) int64 {
	cost := int64(n) / 8
	if n >= netpoll.SharedMin {
		cost = writeCost + int64(n)/2
	}
	if flags&abi.Text != 0 {
		cost += int64(n)
	}
	return cost
}

// mostBatch is how many events a program gets in one turn at most. More would save
// nothing: what a call costs is shared by then.
const mostBatch = 256

// pace settles how many events the next turn may have, after one in which events
// took so much fuel. A turn's fuel has a ceiling, so what an event may take of it
// depends on how many there are: a guest that needs much for each gets few at a
// time, and nobody gets many before it was seen what some have cost.
func (h *home) pace(events int, spent int64) {
	h.save(events, spent)
	enough := h.tenant.limits.TurnFuel / 2 / max(spent/int64(max(events, 1)), 1)
	h.batch = int(max(1, min(enough, 2*int64(h.batch), mostBatch)))
}

// firstBatch is how many events a guest gets in its first turn: as many as can all
// have what an event may take. Native handlers are not counted.
func (h *home) firstBatch() int {
	if h.tenant.handler != nil {
		return mostBatch
	}
	return int(min(max(h.tenant.limits.TurnFuel/h.tenant.limits.EventFuel, 1), mostBatch))
}

// budget returns how much a guest may do in a turn with so many events, in units
// of fuel: what is theirs, and what was saved of the events before them. A guest whose
// language collects garbage does next to nothing for most events, and much for the one
// at which it collects.
func (h *home) budget(events int) int64 {
	return min(h.own(events)+h.saved, h.tenant.limits.TurnFuel)
}

// own returns what so many events may do without what was saved.
func (h *home) own(events int) int64 {
	l := &h.tenant.limits
	if n := int64(max(events, 1)); n < l.TurnFuel/l.EventFuel {
		return n * l.EventFuel
	}
	return l.TurnFuel
}

// savedPart is which part of what events leave is saved. What is alive in a guest was
// made by an event each, so a collection has more to do after many of them; a guest that
// was just started, to be stopped again, has not had many.
const savedPart = 256

// save settles what was saved, after a turn in which events took so much fuel.
func (h *home) save(events int, spent int64) {
	left := h.own(events) - spent
	if left > 0 {
		left /= savedPart
	}
	h.saved = min(max(h.saved+left, 0), h.tenant.limits.TurnFuel)
}

// share gives the tenants that are active what they may use of the time that has
// passed. That is one addition for all of them: each takes it when it is asked for.
func (s *shard) share() {
	if s.contended() {
		active := int64(len(s.active))
		part := (s.clock.Mono - s.shared) / active
		s.given += part
		s.shared += part * active // what is left is given the next time
		s.sweep()
		return
	}
	s.shared = s.clock.Mono
	if len(s.active) > 0 {
		s.active[0].balance, s.active[0].taken = slice, s.given
	}
}

// sweep ends the activity of tenants that have had no turn of late, and looks for them
// only now and then: with thousands that is not nothing.
func (s *shard) sweep() {
	if s.clock.Mono-s.swept < sweepTime {
		return
	}
	s.swept = s.clock.Mono
	kept := s.active[:0]
	for _, c := range s.active {
		if s.clock.Mono-c.ran > activeTime && c.due() > 0 {
			c.active = false
			continue
		}
		kept = append(kept, c)
	}
	clear(s.active[len(kept):])
	s.active = kept
}

// due returns the balance of a tenant that is active, with what it was given.
func (c *club) due() int64 {
	given := c.shard.given
	c.balance = min(c.balance+given-c.taken, slice)
	c.taken = given
	return c.balance
}

// runs notes that the tenant has a turn.
func (c *club) runs() {
	c.ran = c.shard.clock.Mono
	if !c.active {
		c.active = true
		c.taken = c.shard.given
		c.shard.active = append(c.shard.active, c)
	}
}

// charge takes what was done for the tenant from its balance. While it is alone
// nobody counts.
func (c *club) charge(cost int64) {
	if c.shard.contended() {
		c.balance = max(c.due()-cost, -owedMost)
	}
}

// owes reports whether h has to wait for others. Only who is active is given
// anything to pay with: who is not has had nothing.
func (h *home) owes() bool {
	return h.club.active && h.shard.contended() && h.club.due() <= -grace
}

// credit returns how long until h does not owe any more, or until it is worth asking
// again: there may be fewer to share with then.
func (h *home) credit() time.Duration {
	return time.Duration(min((1-grace-h.club.due())*int64(len(h.shard.active)), sweepTime))
}

// begin reads the clock, if it is going to be asked what something has cost.
func (s *shard) begin() {
	if s.contended() {
		s.tell()
	}
}

// contended reports whether tenants have to share the loop.
func (s *shard) contended() bool { return len(s.active) > 1 }

// Halt implements [netpoll.Handler].
func (h *home) Halt(c *netpoll.Conn) bool {
	if !h.held {
		wait := h.toCome()
		if wait == 0 {
			return false
		}
		h.shard.sleep(h, wait)
	}
	h.tenant.counters.halts.Add(1)
	h.halted = append(h.halted, handle(c.Key))
	return true
}

// goOn reads the connections again that were halted, unless their clients have sent
// too much of late.
func (h *home) goOn() {
	if len(h.halted) == 0 {
		return
	}
	if wait := h.toCome(); wait > 0 {
		h.shard.sleep(h, wait)
		return
	}
	for _, key := range h.halted {
		if s, status := h.sessions.find(key); status == abi.OK {
			s.conn.Resume()
		}
	}
	h.halted = h.halted[:0]
}

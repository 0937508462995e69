package runtime

import (
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
)

// Tenants share the time of a loop. Each has a balance there, in nanoseconds: it
// rises with time, at a rate that is divided by how many tenants were active of
// late, and falls by what its turns take. Whoever owes waits while there is
// another, and its clients with it; alone it never waits.
const (
	slice      = int64(2 * time.Millisecond)   // the most that is saved up, and what applying commands may take at a time
	flushMost  = 5 * slice                     // what applying commands in the middle of a turn may take
	owedMost   = int64(100 * time.Millisecond) // the most that is owed
	activeTime = int64(50 * time.Millisecond)  // how long a tenant counts as active after a turn
)

// The cost of applying commands is reckoned, not measured: a clock would cost
// more than most of them. It is in nanoseconds, of a machine that is not fast.
const (
	commandCost  = 100 // of any
	deliveryCost = 150 // of a publication to one member
)

// commandBytes returns the cost of the bytes of a command: that text is UTF-8
// has to be seen.
func commandBytes(flags abi.Flags, n int) int64 {
	if flags&abi.Text != 0 {
		return int64(n)
	}
	return int64(n) / 8
}

// What a guest may do in a turn, in units of about one instruction.
const (
	eventFuel = 10_000_000  // for each event
	turnFuel  = 100_000_000 // and not more than this, some 10 ms
)

// budget returns how much a guest may do in a turn with so many events.
func budget(events int) int64 { return min(int64(max(events, 1))*eventFuel, turnFuel) }

// share gives the tenants that are active what they may use of the time that has
// passed.
func (s *shard) share() {
	passed := s.clock.Mono - s.shared
	s.shared = s.clock.Mono
	if !s.contended() {
		for _, c := range s.active {
			c.balance = slice
		}
		return
	}
	part := passed / int64(len(s.active))
	kept := s.active[:0]
	for _, c := range s.active {
		c.balance = min(c.balance+part, slice)
		if c.balance > 0 && s.clock.Mono-c.ran > activeTime {
			c.active = false
			continue
		}
		kept = append(kept, c)
	}
	clear(s.active[len(kept):])
	s.active = kept
}

// runs notes that the tenant has a turn.
func (c *club) runs() {
	c.ran = c.shard.clock.Mono
	if !c.active {
		c.active = true
		c.shard.active = append(c.shard.active, c)
	}
}

// charge takes what was done for the tenant from its balance. While it is alone
// nobody counts.
func (c *club) charge(cost int64) {
	if c.shard.contended() {
		c.balance = max(c.balance-cost, -owedMost)
	}
}

// owes reports whether h has to wait for others.
func (h *home) owes() bool { return h.club.balance <= 0 && h.shard.contended() }

// credit returns how long until h does not owe any more.
func (h *home) credit() time.Duration {
	return time.Duration((1 - h.club.balance) * int64(len(h.shard.active)))
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

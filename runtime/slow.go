package runtime

import (
	"context"
	"log/slog"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
)

// A SlowPolicy says what becomes of a connection that takes less than it is
// sent: its backlog is over the tenant's Limits.SendBytes, and there is one
// message more. Either way that message is not queued, so that a backlog is over
// its limit by one message at most.
type SlowPolicy uint8

const (
	// CloseSlow closes it with 1008: it must not go on with a gap that nobody
	// knows of. But a guest that wants to hear when the backlog has drained
	// keeps it after its own send, of whose refusal it is told.
	CloseSlow SlowPolicy = iota

	// DropSlow drops the message for it, and keeps it. A program's own send is
	// refused as well, with would_block. What is dropped is counted in
	// Stats.Dropped, and told in the log once a second for each connection.
	DropSlow
)

// reasonSlow is what a connection is told that closes with 1008.
const reasonSlow = "too slow: backlog over its limit"

// behind deals with a message of the program's that s has no room for.
func (h *home) behind(s *session) {
	switch {
	case h.shard.policy(s) == DropSlow:
		h.shard.drop(s, h.tenant)
	case h.program.wants()&abi.Writable.Bit() == 0 && !s.slow:
		// For whoever does not wait for the drain the message would be lost
		// without anybody's knowing. It closes when the turn's commands are
		// applied, so that the faults of those come before its close event.
		s.slow = true
		h.slow = append(h.slow, s.conn)
	}
}

// closeSlow closes the connections that were found to be behind.
func (h *home) closeSlow() {
	for i, c := range h.slow {
		h.slow[i] = nil
		h.tenant.counters.slowClients.Add(1)
		c.Fail(ws.StatusPolicyViolation, reasonSlow)
	}
	h.slow = h.slow[:0]
}

// policy returns what is to become of s while it is slow.
func (s *shard) policy(of *session) SlowPolicy { return s.server.routes[of.route].slow }

// A dropRecord is how many messages were dropped for a connection.
type dropRecord struct {
	all    uint64
	untold uint64 // of all: since the last line in the log
	second int64  // of that line, since the shard started
}

// drop counts a message that was not sent to a slow connection of t's.
func (s *shard) drop(to *session, t *tenant) {
	s.dropped++
	if to.extra == nil {
		to.extra = new(sessionExtra)
	}
	d := &to.extra.drops
	first := d.all == 0
	d.all++
	d.untold++
	second := int64(s.elapsed() / time.Second)
	if !first && second == d.second {
		return
	}
	s.server.logger.LogAttrs(context.Background(), slog.LevelInfo, "messages dropped for a slow client",
		slog.String("error", "slow_reader"),
		slog.String("peer", to.conn.Peer().String()),
		slog.String("route", s.server.routes[to.route].pattern.text),
		slog.String("tenant", t.name),
		slog.Uint64("dropped", d.untold))
	d.untold, d.second = 0, second
}

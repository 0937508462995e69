package runtime

import (
	"sync/atomic"
	"time"
)

// A bucket holds what may be used of something that has a rate: it fills with
// time, up to what a second brings, and may be overdrawn by what is used at once.
// Rate 0 is no limit. Owned by the loop.
type bucket struct {
	rate  int64 // units a second
	level int64 // units; over 0: some may be used
	at    int64 // until when it was filled, as the monotonic clock
}

func newBucket(rate int) bucket { return bucket{rate: int64(rate), level: int64(rate)} }

// fill adds what time has brought.
func (b *bucket) fill(now int64) {
	if b.rate == 0 || now <= b.at {
		return
	}
	passed := now - b.at
	if seconds := passed / int64(time.Second); seconds > 0 {
		// Of what was overdrawn as many are paid back as have passed.
		if seconds > (b.rate-b.level)/b.rate {
			b.level, b.at = b.rate, now
			return
		}
		b.level += seconds * b.rate
		b.at += seconds * int64(time.Second)
		passed = now - b.at
	}
	added := passed / 1000 * b.rate / 1e6
	b.level = min(b.level+added, b.rate)
	b.at += added * int64(time.Second) / b.rate // what is less than a unit stays for later
}

// use takes n units, without asking.
func (b *bucket) use(n int) {
	if b.rate != 0 {
		b.level -= int64(n)
	}
}

// empty reports whether nothing may be used now.
func (b *bucket) empty() bool { return b.rate != 0 && b.level <= 0 }

// wait returns how long until something may be used, as of the last fill.
func (b *bucket) wait() time.Duration {
	if !b.empty() {
		return 0
	}
	return max(time.Duration(float64(1-b.level)/float64(b.rate)*1e9), time.Millisecond)
}

// quotas are a tenant's rates on one loop. Owned by the loop.
type quotas struct {
	conns    bucket // handshakes
	messages bucket // from clients
	received bucket // bytes of those
	sent     bucket // bytes of messages to clients
	lines    bucket // of log
	limited  bool   // there is a limit on what clients send
}

func (l *Limits) quotas() quotas {
	return quotas{
		conns:    newBucket(l.ConnRate),
		messages: newBucket(l.MessageRate),
		received: newBucket(l.ReceiveRate),
		sent:     newBucket(l.SendRate),
		lines:    newBucket(l.LogLines),
		limited:  l.MessageRate+l.ReceiveRate > 0,
	}
}

// TenantStats is what was counted of a tenant since the server started: what there
// is, and for each of its limits how often it took effect.
type TenantStats struct {
	Conns     int // connections that there are, with handshakes that wait
	Instances int // instances that there are

	Traps    uint64 // instances that ended abnormally
	Backoffs uint64 // handshakes that were refused for those

	ConnsFull   uint64 // handshakes over Conns
	ConnsFast   uint64 // handshakes over ConnRate
	MemoryFull  uint64 // instances that were not started, over TotalPages
	Halts       uint64 // connections that were not read for a while: over a rate, or because the tenant had to wait
	SendsBusy   uint64 // messages and publications that were refused, over SendRate
	TopicsFull  uint64 // subscriptions over Topics or Subscriptions
	LinesCut    uint64 // log lines over LogLines
	FaultsTold  uint64 // commands that were refused, for any reason
	SlowClients uint64 // connections that were closed because their backlog was over SendBytes
}

// counters are a TenantStats while they are counted, on any loop.
type counters struct {
	instances                                atomic.Int64
	traps, backoffs, connsFull, connsFast    atomic.Uint64
	memoryFull, halts, sendsBusy, topicsFull atomic.Uint64
	linesCut, faultsTold, slowClients        atomic.Uint64
}

// TenantStats returns what was counted of a tenant. It does not wait for the loops.
func (s *Server) TenantStats(tenant string) (TenantStats, error) {
	t := s.tenants[tenant]
	if t == nil {
		return TenantStats{}, ErrNotFound
	}
	c := &t.counters
	return TenantStats{
		Conns: int(t.conns.Load()), Instances: int(c.instances.Load()),
		Traps: c.traps.Load(), Backoffs: c.backoffs.Load(),
		ConnsFull: c.connsFull.Load(), ConnsFast: c.connsFast.Load(), MemoryFull: c.memoryFull.Load(),
		Halts: c.halts.Load(), SendsBusy: c.sendsBusy.Load(), TopicsFull: c.topicsFull.Load(),
		LinesCut: c.linesCut.Load(), FaultsTold: c.faultsTold.Load(), SlowClients: c.slowClients.Load(),
	}, nil
}

// takeMemory counts an instance, and reports whether there may be one more.
func (t *tenant) takeMemory() bool {
	pages := int64(t.limits.MemoryPages)
	total := int64(t.limits.TotalPages)
	if t.counters.instances.Add(1)*pages > total && total > 0 {
		t.counters.instances.Add(-1)
		t.counters.memoryFull.Add(1)
		return false
	}
	return true
}

// tooFast reports whether a handshake is one too many for this second.
func (h *home) tooFast() bool {
	q := &h.club.quotas.conns
	if q.rate == 0 {
		return false
	}
	if q.empty() {
		h.shard.tell()
		if q.fill(h.shard.clock.Mono); q.empty() {
			h.tenant.counters.connsFast.Add(1)
			return true
		}
	}
	q.use(1)
	return false
}

// came counts a message of a client's.
func (h *home) came(n int) {
	if q := &h.club.quotas; q.limited {
		q.messages.use(1)
		q.received.use(n)
	}
}

// toCome returns how long clients are not to be read yet.
func (h *home) toCome() time.Duration {
	q := &h.club.quotas
	if !q.limited || !q.messages.empty() && !q.received.empty() {
		return 0
	}
	h.shard.tell()
	q.messages.fill(h.shard.clock.Mono)
	q.received.fill(h.shard.clock.Mono)
	return max(q.messages.wait(), q.received.wait())
}

// mayGo reports whether n bytes may be sent to each of some clients, and counts
// them if so.
func (h *home) mayGo(n, clients int) bool {
	q := &h.club.quotas.sent
	if q.rate == 0 {
		return true
	}
	if q.empty() {
		h.shard.tell()
		if q.fill(h.shard.clock.Mono); q.empty() {
			h.tenant.counters.sendsBusy.Add(1)
			return false
		}
	}
	q.use(n * clients)
	return true
}

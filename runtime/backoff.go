package runtime

import (
	"sync"
	"sync/atomic"
	"time"
)

// How a tenant that traps again and again is kept from taking everybody's time
// with instances that are made to die.
const (
	backoffTraps  = 5                // this many
	backoffWindow = 10 * time.Second // within this begin a back-off
	backoffFirst  = time.Second      // of this length, twice as long with every further trap,
	backoffMost   = time.Minute      // up to this
	backoffStarts = time.Second      // and between two instances this passes at least
)

// A backoff counts the traps of a tenant, on all loops. While it lasts new
// connections are refused. It is over for good when the tenant has gone without a
// trap for backoffWindow after it. It has no timer: whoever asks says what time
// it is, as the monotonic clock of the loops.
type backoff struct {
	until atomic.Int64 // new connections are refused until then; 0: there was no back-off

	mu      sync.Mutex
	traps   [backoffTraps]int64 // when the last ones were, the oldest at next. Guarded by mu.
	next    int                 // Guarded by mu.
	seen    int                 // traps in all. Guarded by mu.
	wait    time.Duration       // length of the last back-off; 0: none to be doubled. Guarded by mu.
	started int64               // when an instance was started last. Guarded by mu.
}

// trapped counts a trap and returns how long a back-off begins with it; 0 if none
// does.
func (b *backoff) trapped(now int64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recover(now)
	b.traps[b.next] = now
	b.next = (b.next + 1) % backoffTraps
	oldest := b.traps[b.next] // of the last backoffTraps, this one included
	b.seen++
	switch {
	case b.wait > 0:
		b.wait = min(2*b.wait, backoffMost)
	case b.seen >= backoffTraps && now-oldest <= int64(backoffWindow):
		b.wait = backoffFirst
	default:
		return 0
	}
	b.until.Store(now + int64(b.wait))
	return b.wait
}

// recover ends a back-off that no trap has followed for long enough.
func (b *backoff) recover(now int64) {
	if b.wait > 0 && now > b.until.Load()+int64(backoffWindow) {
		b.clear()
	}
}

// clear forgets everything.
func (b *backoff) clear() {
	b.wait, b.seen = 0, 0
	b.until.Store(0)
}

// reset is clear, for a tenant whose module was replaced.
func (b *backoff) reset() {
	b.mu.Lock()
	b.clear()
	b.mu.Unlock()
}

// refuses returns for how long new connections are refused yet.
func (b *backoff) refuses(now int64) time.Duration {
	return time.Duration(max(b.until.Load()-now, 0))
}

// start asks for a fresh instance. It returns how long to wait with it; if that
// is 0, it counts as started.
func (b *backoff) start(now int64) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recover(now)
	if b.wait > 0 {
		if left := b.started + int64(backoffStarts) - now; left > 0 {
			return time.Duration(left)
		}
	}
	b.started = now
	return 0
}

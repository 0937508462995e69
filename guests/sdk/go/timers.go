package wherry

import (
	"math"
	"time"

	"github.com/seed-c6589352/wherry/abi"
)

// A Timer calls a function once.
type Timer struct {
	token uint64
	call  func()
}

// timers is those that are armed, by token.
var timers struct {
	armed map[uint64]*Timer
	last  uint64 // token
}

// After has f called once when d has passed, rounded up to a millisecond, one at
// least and 49 days at most. It is not called early, and may be called late. A timer
// ends with the instance; one that is about a connection should look at its phase.
func After(d time.Duration, f func()) *Timer {
	if timers.armed == nil {
		timers.armed = make(map[uint64]*Timer)
	}
	timers.last++
	t := &Timer{timers.last, f}
	timers.armed[t.token] = t
	t.set(milliseconds(d))
	return t
}

// milliseconds rounds up, into what a record can say.
func milliseconds(d time.Duration) uint32 {
	ms := d / time.Millisecond
	if ms < math.MaxUint32 && d%time.Millisecond > 0 {
		ms++
	}
	return uint32(min(max(ms, 1), math.MaxUint32))
}

// Cancel reports whether the timer was armed. It will not fire any more.
func (t *Timer) Cancel() bool {
	if timers.armed[t.token] == nil {
		return false
	}
	delete(timers.armed, t.token)
	t.call = nil
	t.set(0)
	return true
}

func (t *Timer) set(ms uint32) { command(abi.Record{Kind: abi.Timer, Code: ms, Token: t.token}) }

// ring calls what a timer is for. One that was cancelled in the same turn is not
// known any more.
func ring(token uint64) {
	t := timers.armed[token]
	if t == nil {
		return
	}
	delete(timers.armed, token)
	call := t.call
	t.call = nil
	call()
}

package wasmhost

import (
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// Every call of a guest has an amount of fuel, in units of about one instruction.
// The guest counts it down by itself, because nothing can stop it from outside:
// Go does not preempt it, and a collection of garbage waits for it. So it gets
// the amount in slices. When one is used up the guest passes through refill,
// where Go can stop it for a moment, and goes on with the next; when the amount
// is used up, refill traps it.

// sliceFuel is how much a guest does before it passes through the host: as long
// as that the garbage collector may have to wait for it. It is some 0.1 ms of
// common code, and ten milliseconds of code that misses the caches each time.
const sliceFuel = 1 << 20

// A tank is the fuel of one call.
type tank struct {
	amount int64         // what the call started with
	slices int           // that it has used up
	began  time.Duration // the thread's time when the first one was
	rest   int64         // of it, what the guest was not given yet, less what was charged
	spent  int64         // by the last call
}

// open starts a call with an amount of fuel, and returns its first slice.
func (t *tank) open(amount int64) (slice int64) {
	slice = max(min(amount, sliceFuel), 0)
	t.amount, t.rest, t.slices = amount, amount-slice, 0
	return slice
}

// close ends a call of which left is over of the last slice.
func (t *tank) close(left int64) { t.spent = t.amount - t.rest - left }

// refill answers a guest that has used up a slice: left is what it has, which is
// less than nothing. It returns what it has then.
func (t *tank) refill(left int64) int64 {
	if t.rest < -left {
		trap(ReasonFuel, "it had %d units of fuel", t.amount)
	}
	slice := min(t.rest, max(sliceFuel, -left))
	t.rest -= slice
	return left + slice
}

// refillCall is the hostcall that metered code imports. Admission does not know
// it.
func refillCall() hostcall {
	i64 := []api.ValueType{api.ValueTypeI64}
	return hostcall{importName{meter.ImportModule, meter.ImportRefill}, i64, i64,
		func(in *Instance, stack []uint64) {
			left := int64(stack[0])
			if left == meter.StackUsedUp {
				trap(ReasonDepth, "it calls itself too deep")
			}
			stack[0] = uint64(in.fuel.refill(left))
			in.lookAtClock()
		}}
}

// lookAtClock traps a guest that takes far more time for its fuel than others. The
// time is the thread's own, so a machine that is busy with other things makes
// nobody late.
func (in *Instance) lookAtClock() {
	in.fuel.slices++
	limit := in.cfg.TimeLimit
	if in.mailAt == 0 { // it initialises
		limit *= initTimes
	}
	if limit < 0 {
		return
	}
	now := threadTime()
	if in.fuel.slices == 1 {
		in.fuel.began = now
	} else if used := now - in.fuel.began; used > limit {
		trap(ReasonTime, "it took %v for less than %d units of fuel", used, in.fuel.amount)
	}
}

// initTimes is how often the limit on time an instance has to initialise.
const initTimes = 100

// Spent returns how much fuel the last Turn or Alloc took, or the start of the
// instance if there was none: in units of about one instruction, also if it
// ended in a trap. The same module spends the same on the same input, on every
// machine; what it had counted since it last called a function is not in it if
// it trapped in a loop.
func (in *Instance) Spent() int64 { return in.fuel.spent }

// Charge takes fuel from the call in progress, or from the last one, for work
// that the host does on its behalf. A guest that has less than that left is
// trapped when its slice is used up.
func (in *Instance) Charge(units int64) {
	if in.life == running {
		in.fuel.rest -= units
	} else {
		in.fuel.spent += units
	}
}

// What hostcalls cost besides the call, in units of a tenth of a nanosecond.
const (
	fuelLine         = 5_000 // a line of log
	fuelLineByte     = 40    // of a line as it is logged: escaping takes as long as much else
	fuelRandomByte   = 32
	fuelVector       = 128 // of fd_write
	fuelSubscription = 32  // of poll_oneoff
	fuelCommand      = 100 // of flush, whatever becomes of it
)

// pay charges a hostcall, and traps the guest where one call after the other is
// more than a slice beyond what it has left.
func (in *Instance) pay(units int64) {
	in.Charge(units)
	if in.life == running && in.fuel.rest < -sliceFuel {
		trap(ReasonFuel, "it had %d units of fuel", in.fuel.amount)
	}
}

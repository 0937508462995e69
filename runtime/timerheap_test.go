package runtime

import (
	"math/rand/v2"
	"testing"
)

// TestTimerBudget: to move a timer, and to arm one after another has fired,
// allocates nothing.
func TestTimerBudget(t *testing.T) {
	const many = 10_000
	var ts timers
	for token := range uint64(many) {
		ts.arm(token, int64(token), many)
	}
	now := int64(many)
	n := testing.AllocsPerRun(20, func() {
		for token := range uint64(many) {
			ts.arm(token, now+int64(token), many)
		}
		for range many { // fires the first, which is armed again
			first := ts.first()
			token := first.token
			ts.remove(first)
			ts.arm(token, now+int64(token), many)
		}
		now += many
	})
	if n > 0 {
		t.Errorf("%v allocations for %d commands; the budget is 0", n, 2*many)
	}
}

// TestTimerHeap does at random what a program may do, and compares with a map.
func TestTimerHeap(t *testing.T) {
	const tokens, limit, steps = 40, 30, 20_000
	var ts timers
	want := make(map[uint64]int64)
	r := rand.New(rand.NewPCG(1, 2))
	for step := range steps {
		token, at := r.Uint64N(tokens), r.Int64N(1000)
		switch _, armed := want[token]; r.IntN(3) {
		case 0:
			ts.cancel(token)
			delete(want, token)
		default:
			ok := ts.arm(token, at, limit)
			if ok != (armed || len(want) < limit) {
				t.Fatalf("step %d: armed %v with %d there", step, ok, len(want))
			}
			if ok {
				want[token] = at
			}
		}
		if len(ts.due) != len(want) || len(ts.byToken) != len(want) {
			t.Fatalf("step %d: %d and %d timers, want %d", step, len(ts.due), len(ts.byToken), len(want))
		}
		for token, at := range want {
			if got := ts.byToken[token]; got == nil || got.at != at || ts.due[got.index] != got {
				t.Fatalf("step %d: timer %d is %+v, want at %d", step, token, got, at)
			}
		}
		if r.IntN(10) > 0 {
			continue
		}
		first := ts.first()
		for _, at := range want {
			if at < first.at {
				t.Fatalf("step %d: the first timer is at %d, and there is one at %d", step, first.at, at)
			}
		}
		if first != nil {
			delete(want, first.token)
			ts.remove(first)
		}
	}
}

// BenchmarkTimer moves one of ten thousand timers.
func BenchmarkTimer(b *testing.B) {
	const many = 10_000
	var ts timers
	for token := range uint64(many) {
		ts.arm(token, int64(token), many)
	}
	at := int64(many)
	for b.Loop() {
		at++
		ts.arm(uint64(at*7919%many), at, many)
	}
}

// BenchmarkTimerFires fires one of ten thousand timers and arms it again.
func BenchmarkTimerFires(b *testing.B) {
	const many = 10_000
	var ts timers
	for token := range uint64(many) {
		ts.arm(token, int64(token), many)
	}
	for at := int64(many); b.Loop(); at++ {
		first := ts.first()
		token := first.token
		ts.remove(first)
		ts.arm(token, at, many)
	}
}

package wasmhost

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
)

// spend runs one of spender's ways to spend fuel.
func spend(t *testing.T, in *Instance, way uint32, much uint64, fuel int64) error {
	t.Helper()
	push(t, in, abi.Record{Kind: abi.Message, Code: way, Token: much}, "")
	_, err := in.Turn(Clock{}, fuel)
	return err
}

// TestFuel: whatever a guest does without end is stopped when it has done what it
// may, at a cost in proportion.
func TestFuel(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "spender"))
	for _, tc := range []struct {
		name   string
		way    uint32
		reason Reason
	}{
		{"a loop", 1, ReasonFuel},
		{"a loop that calls", 2, ReasonFuel},
		{"calls without loop or recursion", 3, ReasonFuel},
		{"exponential recursion", 4, ReasonFuel},
		{"memory.fill", 5, ReasonFuel},
		{"memory.copy", 6, ReasonFuel},
		{"hostcalls", 7, ReasonFuel},
		{"log", 8, ReasonFuel},
		{"random", 9, ReasonFuel},
		{"recursion", 10, ReasonDepth},
		{"recursion through a table", 11, ReasonDepth},
		{"two that call each other", 12, ReasonDepth},
		{"growing", 13, ReasonFuel},
		{"loads that miss the caches", 14, ReasonFuel},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lines := 0
			in := instantiate(t, m, InstanceConfig{TimeLimit: -1, Log: func(int, []byte) { lines++ }})
			const fuel = 20_000_000
			began := time.Now()
			err := spend(t, in, tc.way, 0, fuel)
			took := time.Since(began)
			var trap *TrapError
			if !errors.As(err, &trap) || trap.Reason != tc.reason {
				t.Fatalf("got %v; want %s", err, tc.reason)
			}
			if tc.reason == ReasonFuel {
				// What is charged at once may be more than is left.
				if over := in.Spent() - fuel; over > 2*sliceFuel || over < -2*sliceFuel {
					t.Errorf("spent %d units of %d", in.Spent(), fuel)
				}
			}
			if in.Spent() <= 0 {
				t.Errorf("spent %d units", in.Spent())
			}
			if !in.Dead() {
				t.Error("it is alive")
			}
			t.Logf("%v, %d units, %d lines", took, in.Spent(), lines)
		})
	}
}

// TestFuelIsExact: what a turn takes is what it took before, and a turn that has
// one unit less is stopped.
func TestFuelIsExact(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "spender"))
	var want int64
	for _, much := range []uint64{1, 1000, 200_000} {
		in := instantiate(t, m, InstanceConfig{TimeLimit: -1})
		if err := spend(t, in, 15, much, testFuel); err != nil {
			t.Fatal(err)
		}
		first := in.Spent()
		if first <= want {
			t.Errorf("%d rounds spent %d units; want more than %d", much, first, want)
		}
		want = first
		for _, tc := range []struct {
			fuel int64
			ok   bool
		}{{want, true}, {want + 1, true}, {want - 1, false}, {0, false}, {-1, false}, {-1 << 63, false}, {1<<63 - 1, true}} {
			in := instantiate(t, m, InstanceConfig{TimeLimit: -1})
			err := spend(t, in, 15, much, tc.fuel)
			var trap *TrapError
			switch {
			case tc.ok && (err != nil || in.Spent() != want):
				t.Errorf("%d rounds on %d units: %v after %d; want %d", much, tc.fuel, err, in.Spent(), want)
			case !tc.ok && (!errors.As(err, &trap) || trap.Reason != ReasonFuel):
				t.Errorf("%d rounds on %d units: %v; want no fuel", much, tc.fuel, err)
			}
		}
	}
}

// TestAllocFuel: the code that lends buffers has fuel of its own.
func TestAllocFuel(t *testing.T) {
	in := start(t, readGuest(t, "spender"), InstanceConfig{TimeLimit: -1})
	_, err := in.Alloc(100)
	var trap *TrapError
	if !errors.As(err, &trap) || trap.Reason != ReasonFuel {
		t.Fatalf("got %v; want no fuel", err)
	}
}

// TestCharge: work of the host is the guest's to pay.
func TestCharge(t *testing.T) {
	in := start(t, readGuest(t, "spender"), InstanceConfig{})
	if err := spend(t, in, 15, 10, testFuel); err != nil {
		t.Fatal(err)
	}
	before := in.Spent()
	in.Charge(1234)
	if got := in.Spent() - before; got != 1234 {
		t.Errorf("charged %d units, want 1234", got)
	}
}

// TestStackIsBounded: a guest that calls itself for ever costs no more than the
// stack that it may have, and gives it back.
func TestStackIsBounded(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "spender"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 10
	for range times {
		in := instantiate(t, m, InstanceConfig{})
		if err := spend(t, in, 10, 0, testFuel); err == nil || !strings.Contains(err.Error(), "too deep") {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	// The engine doubles the stack until it fits, so it allocates twice of what is
	// needed; the estimate is no less than the truth.
	if got := (after.TotalAlloc - before.TotalAlloc) / times; got > 12<<20 {
		t.Errorf("allocated %d bytes for each, want at most 12 MiB", got)
	} else {
		t.Logf("%d bytes for each", got)
	}
}

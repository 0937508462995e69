package wasmhost

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

func TestTraps(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	for _, tc := range []struct {
		name   string
		code   uint32
		token  int64
		reason Reason
		says   string
	}{
		{"unreachable", 1, 0, ReasonUnreachable, ".give_in()\n\t.wherry_v1_turn(i32) i32"},
		{"load beyond the memory", 2, 0, ReasonOutOfBounds, ".wherry_v1_turn"},
		{"exit", 3, 0, ReasonExit, "proc_exit(7)\nwasm stack trace:\n\twasi_snapshot_preview1.proc_exit(i32)"},
		{"give up", 4, -1, ReasonGiveUp, "turn returned -1"},
		{"least number", 4, -1 << 31, ReasonGiveUp, "-2147483648"},
		{"one command too many", 4, 1025, ReasonBadOutbox, "1025 commands, the outbox holds 1024"},
		{"most commands", 4, 1<<31 - 1, ReasonBadOutbox, "2147483647"},
		{"recursion", 5, 0, ReasonDepth, ".deeper(i32) i32"},
		{"empty table entry", 6, 0, ReasonBadCall, "invalid table access"},
		{"division by zero", 7, 0, ReasonArithmetic, "divide by zero"},
		{"log what is not there", 10, 0, ReasonOutOfBounds, "log of 16 bytes at 0xffffffff"},
		{"random beyond the memory", 13, 4<<16 - 7, ReasonOutOfBounds, "random of 8 bytes"},
		{"flush too many", 15, 1025, ReasonBadOutbox, "flush of 1025"},
		{"flush a negative number", 15, -1, ReasonBadOutbox, "flush of -1"},
		{"yield for ever", 16, 0, ReasonBlocked, "sched_yield"},
		{"poll for ever", 16, 1, ReasonBlocked, "poll_oneoff"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := instantiate(t, m, InstanceConfig{TimeLimit: -1})
			push(t, in, abi.Record{Kind: abi.Message, Code: tc.code, Token: uint64(tc.token)}, "")
			push(t, in, abi.Record{Kind: abi.Message}, "")
			_, err := in.Turn(Clock{}, testFuel)
			wantTrap(t, err, tc.reason, tc.says)
			if in.Cursor() != 1 {
				t.Errorf("cursor %d; want 1, which the guest had written", in.Cursor())
			}
			wantDead(t, in)
		})
	}
}

func wantTrap(t *testing.T, err error, reason Reason, says string) {
	t.Helper()
	var trap *TrapError
	if !errors.As(err, &trap) {
		t.Fatalf("got %v; want a trap by %s", err, reason)
	}
	if trap.Reason != reason || !strings.Contains(trap.Error(), says) {
		t.Errorf("got %s: %v\nwant %s: … %s …", trap.Reason, trap.Err, reason, says)
	}
	if strings.Contains(trap.Error(), "recovered") {
		t.Errorf("the message says that we panicked: %v", trap)
	}
}

// wantDead checks that nothing reaches a guest that has trapped, before it is
// closed and after.
func wantDead(t *testing.T, in *Instance) {
	t.Helper()
	for _, when := range []string{"trapped", "closed"} {
		if !in.Dead() {
			t.Errorf("%s: not dead", when)
		}
		if _, err := in.Turn(Clock{}, testFuel); err != ErrDead {
			t.Errorf("%s: turn says %v; want ErrDead", when, err)
		}
		if _, err := in.Alloc(1); err != ErrDead {
			t.Errorf("%s: alloc says %v; want ErrDead", when, err)
		}
		if _, ok := in.Push(&abi.Record{}, 0); ok || in.PushAt(&abi.Record{}) || in.Pending() != 0 {
			t.Errorf("%s: an event was staged", when)
		}
		if in.InboxRoom() >= 0 {
			t.Errorf("%s: room for %d bytes", when, in.InboxRoom())
		}
		if _, ok := in.View(0, 0); ok {
			t.Errorf("%s: memory can be viewed", when)
		}
		in.Return(1)
		in.Close()
	}
}

// TestHostPanics makes sure that a bug in what the runtime hands us comes out
// as a panic, with the place where it happened, and not as the guest's trap.
func TestHostPanics(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	boom := func() { panic("boom") }
	var table []int
	for _, tc := range []struct {
		name string
		cfg  InstanceConfig
		code uint32
		says []string
	}{
		{"flush", InstanceConfig{Flush: func(*Instance, int) int { boom(); return 0 }}, 14,
			[]string{"hostcall flush: boom", "TestHostPanics"}},
		{"log", InstanceConfig{Log: func(level int, _ []byte) { table[level] = 0 }}, 9,
			[]string{"hostcall log", "index out of range", "TestHostPanics"}},
		{"turn within a turn", InstanceConfig{Flush: func(in *Instance, _ int) int { in.Turn(Clock{}, testFuel); return 0 }}, 14,
			[]string{"hostcall flush", "Turn during a turn"}},
		{"close within a turn", InstanceConfig{Flush: func(in *Instance, _ int) int { in.Close(); return 0 }}, 14,
			[]string{"Close during a turn"}},
		{"a command that is not there", InstanceConfig{Flush: func(in *Instance, n int) int { in.SetStatus(n, abi.OK); return 0 }}, 14,
			[]string{"command 1 of 1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := instantiate(t, m, tc.cfg)
			message := panicOf(func() { behave(t, in, tc.code, 0, "line") })
			for _, want := range tc.says {
				if !strings.Contains(message, want) {
					t.Errorf("panicked with %q; want %q in it", message, want)
				}
			}
			wantDead(t, in)
		})
	}
}

// panicOf returns what f panics with, as text; nothing if it does not.
func panicOf(f func()) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = fmt.Sprint(r)
		}
	}()
	f()
	return ""
}

// TestTrapLeavesNeighbours runs two instances of one module, of which one traps.
func TestTrapLeavesNeighbours(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	a, b := instantiate(t, m, InstanceConfig{}), instantiate(t, m, InstanceConfig{})
	if _, err := behave(t, a, 5, 0, ""); err == nil {
		t.Error("endless recursion ended")
	}
	a.Close()
	if r, err := behave(t, b, 0, 9, ""); err != nil || r.Token != 9 {
		t.Errorf("the neighbour answers %+v, %v", r, err)
	}
}

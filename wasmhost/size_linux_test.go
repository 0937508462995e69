//go:build amd64

// Emulated, the memory of the system is the emulator's: so only where that is not needed.

package wasmhost

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
)

// residentBytes is the memory that the process has of the system, after what Go
// holds on to was given back.
func residentBytes(t *testing.T) int {
	t.Helper()
	resident, _ := memoryOfSystem(t)
	return resident
}

// memoryOfSystem returns that, and how much of it is pages of files, which all who
// map them share.
func memoryOfSystem(t *testing.T) (resident, shared int) {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text)) // proc_pid_statm(5)
	for i, bytes := range []*int{&resident, &shared} {
		pages, err := strconv.Atoi(fields[1+i])
		if err != nil {
			t.Fatal(err)
		}
		*bytes = pages * os.Getpagesize()
	}
	return resident, shared
}

// TestInstanceSize prints what an instance of a small guest takes of the system when
// it has had a turn: the pages of its memory that were written, and where it is
// among those that ran last, or all keep theirs, the engine's stack for it. All of
// that is given back.
func TestInstanceSize(t *testing.T) {
	m := compile(t, newHost(t, Config{}), guests.Echo())
	payload := []byte("a message")
	for _, tc := range []struct {
		name   string
		stacks *Stacks
		most   int
	}{
		{"each with a stack", nil, 64 << 10},
		{"few with a stack", NewStacks(64), 52 << 10},
	} {
		var all []*Instance
		live := func(n int) int {
			for len(all) < n {
				in, err := m.Instantiate(InstanceConfig{Stacks: tc.stacks})
				if err != nil {
					t.Fatal(err)
				}
				echoTurn(t, in, 1, payload)
				all = append(all, in)
			}
			return residentBytes(t)
		}
		some, many := live(200), live(1200)
		each := (many - some) / 1000
		for _, in := range all {
			in.Close()
		}
		all = nil
		left := residentBytes(t)
		t.Logf("%s: %d bytes each; %d KiB with 200, %d KiB with 1200, %d KiB when they are closed", tc.name, each, some>>10, many>>10, left>>10)
		if each > tc.most {
			t.Errorf("%s: an instance takes %d bytes", tc.name, each)
		}
		if left > some+1<<20 {
			t.Errorf("%s: %d KiB were not given back", tc.name, (left-some)>>10)
		}
	}
}

// TestGoGuestStarts prints what it takes to start a guest with a runtime of its own
// from the copy of one that has initialised, and what such an instance takes of the
// system when it has had a turn.
func TestGoGuestStarts(t *testing.T) {
	m := compile(t, newHost(t, Config{}), goGuest(t))
	var all []*Instance
	var took []time.Duration
	live := func(n int) int {
		for len(all) < n {
			began := time.Now()
			in, err := m.Instantiate(InstanceConfig{})
			took = append(took, time.Since(began))
			if err != nil {
				t.Fatal(err)
			}
			wantEcho(t, in, []string{"a message"})
			all = append(all, in)
		}
		resident, shared := memoryOfSystem(t)
		return resident - shared // pages of the copy that nobody has written to are everybody's
	}
	some, many := live(20), live(120)
	for _, in := range all {
		in.Close()
	}
	slices.Sort(took)
	each := (many - some) / 100
	t.Logf("started in %v (median), %v at most; %d KiB of its own each", took[len(took)/2], took[len(took)-1], each>>10)
	if each > 1<<20 {
		t.Errorf("an instance takes %d KiB; from nothing it takes three megabytes", each>>10)
	}
}

package wasmhost

import (
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// TestImageOfMore: a module that has taken more memory in its trial than another
// instance may have starts there by itself.
func TestImageOfMore(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "image/grower"))
	if m.code.image == nil {
		t.Fatal("no image of it was kept")
	}
	for _, tc := range []struct{ limit, pages uint32 }{{16, 16}, {4, 1}, {15, 1}, {0, 16}} {
		in, err := m.Instantiate(InstanceConfig{MemoryPages: tc.limit})
		if err != nil {
			t.Fatalf("of at most %d pages: %v", tc.limit, err)
		}
		if got := uint32(len(in.memory.bytes)) / pageBytes; got != tc.pages {
			t.Errorf("of at most %d pages, it has %d; want %d", tc.limit, got, tc.pages)
		}
		in.Close()
	}
}

// TestInstantiateOfFreedCode: a module that is closed while an instance of it is
// about to start has no code to start it from.
func TestInstantiateOfFreedCode(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "image/large"))
	m.Close()
	if in, err := m.code.instantiate(InstanceConfig{}); err == nil {
		in.Close()
		t.Error("it started")
	} else if !strings.Contains(err.Error(), "is closed") {
		t.Errorf("got %v; want that it is closed", err)
	}
	if h := m.code.host; h.instances != 0 || m.code.refs != 0 {
		t.Errorf("%d instances, %d holds", h.instances, m.code.refs)
	}
}

// TestHostcallsAreCharged: what a hostcall makes the host do is charged, whichever
// way it is called.
func TestHostcallsAreCharged(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "calls"))
	for _, tc := range []struct {
		name string
		way  uint32
		each int64
	}{
		{"now", 1, 1000},
		{"now through a table", 2, 1000},
		{"now through another table's segment", 3, 1000},
		{"fd_write of 1024 empty vectors", 4, 100_000},
		{"poll_oneoff of 256 subscriptions", 5, 8_000},
		{"log of what has to be escaped", 6, 40_000},
		{"fd_write of what has to be escaped", 7, 64 * 40_000},
	} {
		in := instantiate(t, m, InstanceConfig{TimeLimit: -1, Log: func(int, []byte) {}})
		const n = 10
		if err := spend(t, in, tc.way, n, 1<<40); err != nil {
			t.Fatal(err)
		}
		if got := in.Spent() / n; got < tc.each || got > 2*tc.each {
			t.Errorf("%s: %d units each; want %d to %d", tc.name, got, tc.each, 2*tc.each)
		}
	}
}

// TestReferencesAreDeclared: a function that was declared by its export is declared
// where the export leads to another one.
func TestReferencesAreDeclared(t *testing.T) {
	in := start(t, readGuest(t, "image/references"), InstanceConfig{})
	push(t, in, abi.Record{Kind: abi.Message}, "")
	n, err := in.Turn(Clock{Mono: 42}, testFuel)
	if n != 1 || err != nil {
		t.Fatalf("%d commands, %v", n, err)
	}
	var r abi.Record
	if in.Command(0, &r); r.Token != 42 {
		t.Errorf("it is %d, want 42", r.Token)
	}
}

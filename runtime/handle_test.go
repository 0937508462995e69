package runtime

import (
	"testing"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
)

// TestHandles: a handle names its connection for as long as that lives, and what
// is made of a handle by changing it names none.
func TestHandles(t *testing.T) {
	table := sessions{tag: 7}
	conn := new(netpoll.Conn)
	s, h := table.add(conn)
	if got, status := table.find(h); got != s || status != abi.OK {
		t.Fatalf("find: %v, %v", got, status)
	}
	for _, tc := range []struct {
		name string
		h    handle
		want abi.Status
	}{
		{"zero", 0, abi.Denied},
		{"all ones", ^handle(0), abi.Denied},
		{"another slot", h + 1, abi.Denied},
		{"a slot beyond the table", h + maxSessions/2, abi.Denied},
		{"another home's", h ^ 1<<(slotBits+generationBits), abi.Denied},
		{"a generation to come", h + 1<<slotBits, abi.Denied},
		{"a generation before the first", h - 1<<slotBits, abi.Denied},
	} {
		if got, status := table.find(tc.h); got != nil || status != tc.want {
			t.Errorf("%s: %v, %v; want %v", tc.name, got, status, tc.want)
		}
	}

	table.free(h)
	if _, status := table.find(h); status != abi.Closed {
		t.Errorf("after its end: %v, want closed", status)
	}
	again, fresh := table.add(conn)
	if again != s || fresh == h {
		t.Fatalf("the slot was not taken again, or its handle %x is the one before, %x", fresh, h)
	}
	if _, status := table.find(h); status != abi.Closed {
		t.Errorf("with the slot taken again: %v, want closed", status)
	}
	again.state = sessionOrphan
	if _, status := table.find(fresh); status != abi.Closed {
		t.Errorf("of an instance that has gone: %v, want closed", status)
	}
}

// TestGenerationWraps: no handle is ever 0, not even of the first slot of the
// first home.
func TestGenerationWraps(t *testing.T) {
	var table sessions
	conn := new(netpoll.Conn)
	_, h := table.add(conn)
	table.free(h)
	table.at(0).generation = 1<<generationBits - 1
	if _, h = table.add(conn); h == 0 || h.generation() != 1 {
		t.Errorf("handle %x after the last generation", h)
	}
}

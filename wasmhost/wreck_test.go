package wasmhost

import (
	"slices"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// TestSalvage: what a guest left when it trapped is there, in order; what it
// rewrote is taken for what it says, or left out where two events would share
// bytes or lie outside of the inbox.
func TestSalvage(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	for _, tc := range []struct {
		name   string
		tamper func(in *Instance, r []abi.Record) // as the guest could have
		want   []string
	}{
		{"untouched", func(*Instance, []abi.Record) {}, []string{"0 first", "1 second", "2 "}},
		{"another kind and connection", func(_ *Instance, r []abi.Record) { r[1].Kind, r[1].Conn = 99, 77 }, []string{"0 first", "1 second", "2 "}},
		{"the payload of another", func(_ *Instance, r []abi.Record) { r[1].Data, r[1].Len = r[0].Data, r[0].Len }, []string{"0 first", "2 "}},
		{"everything that lies behind", func(_ *Instance, r []abi.Record) { r[1].Len = 64 }, []string{"0 first", "2 "}},
		{"the records", func(in *Instance, r []abi.Record) { r[0].Data = in.inboxAddr }, []string{"1 second", "2 "}},
		{"in front of the inbox", func(in *Instance, r []abi.Record) { r[2].Data = in.inboxAddr - 8 }, []string{"0 first", "1 second"}},
		{"behind it", func(in *Instance, r []abi.Record) { r[0].Data = in.inboxAddr + uint32(len(in.inbox)) + 8 }, []string{"1 second", "2 "}},
		{"a length that wraps", func(_ *Instance, r []abi.Record) { r[0].Len = 1<<32 - 1 }, []string{"1 second", "2 "}},
		{"the mailbox", func(in *Instance, r []abi.Record) { r[0].Data = in.mailAt }, []string{"1 second", "2 "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := instantiate(t, m, InstanceConfig{})
			push(t, in, abi.Record{Kind: abi.Message, Code: 1}, "first")
			push(t, in, abi.Record{Kind: abi.Message}, "second")
			push(t, in, abi.Record{Kind: abi.Close}, "")
			if _, err := in.Turn(Clock{}, testFuel); err == nil {
				t.Fatal("it did not trap")
			}
			if w := in.Wreck(); w != (Wreck{Events: 3, Turning: true, Cursor: in.Cursor(), Flushed: -1}) {
				t.Errorf("wreck %+v", w)
			}
			records := make([]abi.Record, 3)
			for i := range records {
				records[i].Get(in.inbox[i*abi.RecordSize:])
			}
			tc.tamper(in, records)
			for i := range records {
				records[i].Put(in.inbox[i*abi.RecordSize:])
			}
			var got []string
			in.Salvage(func(i int, _ *abi.Record, payload []byte) {
				got = append(got, string(rune('0'+i))+" "+string(payload))
			})
			if !slices.Equal(got, tc.want) {
				t.Errorf("salvaged %q, want %q", got, tc.want)
			}
			in.Close()
			in.Salvage(func(int, *abi.Record, []byte) { t.Error("an event of an instance that is closed") })
		})
	}
}

// TestSalvageAfterAlloc: a guest that traps in alloc has not come to what is
// staged, and what it lent is there with it, once.
func TestSalvageAfterAlloc(t *testing.T) {
	in := start(t, readGuest(t, "behave"), InstanceConfig{})
	addr, err := in.Alloc(8192)
	if err != nil || addr == 0 {
		t.Fatalf("alloc: %#x, %v", addr, err)
	}
	b, _ := in.View(addr, 8192)
	copy(b, "lent")
	for range 2 { // the second as the guest could have written it
		r := abi.Record{Kind: abi.Message, Data: addr, Len: 8192}
		if in.front == 0 {
			in.PushAt(&r)
			continue
		}
		r.Put(in.inbox[in.front:])
		in.front += abi.RecordSize
	}
	in.die(&TrapError{ReasonUnreachable, ErrDead})
	if w := in.Wreck(); w.Turning || w.Events != 2 {
		t.Errorf("wreck %+v, want two events and no turn", w)
	}
	times := 0
	in.Salvage(func(i int, r *abi.Record, payload []byte) {
		times++
		if i != 0 || len(payload) != 8192 || string(payload[:4]) != "lent" {
			t.Errorf("event %d, %d bytes", i, len(payload))
		}
	})
	if times != 1 {
		t.Errorf("what was lent was salvaged %d times", times)
	}
}

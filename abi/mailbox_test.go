package abi

import (
	"bytes"
	"encoding/binary"
	"testing"
)

type mailboxVector struct {
	Name          string
	Hex           wire
	Inbox         uint32
	InboxBytes    uint32 `json:"inbox_bytes"`
	Outbox        uint32
	OutboxRecords uint32 `json:"outbox_records"`
	Cursor        uint32
	Wants         uint32
	Grants        uint32
	Minor         uint32
	Addr          uint32
	Memory        uint64
	Problem       string
}

func (v mailboxVector) mailbox() Mailbox {
	return Mailbox{v.Inbox, v.InboxBytes, v.Outbox, v.OutboxRecords, v.Cursor, v.Wants, v.Grants, v.Minor}
}

func TestMailboxGolden(t *testing.T) {
	for _, v := range golden[mailboxVector](t, "mailboxes.json") {
		want := v.mailbox()
		var got Mailbox
		if !got.Get(v.Hex) || got != want {
			t.Errorf("%s: read %+v; want %+v", v.Name, got, want)
		}
		dst, intact := guarded(MailboxSize)
		want.Put(dst)
		if !bytes.Equal(dst, v.Hex) || !intact() {
			t.Errorf("%s: wrote %x; want %x", v.Name, dst, v.Hex)
		}
		problem := ""
		if err := want.Check(v.Addr, v.Memory); err != nil {
			problem = err.(*MailboxError).Problem
		}
		if problem != v.Problem {
			t.Errorf("%s: problem %q; want %q", v.Name, problem, v.Problem)
		}
	}
}

func TestMailboxGetShort(t *testing.T) {
	whole := bytes.Repeat([]byte{0xff}, MailboxSize)
	for n := range whole {
		m := Mailbox{Minor: 7}
		if m.Get(whole[:n]) || m != (Mailbox{Minor: 7}) {
			t.Errorf("%d bytes: read %+v; want nothing", n, m)
		}
	}
}

// TestMailboxOffsets ties the offsets of the words that hosts and guests touch
// on their own to the layout that Put writes.
func TestMailboxOffsets(t *testing.T) {
	m := Mailbox{Cursor: 101, Wants: 102, Grants: 103, Minor: 104}
	b := make([]byte, MailboxSize)
	m.Put(b)
	for offset, want := range map[int]uint32{CursorOffset: 101, WantsOffset: 102, GrantsOffset: 103, MinorOffset: 104} {
		if got := binary.LittleEndian.Uint32(b[offset:]); got != want {
			t.Errorf("offset %d holds %d; want %d", offset, got, want)
		}
	}
}

func TestMailboxBudget(t *testing.T) {
	b := make([]byte, MailboxSize)
	m := Mailbox{Inbox: 65536, InboxBytes: 65536, Outbox: 131072, OutboxRecords: 2048}
	if n := testing.AllocsPerRun(100, func() { m.Put(b); m.Get(b); _ = m.Check(1024, 3<<16) }); n != 0 {
		t.Errorf("Put, Get and Check allocate %v times; their budget is 0", n)
	}
}

// FuzzMailbox: a mailbox that passes Check has its parts inside the memory and
// apart from each other.
func FuzzMailbox(f *testing.F) {
	for _, v := range golden[mailboxVector](f, "mailboxes.json") {
		f.Add([]byte(v.Hex), v.Addr, v.Memory)
	}
	f.Fuzz(func(t *testing.T, b []byte, addr uint32, memory uint64) {
		memory %= 1<<32 + 1 // no memory of version 1 is larger
		var m Mailbox
		if ok := m.Get(b); ok != (len(b) >= MailboxSize) {
			t.Fatalf("Get of %d bytes: %v", len(b), ok)
		} else if !ok {
			return
		}
		dst := make([]byte, MailboxSize)
		m.Put(dst)
		if !bytes.Equal(dst[:32], b[:32]) || !bytes.Equal(dst[32:], make([]byte, 32)) {
			t.Errorf("read %x, wrote %x", b[:MailboxSize], dst)
		}
		if m.Check(addr, memory) == nil {
			checkApart(t, m, addr, memory)
		}
	})
}

// checkApart checks what Check promises in another way: by order, not by pairs.
func checkApart(t *testing.T, m Mailbox, addr uint32, memory uint64) {
	t.Helper()
	starts := [3]uint64{uint64(addr), uint64(m.Inbox), uint64(m.Outbox)}
	sizes := [3]uint64{MailboxSize, uint64(m.InboxBytes), 32 * uint64(m.OutboxRecords)}
	for i, start := range starts {
		if start == 0 || start&7 != 0 || start >= memory || sizes[i] > memory-start {
			t.Fatalf("part %d at %d with %d bytes passed in a memory of %d", i, start, sizes[i], memory)
		}
		next := memory // the nearest start behind this one
		for j, other := range starts {
			if j != i && other >= start {
				next = min(next, other)
			}
		}
		if start+sizes[i] > next {
			t.Fatalf("part %d at %d with %d bytes passed though something is at %d", i, start, sizes[i], next)
		}
	}
}

package abi

import "encoding/binary"

// MailboxSize is the size of the mailbox, in bytes.
const MailboxSize = 64

// Offsets in the mailbox of the words that are read or written on their own.
const (
	CursorOffset = 16
	WantsOffset  = 20
	GrantsOffset = 24
	MinorOffset  = 28
)

// A Mailbox is what a guest registers: where its inbox and outbox are, and what
// it wants. The host reads addresses and sizes once and keeps its own copy.
type Mailbox struct {
	Inbox         uint32 // address, a multiple of 8
	InboxBytes    uint32
	Outbox        uint32 // address, a multiple of 8
	OutboxRecords uint32
	Cursor        uint32 // guest: index of the event it is handling; advisory
	Wants         uint32 // guest: Kind.Bit of the optional events it handles
	Grants        uint32 // host: Kind.Bit of the commands it may use
	Minor         uint32 // host: its minor version
}

// Put writes m, and zeros where the layout reserves them, to the front of dst.
// It panics if dst is shorter than [MailboxSize].
func (m *Mailbox) Put(dst []byte) {
	dst = dst[:MailboxSize]
	clear(dst)
	for i, v := range [...]uint32{m.Inbox, m.InboxBytes, m.Outbox, m.OutboxRecords, m.Cursor, m.Wants, m.Grants, m.Minor} {
		binary.LittleEndian.PutUint32(dst[4*i:], v)
	}
}

// Get reads m from the front of b, and reports whether b was long enough. It
// checks nothing else: see [Mailbox.Check].
func (m *Mailbox) Get(b []byte) bool {
	if len(b) < MailboxSize {
		return false
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	*m = Mailbox{word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7)}
	return true
}

// The least that an inbox and an outbox can be, and the most that the host will
// use of them: what a guest registers beyond that is left alone.
const (
	MinInboxBytes    = 4096
	MaxInboxBytes    = 16 << 20
	MinOutboxRecords = 16
	MaxOutboxRecords = 1 << 16
)

// A MailboxError says what is wrong with a mailbox that a guest registered.
type MailboxError struct{ Problem string }

func (e *MailboxError) Error() string { return "abi: mailbox: " + e.Problem }

// Check reports whether m, registered at addr, is sound in a memory of size
// bytes: inbox, outbox and the mailbox itself inside it, aligned to 8, of at
// least the least size, and none overlapping another.
func (m *Mailbox) Check(addr uint32, size uint64) error {
	type span struct {
		name       string
		start, len uint64
	}
	spans := [...]span{
		{"mailbox", uint64(addr), MailboxSize},
		{"inbox", uint64(m.Inbox), uint64(m.InboxBytes)},
		{"outbox", uint64(m.Outbox), uint64(m.OutboxRecords) * RecordSize},
	}
	if m.InboxBytes < MinInboxBytes {
		return &MailboxError{"inbox is smaller than 4096 bytes"}
	}
	if m.OutboxRecords < MinOutboxRecords {
		return &MailboxError{"outbox holds fewer than 16 records"}
	}
	for i, s := range spans {
		if s.start%8 != 0 {
			return &MailboxError{s.name + " is not aligned to 8 bytes"}
		}
		if s.start == 0 || s.start+s.len > size {
			return &MailboxError{s.name + " is not inside the memory"}
		}
		for _, t := range spans[:i] {
			if s.start < t.start+t.len && t.start < s.start+s.len {
				return &MailboxError{s.name + " overlaps the " + t.name}
			}
		}
	}
	return nil
}

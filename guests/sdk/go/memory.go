package wherry

import (
	"unsafe"

	"github.com/seed-c6589352/wherry/abi"
)

// Sizes of what is shared with the host. An outbox or a stage that is full is
// flushed, so they limit nothing.
const (
	inboxBytes    = 256 << 10 // events and their payloads of one call
	outboxRecords = 2048      // commands between two flushes
	stageBytes    = 64 << 10  // payloads of commands between two flushes
	keptBytes     = 1 << 20   // of payloads that are larger than the stage
	maxMessage    = 16 << 20  // the largest buffer that is lent to the host
)

// mem is what the host knows the address of: a global, because Go never moves or
// collects it, with everything at multiples of 8.
var mem struct {
	box    [abi.MailboxSize / 8]uint64
	inbox  [inboxBytes / 8]uint64
	outbox [outboxRecords]abi.Record
	stage  [stageBytes]byte
}

// memory returns mem as bytes.
func memory() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&mem)), unsafe.Sizeof(mem))
}

// event returns the i-th record of the inbox. Records are little-endian, and so is
// every machine that this runs on.
func event(i uint32) *abi.Record {
	return (*abi.Record)(unsafe.Pointer(&mem.inbox[i*(abi.RecordSize/8)]))
}

// address returns what the host calls the place of b.
func address(b []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(ground()))
}

// boxAddress is the address of the front of mem.
func boxAddress() uint32 { return uint32(uintptr(unsafe.Pointer(&mem)) - uintptr(ground())) }

// isShared reports whether what a record points to is in mem, as most payloads are.
func isShared(r *abi.Record) bool {
	return uint64(r.Data-boxAddress())+uint64(r.Len) <= uint64(unsafe.Sizeof(mem))
}

// payload returns what an event points to: a view that is good until the turn is
// over, or longer where it was lent. The host has seen to it that it is in this
// guest's memory.
func payload(r *abi.Record) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(ground(), int(r.Data))), r.Len)
}

// isPayload reports whether b lies where an event's payload does, so that a command
// of the same turn can point to it.
func isPayload(b []byte) bool {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	if p-uintptr(unsafe.Pointer(&mem.inbox)) < inboxBytes {
		return true
	}
	for _, d := range loans.delivered {
		if p-uintptr(unsafe.Pointer(unsafe.SliceData(d))) < uintptr(len(d)) {
			return true
		}
	}
	return false
}

// loans are the buffers for large payloads: those that the host holds, which
// nobody else here refers to, and those that the events of this turn brought back.
var loans struct{ held, delivered [][]byte }

// lend returns the address of size bytes for the host to fill, or 0.
func lend(size uint32) uint32 {
	if size > maxMessage {
		return 0
	}
	b := make([]byte, max(size, 1))
	loans.held = append(loans.held, b)
	return address(b)
}

// takeBack moves the buffer that r points to from held to delivered.
func takeBack(r *abi.Record) {
	for i, b := range loans.held {
		if address(b) == r.Data {
			last := len(loans.held) - 1
			loans.held[i], loans.held[last] = loans.held[last], nil
			loans.held = loans.held[:last]
			loans.delivered = append(loans.delivered, b)
			return
		}
	}
}

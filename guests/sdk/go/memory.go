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
	maxPayload    = 1 << 30   // more than any
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
	// Not unsafe.Slice, which multiplies by a call.
	return (*[maxPayload]byte)(unsafe.Add(ground(), int(r.Data)))[:r.Len:r.Len]
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
// nobody else here refers to, those that the events of this turn brought back, and
// a few that were brought back before and wait to be lent again: what is not
// allocated does not have to be collected.
var loans struct{ held, delivered, spare [][]byte }

// What is kept of buffers.
const (
	spareBuffers = 2
	spareBytes   = 2 << 20 // of each
)

// bufferOffset is where in a page a buffer begins: SPEC.md, section 9, says why. Go
// has large ones begin with one.
const bufferOffset = 2 << 10

// lend returns the address of size bytes for the host to fill, or 0.
func lend(size uint32) uint32 {
	if size > maxMessage {
		return 0
	}
	b := spareBuffer(int(size))
	if b == nil {
		b = make([]byte, bufferOffset+max(size, 1))[bufferOffset:]
	}
	loans.held = append(loans.held, b)
	return address(b)
}

// spareBuffer takes a buffer of at least size bytes that is not in use, if there is
// one.
func spareBuffer(size int) []byte {
	for i, b := range loans.spare {
		if len(b) >= size {
			last := len(loans.spare) - 1
			loans.spare[i], loans.spare[last] = loans.spare[last], nil
			loans.spare = loans.spare[:last]
			return b
		}
	}
	return nil
}

// forgetDelivered ends the turn of the buffers that were brought back.
func forgetDelivered() {
	for i, b := range loans.delivered {
		if len(loans.spare) < spareBuffers && len(b) <= spareBytes {
			loans.spare = append(loans.spare, b)
		}
		loans.delivered[i] = nil
	}
	loans.delivered = loans.delivered[:0]
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

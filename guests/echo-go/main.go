//go:build wasip1

// Command echo-go is the echo guest in Go, on package abi alone: it accepts
// every connection and sends every message back. It is 1.8 MB with Go's
// runtime, so only its source is kept:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o echo-go.wasm ./guests/echo-go
package main

import (
	"unsafe"

	"github.com/seed-c6589352/wherry/abi"
)

// The outbox has a place for each record that fits in the inbox, so that one
// command an event never overflows it.
const (
	inboxBytes    = 256 << 10
	outboxRecords = inboxBytes / abi.RecordSize
)

// What the host knows the address of: globals, because Go never moves or
// collects them, and of uint64, because the host wants them aligned to 8.
var (
	mailbox [abi.MailboxSize / 8]uint64
	inbox   [inboxBytes / 8]uint64
	outbox  [outboxRecords * abi.RecordSize / 8]uint64

	// lent keeps the buffers that the host holds from being collected, by
	// address; delivered those that this turn's commands may still point to.
	lent      = map[uint32][]byte{}
	delivered [][]byte
)

// maxMessage is the largest message that alloc makes room for, in bytes.
const maxMessage = 16 << 20

// view returns the bytes of a global that is known to the host.
func view(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 8*len(words))
}

// address returns where b lies in this module's memory.
func address(b []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

//go:wasmexport wherry_v1_mailbox
func register() uint32 {
	m := abi.Mailbox{
		Inbox:         address(view(inbox[:])),
		InboxBytes:    inboxBytes,
		Outbox:        address(view(outbox[:])),
		OutboxRecords: outboxRecords,
	}
	m.Put(view(mailbox[:]))
	return address(view(mailbox[:]))
}

//go:wasmexport wherry_v1_turn
func turn(events uint32) int32 {
	in, out := view(inbox[:]), view(outbox[:])
	cursor := (*uint32)(unsafe.Pointer(&view(mailbox[:])[abi.CursorOffset]))
	clear(delivered)
	delivered = delivered[:0]
	used := 0
	for i := range events {
		*cursor = i
		var r abi.Record
		r.Get(in[i*abi.RecordSize:])
		if b, ok := lent[r.Data]; ok {
			delete(lent, r.Data)
			delivered = append(delivered, b)
		}
		switch r.Kind {
		case abi.Message: // the event is the command
		case abi.Connect:
			r.Data, r.Len = 0, 0 // accept takes fields to add to the 101, and there are none
		default:
			continue
		}
		r.Put(out[used*abi.RecordSize:])
		used++
	}
	return int32(used)
}

//go:wasmexport wherry_v1_alloc
func alloc(size uint32) uint32 {
	if size > maxMessage {
		return 0
	}
	const offset = 2 << 10 // in a page, with which Go has large ones begin: SPEC.md, section 9
	b := make([]byte, offset+size)[offset:]
	lent[address(b)] = b
	return address(b)
}

func main() {}

//go:build wasip1

package wherry

import "unsafe"

// What the host imports from and exports to a guest. Everything else in this
// package is the same on other systems.

//go:wasmimport wherry_v1 flush
func importFlush(commands int32) int32

//go:wasmimport wherry_v1 log
func importLog(level int32, text unsafe.Pointer, size int32)

//go:wasmimport wherry_v1 now
func importNow(clock int32) int64

//go:wasmimport wherry_v1 random
func importRandom(at unsafe.Pointer, size int32)

//go:wasmexport wherry_v1_mailbox
func exportMailbox() uint32 { return openMailbox() }

//go:wasmexport wherry_v1_turn
func exportTurn(events uint32) int32 { return turn(events) }

//go:wasmexport wherry_v1_alloc
func exportAlloc(size uint32) uint32 { return lend(size) }

// ground is what the host's addresses count from.
func ground() unsafe.Pointer { return nil }

func hostFlush(commands int) { importFlush(int32(commands)) }

func hostLog(level Level, text string) {
	importLog(int32(level), unsafe.Pointer(unsafe.StringData(text)), int32(len(text)))
}

func hostNow(clock uint32) int64 { return importNow(int32(clock)) }

func hostRandom(b []byte) {
	importRandom(unsafe.Pointer(unsafe.SliceData(b)), int32(len(b)))
}

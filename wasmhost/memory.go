package wasmhost

import "github.com/tetratelabs/wazero/experimental"

// A guestMemory is the memory of one instance: address space for all that it
// may ever have, reserved at once, of which bytes is the part that the guest
// has now. Growing is a longer slice, so the address never moves, a view stays
// a view, and nothing is copied.
//
// What each platform provides (memory_mmap.go, memory_heap.go):
//
//	reserve(n)   n zeroed bytes, n > 0, that cost nothing until they are touched
//	unreserve(b) gives them back; nothing may touch b again
//
// The engine checks bounds in code and needs no guard pages. Every reserved
// page is readable and writable: a fault in guest code would kill the process.
type guestMemory struct {
	reserved []byte
	bytes    []byte
}

var _ experimental.LinearMemory = (*guestMemory)(nil)

// reserve takes the address space, and has the image in it if that is mapped; it
// fails where the system has none to give.
func (m *guestMemory) reserve(pages uint32, im *image) (err error) {
	// A memory without a page is valid WebAssembly, but no mapping.
	m.reserved, err = reserve(int(max(pages, 1)) * pageBytes)
	if err == nil && im != nil {
		err = im.file.overlay(m.reserved)
	}
	return err
}

// Reallocate gives the guest size bytes of its memory, or nil if that is more
// than was reserved. The engine calls it at the start and to grow.
func (m *guestMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.reserved)) {
		return nil
	}
	m.bytes = m.reserved[:size:size]
	return m.bytes
}

// Free gives the memory back. A second call does nothing: both the engine and
// the instance make sure that there was one.
func (m *guestMemory) Free() {
	if m.reserved != nil {
		unreserve(m.reserved)
		m.reserved, m.bytes = nil, nil
	}
}

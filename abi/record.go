package abi

import "encoding/binary"

// RecordSize is the size of a record, in bytes.
const RecordSize = 32

// A Record is one event or one command.
//
//	0        2        4           8                 16          20         24
//	├─ kind ─┼─ flags─┼─ code ────┼─ conn ──────────┼─ data ────┼─ len ────┼─ token ────────┤
//	  u16      u16      u32         u64               u32 addr    u32        u64
type Record struct {
	Kind  Kind
	Flags Flags
	Code  uint32 // close code, HTTP status, topic length, milliseconds: as the kind says
	Conn  uint64 // the connection's handle; 0 where the record is about none
	Data  uint32 // address in guest memory
	Len   uint32 // bytes at Data
	Token uint64 // a command's token comes back in its fault or reply
}

// Put writes r to the front of dst. It panics if dst is shorter than
// [RecordSize]: the host's own arithmetic decides where records go.
func (r *Record) Put(dst []byte) {
	dst = dst[:RecordSize]
	le := binary.LittleEndian
	// Sums, not ors: of ors the compiler makes one 8-byte load of the fields,
	// which has to wait for the narrow stores that have just filled them in.
	le.PutUint64(dst[0:], uint64(r.Kind)+uint64(r.Flags)<<16+uint64(r.Code)<<32)
	le.PutUint64(dst[8:], r.Conn)
	le.PutUint64(dst[16:], uint64(r.Data)+uint64(r.Len)<<32)
	le.PutUint64(dst[24:], r.Token)
}

// Get reads r from the front of b, and reports whether b was long enough.
// Every bit pattern is a record: what it asks for is checked by whoever acts on it.
func (r *Record) Get(b []byte) bool {
	if len(b) < RecordSize {
		return false
	}
	b = b[:RecordSize]
	le := binary.LittleEndian
	head := le.Uint64(b[0:])
	span := le.Uint64(b[16:])
	// Field by field: a composite literal goes through a temporary, and reading
	// that back in 16-byte loads waits for its narrow stores.
	r.Kind, r.Flags, r.Code = Kind(head), Flags(head>>16), uint32(head>>32)
	r.Conn = le.Uint64(b[8:])
	r.Data, r.Len = uint32(span), uint32(span>>32)
	r.Token = le.Uint64(b[24:])
	return true
}

// Refused returns the fault that tells the guest that the host refused r.
func (r *Record) Refused(s Status) Record {
	return Record{Kind: Fault, Flags: Flags(r.Kind), Code: uint32(s), Conn: r.Conn, Token: r.Token}
}

// View returns the n bytes at addr of mem, or false where they are not all
// inside it. The view is clipped: an append to it cannot reach its neighbour.
// It is valid for as long as mem is.
func View(mem []byte, addr, n uint32) ([]byte, bool) {
	end := uint64(addr) + uint64(n)
	if end > uint64(len(mem)) {
		return nil, false
	}
	return mem[addr:end:end], true
}

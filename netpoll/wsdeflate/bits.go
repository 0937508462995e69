package wsdeflate

import "encoding/binary"

// A bitReader hands out the bits of a stream that comes in pieces, lowest bit
// first. What it holds of a byte stays with it when a piece ends.
//
// Bits above count are either 0 or those of the next byte of in: taking that
// byte sets them to what they are.
type bitReader struct {
	bits  uint64
	count uint   // bits that are valid
	in    []byte // the rest of the piece
}

// fill takes as many bytes as fit.
func (r *bitReader) fill() {
	if len(r.in) >= 8 {
		r.bits |= binary.LittleEndian.Uint64(r.in) << r.count
		r.in = r.in[(63-r.count)>>3:]
		r.count |= 56
		return
	}
	for r.count <= 56 && len(r.in) > 0 {
		r.bits |= uint64(r.in[0]) << r.count
		r.in = r.in[1:]
		r.count += 8
	}
}

// has reports whether there are n bits, 56 at most.
func (r *bitReader) has(n uint) bool {
	if r.count < n {
		r.fill()
	}
	return r.count >= n
}

// take removes n bits, which must be there, and returns them.
func (r *bitReader) take(n uint) uint {
	v := uint(r.bits & (1<<n - 1))
	r.drop(n)
	return v
}

func (r *bitReader) drop(n uint) {
	r.bits >>= n
	r.count -= n
}

// align drops bits up to the next byte.
func (r *bitReader) align() { r.drop(r.count & 7) }

// copyBytes moves whole bytes to dst until it is full or there are none, and
// returns how many. The reader must be aligned.
func (r *bitReader) copyBytes(dst []byte) int {
	n := 0
	for ; r.count > 0 && n < len(dst); n++ {
		dst[n] = byte(r.take(8))
	}
	if r.count > 0 || n == len(dst) {
		return n
	}
	r.bits = 0 // the bytes behind count go another way now
	more := copy(dst[n:], r.in)
	r.in = r.in[more:]
	return n + more
}

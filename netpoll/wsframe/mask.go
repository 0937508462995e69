package wsframe

import (
	"encoding/binary"
	"math/bits"
	"runtime"
	"unsafe"
)

// highBits has the top bit of every byte: those that are 0 in ASCII.
const highBits = 0x8080808080808080

// bigEndian is known to the compiler, so asking it costs nothing.
const bigEndian = runtime.GOARCH == "s390x" || runtime.GOARCH == "ppc64" ||
	runtime.GOARCH == "mips" || runtime.GOARCH == "mips64"

// unmask writes src, masked with key, to the front of dst (RFC 6455, section
// 5.3) and reports whether it came out as ASCII. It panics if dst has no room
// for src. They must be the same memory or disjoint.
//
// This is the only pass over payload in the whole server, hence the raw
// pointers: the same loop over slices takes 1.5 times as long.
func unmask(dst, src []byte, key uint32) (ascii bool) {
	if len(src) < 8 {
		return unmaskShort(dst, src, key)
	}
	_ = dst[len(src)-1] // every access below is inside these bounds
	from, to := unsafe.Pointer(unsafe.SliceData(src)), unsafe.Pointer(unsafe.SliceData(dst))
	end := len(src) - 8
	k := uint64(key)<<32 | uint64(key)
	lastKey := bits.RotateLeft64(k, -8*(end&3))
	if bigEndian {
		k, lastKey = bits.ReverseBytes64(k), bits.ReverseBytes64(lastKey)
	}

	// The last word overlaps the one before it. It is taken before anything
	// is written, so that it is read masked even if dst is src.
	last := *(*uint64)(unsafe.Add(from, end)) ^ lastKey
	seen := last
	i := 0
	for ; i <= len(src)-32; i += 32 {
		s, d := (*[4]uint64)(unsafe.Add(from, i)), (*[4]uint64)(unsafe.Add(to, i))
		w0, w1, w2, w3 := s[0]^k, s[1]^k, s[2]^k, s[3]^k
		d[0], d[1], d[2], d[3] = w0, w1, w2, w3
		seen |= w0 | w1 | w2 | w3
	}
	for ; i < end; i += 8 {
		w := *(*uint64)(unsafe.Add(from, i)) ^ k
		*(*uint64)(unsafe.Add(to, i)) = w
		seen |= w
	}
	*(*uint64)(unsafe.Add(to, end)) = last
	return seen&highBits == 0
}

// unmaskShort is unmask for less than a word.
func unmaskShort(dst, src []byte, key uint32) (ascii bool) {
	dst = dst[:len(src)]
	var seen byte
	for i, c := range src {
		c ^= byte(key)
		dst[i] = c
		seen |= c
		key = rotate(key, 1)
	}
	return seen < 0x80
}

// loadKey reads the four bytes of a masking key. Its low byte masks the first
// byte of the payload.
func loadKey(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// rotate returns the key for the byte n bytes behind the one that key is for.
func rotate(key uint32, n int) uint32 { return bits.RotateLeft32(key, -8*(n&3)) }

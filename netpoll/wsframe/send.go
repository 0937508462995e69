package wsframe

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// MaxHeaderSize is the largest [HeaderSize], in bytes.
const MaxHeaderSize = 2 + 8

// CompressedBit is what the first byte of a message's first frame has set if the
// message is compressed: RSV1 (RFC 7692, section 6).
const CompressedBit = rsv1Bit

// HeaderSize is the size in bytes of the header that a server puts in front of
// n bytes of payload. As in all of this file, n must not be negative.
func HeaderSize(n int) int {
	switch {
	case n < form16Min:
		return 2
	case n < form64Min:
		return 2 + 2
	}
	return 2 + 8
}

// PutHeader writes the header of a frame with n bytes of payload at the front
// of dst and returns its size in bytes, or 0 if dst is too small. It never
// writes past dst.
//
//	0             1      2              2, 4 or 10
//	├─ fin, op ───┼─ n ──┼─ n, if long ─┼─ payload …
func PutHeader(dst []byte, op ws.OpCode, fin bool, n int) int {
	size := HeaderSize(n)
	if len(dst) < size {
		return 0
	}
	dst[0] = byte(op)
	if fin {
		dst[0] |= finBit
	}
	switch size {
	case 2:
		dst[1] = byte(n)
	case 4:
		dst[1] = form16
		binary.BigEndian.PutUint16(dst[2:], uint16(n))
	default:
		dst[1] = form64
		binary.BigEndian.PutUint64(dst[2:], uint64(n))
	}
	return size
}

// AppendHeader appends the header of a frame with n bytes of payload to dst
// and returns the longer slice; the payload has to follow it.
func AppendHeader(dst []byte, op ws.OpCode, fin bool, n int) []byte {
	var h [MaxHeaderSize]byte
	return append(dst, h[:PutHeader(h[:], op, fin, n)]...)
}

// AppendFrame appends a frame that is a whole message, or a control frame of
// at most 125 bytes, to dst and returns the longer slice.
func AppendFrame[P string | []byte](dst []byte, op ws.OpCode, payload P) []byte {
	return append(AppendHeader(dst, op, true, len(payload)), payload...)
}

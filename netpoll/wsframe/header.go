package wsframe

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// The bits of a header's first two bytes (RFC 6455, section 5.2).
const (
	finBit     = 0x80
	rsvBits    = 0x70
	rsv1Bit    = 0x40
	opCodeBits = 0x0f
	maskBit    = 0x80
	lengthBits = 0x7f
)

// The forms of a payload length, and the shortest length that may take each:
// "the minimal number of bytes MUST be used" (section 5.2).
const (
	form16    = 126 // the next two bytes are the length
	form64    = 127 // the next eight bytes are the length
	form16Min = 126
	form64Min = 1 << 16
)

// A header is a legal frame header.
type header struct {
	length uint64 // of the payload, in bytes; at most the room it was parsed with
	key    uint32 // masking key, from loadKey
	first  byte   // FIN, RSV1 and opcode, as on the wire
}

func (h header) op() ws.OpCode    { return ws.OpCode(h.first & opCodeBits) }
func (h header) fin() bool        { return h.first&finBit != 0 }
func (h header) compressed() bool { return h.first&rsv1Bit != 0 }

// A situation is what decides whether a header is legal, besides its bytes.
type situation struct {
	room       uint64 // bytes that the message may still grow
	fragmented bool   // a message is open: only its continuation may follow
	deflate    bool   // permessage-deflate was agreed: RSV1 may start a message
}

// parseHeader decodes the header at the front of b, which is not empty, and
// reports its size in bytes, or 0 if b is too short to tell. Every byte is judged as soon as it is
// there, so a prefix fails with the error of the whole, or asks for more.
func parseHeader(b []byte, s situation) (h header, size int, bad *Error) {
	h.first = b[0]
	if bad := checkFirst(h.first, s); bad != nil {
		return header{}, 0, bad
	}
	if len(b) == 1 {
		return header{}, 0, nil
	}
	if bad := checkSecond(b[1], h.op(), s.room); bad != nil {
		return header{}, 0, bad
	}
	h.length, size = uint64(b[1]&lengthBits), 2
	if h.length >= form16 {
		h.length, size, bad = parseLength(b, s.room)
	}
	if size == 0 || len(b) < size+4 {
		return header{}, 0, bad
	}
	h.key = loadKey(b[size:])
	return h, size + 4, nil
}

// checkFirst judges the byte with FIN, the reserved bits and the opcode.
func checkFirst(first byte, s situation) *Error {
	// 5.2: "MUST be 0 unless an extension is negotiated that defines meanings
	// for non-zero values".
	if first&rsvBits != 0 && !s.mayCompress(first) {
		return ErrReservedBits
	}
	switch ws.OpCode(first & opCodeBits) {
	// 5.4: the fragments of one message "MUST NOT be interleaved between the
	// fragments of another message".
	case ws.OpText, ws.OpBinary:
		if s.fragmented {
			return ErrInterleaved
		}
	// 5.4: a continuation continues a message that was started.
	case ws.OpContinuation:
		if !s.fragmented {
			return ErrStrayContinuation
		}
	// 5.5: control frames "MUST NOT be fragmented".
	case ws.OpClose, ws.OpPing, ws.OpPong:
		if first&finBit == 0 {
			return ErrFragmentedControl
		}
	// 5.2: "If an unknown opcode is received, the receiving endpoint MUST
	// _Fail the WebSocket Connection_."
	default:
		return ErrReservedOpCode
	}
	return nil
}

// mayCompress reports whether the reserved bits of first are those of a
// compressed message: RSV1 alone, and on its first frame (RFC 7692, section 6).
func (s situation) mayCompress(first byte) bool {
	op := ws.OpCode(first & opCodeBits)
	return s.deflate && first&rsvBits == rsv1Bit && (op == ws.OpText || op == ws.OpBinary)
}

// checkSecond judges the byte with the mask bit and the short length.
func checkSecond(second byte, op ws.OpCode, room uint64) *Error {
	length := uint64(second & lengthBits)
	switch {
	// 5.1: "The server MUST close the connection upon receiving a frame that
	// is not masked."
	case second&maskBit == 0:
		return ErrUnmasked

	case op.IsData() && length < form16 && length > room:
		return ErrTooBig
	case op.IsData():
		return nil

	// 5.5: control frames "MUST have a payload length of 125 bytes or less".
	case length > ws.MaxControlFramePayloadSize:
		return ErrOversizedControl

	// 5.5.1: "If there is a body, the first two bytes of the body MUST be a
	// 2-byte unsigned integer".
	case op == ws.OpClose && length == 1:
		return ErrCloseLength
	}
	return nil
}

// parseLength decodes the extended length of the header at the front of b and
// reports the header's size in bytes up to and with it, or 0 if b is too short
// to tell.
func parseLength(b []byte, room uint64) (length uint64, size int, bad *Error) {
	size, least := 4, uint64(form16Min)
	if b[1]&lengthBits == form64 {
		size, least = 10, form64Min
	}
	low, high := lengthBounds(b, size)
	// Compare unsigned, before anybody converts: a length with its top bit
	// set must not become a negative int that slips under the limit.
	switch {
	// 5.2: "the most significant bit MUST be 0".
	case low>>63 != 0:
		return 0, 0, ErrLengthOverflow
	// 5.2: "the minimal number of bytes MUST be used to encode the length".
	case high < least:
		return 0, 0, ErrLongLength
	case low >= least && low > room:
		return 0, 0, ErrTooBig
	case len(b) < size:
		return 0, 0, nil
	}
	return low, size, nil
}

// lengthBounds reports what the extended length in b[2:size] can still become:
// at least with the missing bytes all zeros, at most with them all ones.
func lengthBounds(b []byte, size int) (low, high uint64) {
	switch {
	case len(b) >= size && size == 4:
		low = uint64(binary.BigEndian.Uint16(b[2:]))
		return low, low
	case len(b) >= size:
		low = binary.BigEndian.Uint64(b[2:])
		return low, low
	}
	for _, c := range b[2:] {
		low = low<<8 | uint64(c)
	}
	missing := 8 * (size - len(b))
	low <<= missing
	return low, low | (1<<missing - 1)
}

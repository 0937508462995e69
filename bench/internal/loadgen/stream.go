//go:build linux

package loadgen

import (
	"encoding/binary"
	"math/rand/v2"
)

// maskKey masks every frame (RFC 6455 section 5.3). It is constant, because servers
// pay the same for any key, but not zero, because they could skip that one.
var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

const (
	cycleBytes       = 64 << 10 // a cycle aims at this size: it should stay in the cache
	minCycleMessages = 2        // so that neighbouring messages always differ
	maxCycleMessages = 64

	binaryFrame = 0x82 // FIN and the binary opcode
)

// A stream is the endless sequence of bytes that one direction of a connection
// carries: the frames of a cycle of different messages, over and over. With it,
// sending is writing a slice and verifying is comparing one. It is read-only and
// shared by all connections.
type stream struct {
	bytes      []byte // the cycle, then its first frames again, so that views need not wrap
	frameBytes int    // one frame
	cycle      int    // bytes before it repeats
}

// view returns up to n bytes at position pos of the stream, at least one frame's if
// n allows it.
func (s *stream) view(pos int64, n int) []byte {
	start := int(pos % int64(s.cycle))
	return s.bytes[start:min(start+n, len(s.bytes))]
}

// streams builds what a client sends and what it must get back, for messages of size
// bytes of which up to depth are in flight.
func streams(mode Mode, size, depth int) (send, expect *stream) {
	messages := min(max(cycleBytes/max(size, 1), minCycleMessages), maxCycleMessages)
	random := rand.New(rand.NewPCG(1, 2)) // the same bytes in every run
	payload := make([]byte, size)
	send, expect = new(stream), new(stream)
	for range messages {
		for i := range payload {
			payload[i] = byte(random.Uint32())
		}
		send.bytes = appendMasked(send.bytes, payload)
		if mode == WebSocket {
			expect.bytes = append(appendHeader(expect.bytes, size, 0), payload...)
		}
	}
	if mode == Raw {
		expect.bytes = append(expect.bytes, send.bytes...)
	}
	send.finish(messages, depth)
	expect.finish(messages, depth)
	return send, expect
}

// finish closes the cycle and repeats its first depth frames behind it.
func (s *stream) finish(messages, depth int) {
	s.cycle = len(s.bytes)
	s.frameBytes = s.cycle / messages
	for i := range depth * s.frameBytes {
		s.bytes = append(s.bytes, s.bytes[i])
	}
}

// appendMasked appends payload to dst as a client's frame.
func appendMasked(dst, payload []byte) []byte {
	dst = appendHeader(dst, len(payload), 0x80)
	dst = append(dst, maskKey[:]...)
	for i, b := range payload {
		dst = append(dst, b^maskKey[i&3])
	}
	return dst
}

// appendHeader appends the header of a binary frame of size bytes, in its shortest
// form (RFC 6455 section 5.2); masked is 0x80 or 0.
func appendHeader(dst []byte, size int, masked byte) []byte {
	switch {
	case size < 126:
		return append(dst, binaryFrame, masked|byte(size))
	case size <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, binaryFrame, masked|126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(dst, binaryFrame, masked|127), uint64(size))
	}
}

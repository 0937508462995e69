//go:build linux

package loadgen

import (
	"encoding/binary"
	"math/rand/v2"
	"sort"
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
	bytes  []byte // the cycle, then its first frames again, so that views need not wrap
	starts []int  // of each message of the cycle in bytes, and then the cycle's size
}

// newStream makes a stream of the frames of a cycle; depth of them are repeated behind
// it.
func newStream(frames [][]byte, depth int) *stream {
	s := &stream{starts: []int{0}}
	for _, frame := range frames {
		s.bytes = append(s.bytes, frame...)
		s.starts = append(s.starts, len(s.bytes))
	}
	for i := range depth {
		s.bytes = append(s.bytes, frames[i%len(frames)]...)
	}
	return s
}

// messages is how many there are before they repeat.
func (s *stream) messages() int { return len(s.starts) - 1 }

// cycle is the number of bytes before they repeat.
func (s *stream) cycle() int { return s.starts[len(s.starts)-1] }

// start returns the position at which message n of the stream begins.
func (s *stream) start(n int64) int64 {
	m := int64(s.messages())
	return n/m*int64(s.cycle()) + int64(s.starts[n%m])
}

// message returns which message the byte at pos belongs to, and which byte of its
// frame it is.
func (s *stream) message(pos int64) (n int64, offset int) {
	cycle := int64(s.cycle())
	at := int(pos % cycle)
	i := sort.SearchInts(s.starts, at+1) - 1
	return pos/cycle*int64(s.messages()) + int64(i), at - s.starts[i]
}

// view returns up to n bytes at position pos of the stream, at least one frame's if
// n allows it.
func (s *stream) view(pos int64, n int) []byte {
	start := int(pos % int64(s.cycle()))
	return s.bytes[start:min(start+n, len(s.bytes))]
}

// payloads are the messages of a cycle, of size bytes each and the same in every run.
func payloads(size int) [][]byte {
	messages := min(max(cycleBytes/max(size, 1), minCycleMessages), maxCycleMessages)
	random := rand.New(rand.NewPCG(1, 2))
	all := make([][]byte, messages)
	for m := range all {
		all[m] = make([]byte, size)
		for i := range all[m] {
			all[m][i] = byte(random.Uint32())
		}
	}
	return all
}

// streams builds what a client sends and what it must get back, for messages of size
// bytes of which up to depth are in flight.
func streams(mode Mode, size, depth int) (send, expect *stream) {
	var sent, echoed [][]byte
	for _, payload := range payloads(size) {
		frame := appendMasked(nil, binaryFrame, payload)
		sent = append(sent, frame)
		if mode == Raw {
			echoed = append(echoed, frame)
			continue
		}
		echoed = append(echoed, append(appendHeader(nil, binaryFrame, size, 0), payload...))
	}
	return newStream(sent, depth), newStream(echoed, depth)
}

// appendMasked appends payload to dst as a client's frame; first is its first byte.
func appendMasked(dst []byte, first byte, payload []byte) []byte {
	dst = appendHeader(dst, first, len(payload), 0x80)
	dst = append(dst, maskKey[:]...)
	for i, b := range payload {
		dst = append(dst, b^maskKey[i&3])
	}
	return dst
}

// appendHeader appends the header of a frame of size bytes, in its shortest form (RFC
// 6455 section 5.2); masked is 0x80 or 0.
func appendHeader(dst []byte, first byte, size int, masked byte) []byte {
	switch {
	case size < 126:
		return append(dst, first, masked|byte(size))
	case size <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, first, masked|126), uint16(size))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, masked|127), uint64(size))
	}
}

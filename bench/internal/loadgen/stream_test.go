//go:build linux

package loadgen

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"
)

func TestHeader(t *testing.T) {
	for _, tc := range []struct {
		size   int
		masked byte
		want   string // hex
	}{
		{0, 0, "8200"},
		{125, 0, "827d"},
		{126, 0, "827e007e"},
		{65535, 0, "827effff"},
		{65536, 0, "827f0000000000010000"},
		{0, 0x80, "8280"},
		{126, 0x80, "82fe007e"},
		{1 << 20, 0x80, "82ff0000000000100000"},
	} {
		if got := hex.EncodeToString(appendHeader(nil, binaryFrame, tc.size, tc.masked)); got != tc.want {
			t.Errorf("header of %d bytes, mask %#x: got %s, want %s", tc.size, tc.masked, got, tc.want)
		}
		wire := append(appendHeader(nil, binaryFrame, tc.size, tc.masked), make([]byte, tc.size)...)
		if got, ok := frameSize(wire); tc.masked == 0 && (!ok || got != len(wire)) {
			t.Errorf("size of a frame with %d bytes: got %d, %v", tc.size, got, ok)
		}
	}
}

func TestStreamsMatch(t *testing.T) {
	for _, size := range []int{0, 1, 7, 64, 125, 126, 4096, 65535, 65536} {
		send, expect := streams(WebSocket, size, 2)
		if send.messages() != expect.messages() {
			t.Fatalf("size %d: cycles of different messages", size)
		}
		for i := range send.messages() {
			frame := send.bytes[send.starts[i]:send.starts[i+1]]
			payload := bytes.Clone(frame[len(frame)-size:])
			for i := range payload {
				payload[i] ^= maskKey[i&3]
			}
			echo := expect.bytes[expect.starts[i]:expect.starts[i+1]]
			if !bytes.Equal(payload, echo[len(echo)-size:]) {
				t.Fatalf("size %d: message %d is not what is expected back", size, i)
			}
		}
	}
}

// frames are of every size from 1 to n, each of other bytes.
func frames(n int) (all [][]byte) {
	for size := 1; size <= n; size++ {
		all = append(all, bytes.Repeat([]byte{byte(size)}, size))
	}
	return all
}

func TestStreamRepeats(t *testing.T) {
	for _, depth := range []int{1, 4, 5, 16} {
		t.Run(fmt.Sprintf("depth %d", depth), func(t *testing.T) {
			s := newStream(frames(5), depth)
			pos := int64(0)
			for n := range int64(3 * s.messages()) {
				size := n%5 + 1
				if got := s.start(n); got != pos {
					t.Fatalf("message %d starts at %d, want %d", n, got, pos)
				}
				for offset := range size {
					m, at := s.message(pos + offset)
					if view := s.view(pos+offset, 1<<20); m != n || at != int(offset) || view[0] != byte(size) {
						t.Fatalf("byte %d is message %d, byte %d, %#x", pos+offset, m, at, view[0])
					}
				}
				if view := s.view(pos, int(s.start(n+int64(depth))-pos)); len(view) != int(s.start(n+int64(depth))-pos) {
					t.Fatalf("view of %d messages at %d has %d bytes", depth, n, len(view))
				}
				pos += size
			}
		})
	}
}

func TestDeflatedReply(t *testing.T) {
	payload := texts(1000)[0]
	small := deflate(payload)
	if len(small) >= len(payload)/2 {
		t.Errorf("%d bytes become %d", len(payload), len(small))
	}
	frame := func(first byte, body []byte) []byte {
		return append(appendHeader(nil, first, len(body), 0), body...)
	}
	flipped := bytes.Clone(small)
	flipped[len(flipped)/2] ^= 1
	for _, tc := range []struct {
		name  string
		frame []byte
		right bool
	}{
		{"right", frame(textFrame|compressed, small), true},
		{"plain", frame(textFrame, payload), false},
		{"binary", frame(binaryFrame|compressed, small), false},
		{"another", frame(textFrame|compressed, deflate(texts(1000)[1])), false},
		{"longer", frame(textFrame|compressed, deflate(append(bytes.Clone(payload), '!'))), false},
		{"corrupt", frame(textFrame|compressed, flipped), false},
		{"cut", frame(textFrame|compressed, small[:len(small)/2]), false},
	} {
		if err := checkReply(tc.frame, payload); (err == nil) != tc.right {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

func TestCallFilter(t *testing.T) {
	if got, want := callFilter([]int{0, 19, 45}), "id==0||id==19||id==45"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNumberAfter(t *testing.T) {
	const text = "Name:\tx\nRss:                1496 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t12\n"
	for _, tc := range []struct {
		label string
		want  int64
		ok    bool
	}{
		{"\nRss:", 1496, true}, {"\nvoluntary_ctxt_switches:", 7, true}, {"\nnonvoluntary_ctxt_switches:", 12, true},
		{"\nName:", 0, false}, {"\nPss:", 0, false},
	} {
		if got, ok := numberAfter([]byte(text), tc.label); got != tc.want || ok != tc.ok {
			t.Errorf("%q: got %d, %v", tc.label, got, ok)
		}
	}
}

// A frame's size is known from its header on, and not a byte earlier.
func TestFrameSizeIncomplete(t *testing.T) {
	for _, tc := range []struct{ size, head int }{{0, 2}, {125, 2}, {126, 4}, {65535, 4}, {65536, 10}} {
		head := appendHeader(nil, binaryFrame, tc.size, 0)
		if len(head) != tc.head {
			t.Fatalf("header of %d bytes has %d", tc.size, len(head))
		}
		for cut := range head {
			if got, ok := frameSize(head[:cut]); ok {
				t.Errorf("%d bytes of a header for %d: size %d", cut, tc.size, got)
			}
		}
		if got, ok := frameSize(head); !ok || got != tc.head+tc.size {
			t.Errorf("header for %d: size %d, %v", tc.size, got, ok)
		}
	}
}

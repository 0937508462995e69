//go:build linux

package loadgen

import (
	"bytes"
	"encoding/hex"
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
		if got := hex.EncodeToString(appendHeader(nil, tc.size, tc.masked)); got != tc.want {
			t.Errorf("header of %d bytes, mask %#x: got %s, want %s", tc.size, tc.masked, got, tc.want)
		}
	}
}

func TestStreamsMatch(t *testing.T) {
	for _, size := range []int{0, 1, 7, 64, 125, 126, 4096, 65535, 65536} {
		send, expect := streams(WebSocket, size, 2)
		if send.cycle/send.frameBytes != expect.cycle/expect.frameBytes {
			t.Fatalf("size %d: cycles of different messages", size)
		}
		for at := 0; at < send.cycle; at += send.frameBytes {
			frame := send.view(int64(at), send.frameBytes)
			payload := bytes.Clone(frame[len(frame)-size:])
			for i := range payload {
				payload[i] ^= maskKey[i&3]
			}
			echo := expect.view(int64(at/send.frameBytes*expect.frameBytes), expect.frameBytes)
			if !bytes.Equal(payload, echo[len(echo)-size:]) {
				t.Fatalf("size %d: frame at %d is not what is expected back", size, at)
			}
		}
	}
}

func TestStreamRepeats(t *testing.T) {
	const depth = 16
	send, _ := streams(WebSocket, 128, depth)
	n := depth * send.frameBytes
	for at := range 2 * send.cycle {
		view := send.view(int64(at), n)
		if at%send.frameBytes == 0 && len(view) != n {
			t.Fatalf("view at frame start %d has %d bytes, want %d", at, len(view), n)
		}
		if len(view) == 0 || view[0] != send.bytes[at%send.cycle] {
			t.Fatalf("view at %d does not start there", at)
		}
	}
}

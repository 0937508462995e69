package wsframe_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// benchmarkCopy copies one message over and over: Next and Copy, as a loop
// would call them for each frame.
func benchmarkCopy(b *testing.B, op ws.OpCode, payload []byte) {
	wire := clientFrame(op, true, payload)
	dst := make([]byte, len(payload))
	r := wsframe.NewReader(len(payload))
	var it wsframe.Item
	if _, err := r.Next(wire, &it); err != nil || it.Kind != wsframe.Message {
		b.Fatal(it.Kind, err)
	}
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if err := r.Copy(dst, &it); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCopyBinary(b *testing.B) {
	for _, n := range []int{16, 64, 128, 4096, 65536} {
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			benchmarkCopy(b, ws.OpBinary, bytes.Repeat([]byte{0xfe}, n))
		})
	}
}

func BenchmarkCopyText(b *testing.B) {
	for _, n := range []int{16, 64, 128, 4096, 65536} {
		b.Run(fmt.Sprintf("bytes=%d/text=ascii", n), func(b *testing.B) {
			benchmarkCopy(b, ws.OpText, bytes.Repeat([]byte("x"), n))
		})
		b.Run(fmt.Sprintf("bytes=%d/text=greek", n), func(b *testing.B) {
			benchmarkCopy(b, ws.OpText, bytes.Repeat([]byte("λ"), n/2))
		})
	}
}

func BenchmarkNext(b *testing.B) {
	r := wsframe.NewReader(1 << 20)
	var it wsframe.Item
	for _, n := range []int{16, 128, 4096} {
		wire := clientFrame(ws.OpText, true, make([]byte, n))
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			for b.Loop() {
				if n, err := r.Next(wire, &it); n != len(wire) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkFrames takes all frames of a read, as a loop does: ns/op is for one of them.
func BenchmarkFrames(b *testing.B) {
	r := wsframe.NewReader(1 << 20)
	dst := make([]byte, 128)
	for _, frames := range []int{1, 16, 256} {
		wire := bytes.Repeat(clientFrame(ws.OpBinary, true, dst), frames)
		b.Run(fmt.Sprintf("frames=%d", frames), func(b *testing.B) {
			b.SetBytes(int64(len(dst)))
			var it wsframe.Item
			for rest := wire; b.Loop(); {
				n, err := r.Next(rest, &it)
				if n == 0 || err != nil || it.Kind != wsframe.Message {
					b.Fatal(n, it.Kind, err)
				}
				if err := r.Copy(dst, &it); err != nil {
					b.Fatal(err)
				}
				if rest = rest[n:]; len(rest) == 0 {
					rest = wire
				}
			}
		})
	}
}

package wsdeflate

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestWindow compares windows with the end of everything that they were told.
func TestWindow(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, size := range []int{256, 300, 4096} {
		w := newWindow(size)
		var all []byte
		for step := range 200 {
			p := make([]byte, rng.IntN(size*2>>rng.IntN(8)+1))
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			w.Remember(p)
			all = append(all, p...)
			end := all[max(len(all)-size, 0):]
			if got := w.appendTo(nil); !bytes.Equal(got, end) || w.have() != len(end) || w.Bytes() > size {
				t.Fatalf("step %d of %d: holds %d of %d bytes in %d", step, size, len(got), len(end), w.Bytes())
			}
			for range 20 {
				if len(end) == 0 {
					break
				}
				back, dst := 1+rng.IntN(len(end)), make([]byte, rng.IntN(size))
				n := w.copyFrom(dst, back)
				if n != min(len(dst), back) || !bytes.Equal(dst[:n], end[len(end)-back:][:n]) {
					t.Fatalf("step %d of %d: %d bytes from %d back are wrong", step, size, n, back)
				}
			}
		}
	}
}

// TestNoWindow holds connections without context takeover to what they cost.
func TestNoWindow(t *testing.T) {
	p, _ := Negotiate(func(yield func([]byte) bool) { yield([]byte(extensionName)) }, Config{})
	if in, out := p.InflateWindow(), p.DeflateWindow(); in != nil || out != nil || in.Bytes() != 0 {
		t.Errorf("got windows %v and %v, want none", in, out)
	}
}

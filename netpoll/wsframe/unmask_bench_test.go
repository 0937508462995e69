package wsframe

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkUnmask is the one pass over payload alone.
func BenchmarkUnmask(b *testing.B) {
	key := loadKey([]byte{0x37, 0xfa, 0x21, 0x3d})
	for _, n := range []int{7, 16, 64, 128, 1024, 4096, 65536} {
		src, dst := bytes.Repeat([]byte("x"), n), make([]byte, n)
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				unmask(dst, src, key)
			}
		})
	}
}

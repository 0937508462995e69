package guests

import (
	"os"
	"testing"
)

// The buffers that guests lend begin in the middle of a page (SPEC.md, section 9), and
// lie inside the memory and beside each other, also when that grows for others.
func TestBuffersBeginInsideAPage(t *testing.T) {
	sizes := []int{70_000, 300_000, 1 << 20, 1<<20 + 1, 65_536, 70_000}
	for _, file := range []string{
		"echo/echo.wasm", "transcripts/c/program.wasm", "transcripts/rust/program.wasm", "transcripts/assemblyscript/program.wasm",
	} {
		t.Run(file, func(t *testing.T) {
			wasm, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := boot(t, wasm)
			type buffer struct{ at, end int }
			var lent []buffer
			for i, size := range sizes {
				if i == len(sizes)/2 {
					h.module.Memory().Grow(1)
				}
				b := buffer{at: int(h.alloc(size))}
				b.end = b.at + size
				if b.at%4096 != 2048 || b.end > len(h.memory()) {
					t.Errorf("a buffer is from %#x to %#x of %#x; want it 2048 behind a page's begin", b.at, b.end, len(h.memory()))
				}
				for _, other := range lent {
					if b.at < other.end && other.at < b.end {
						t.Errorf("the buffers at %#x and %#x overlap", b.at, other.at)
					}
				}
				lent = append(lent, b)
			}
		})
	}
}

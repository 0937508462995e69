package wsdeflate

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

var benchSizes = []int{64, 1 << 10, 16 << 10, 1 << 20} // bytes

func BenchmarkInflate(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := jsonText(rand.New(rand.NewPCG(1, 2)), n)
			wire := stdDeflate(b, 6, text)[0]
			dst := make([]byte, n+bulkRoom)
			f := new(Inflater)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				f.Start(nil, len(dst), true)
				if _, at, err := f.Inflate(dst, wire, true); at != Done || err != nil {
					b.Fatal(at, err)
				}
			}
		})
	}
}

func BenchmarkDeflate(b *testing.B) {
	for _, level := range []Level{Fastest, Balanced, Smallest} {
		for _, n := range benchSizes {
			for _, takeover := range []bool{false, true} {
				b.Run(fmt.Sprintf("level=%d/bytes=%d/takeover=%v", level, n, takeover), func(b *testing.B) {
					text := jsonText(rand.New(rand.NewPCG(1, 2)), max(n, min(64*n, 2<<20)))
					d := NewDeflater(Config{Level: level, MinBytes: 1})
					p := Params{ServerNoContextTakeover: !takeover, ServerWindowBits: 15}
					w := p.DeflateWindow()
					dst := make([]byte, n+16)
					b.SetBytes(int64(n))
					b.ReportAllocs()
					at, size, count := 0, 0, 0
					for b.Loop() {
						if at+n > len(text) {
							at = 0
						}
						out, ok := d.Append(dst[:0], text[at:at+n], p, w)
						if !ok {
							out = text[at : at+n]
						}
						size += len(out)
						at += n
						count++
					}
					b.ReportMetric(float64(size)/float64(count)/float64(n), "ratio")
				})
			}
		}
	}
}

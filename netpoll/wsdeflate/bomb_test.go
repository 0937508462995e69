package wsdeflate

import (
	"bytes"
	"testing"
)

// headerBomb is n blocks that hold nothing and come with a code of their own:
// what costs a receiver the most work for a byte.
func headerBomb(n int) []byte {
	var b block
	b.reset()
	b.add(nil, 0, 0)
	var w bitWriter
	b.dynamic.build(&b)
	for range n {
		w.write(0b100, 3)
		b.dynamic.write(&w)
		end := b.dynamic.code.lit[endOfBlock]
		w.write(uint32(end.bits), uint(end.size))
	}
	w.write(0, 3)
	w.pad()
	return w.buf
}

// deepHeaderBomb is headerBomb with codes as long and as many as can be.
func deepHeaderBomb(n int) []byte {
	var b block
	b.reset()
	for i := range b.lit {
		b.lit[i] = uint16(1 << max(0, 14-i)) // a few short codes, many long ones
	}
	for i := range b.dist {
		b.dist[i] = uint16(1 << max(0, 14-i))
	}
	b.add(nil, 0, 0)
	var w bitWriter
	b.dynamic.build(&b)
	for range n {
		w.write(0b100, 3)
		b.dynamic.write(&w)
		end := b.dynamic.code.lit[endOfBlock]
		w.write(uint32(end.bits), uint(end.size))
	}
	w.write(0, 3)
	w.pad()
	return w.buf
}

// TestBombs inflates messages that are made to cost much: they do not get more
// memory than the limit, and nothing is allocated.
func TestBombs(t *testing.T) {
	const limit = 1 << 20
	zeros := stdDeflate(t, 9, make([]byte, 16<<20))[0]
	for _, tc := range []struct {
		name string
		wire []byte
		size int
		err  error
	}{
		{"16 MiB of zeros", zeros, limit, ErrTooBig},
		{"as text", zeros, limit, ErrTooBig},
		{"one over the limit", stdDeflate(t, 9, make([]byte, limit+1))[0], limit, ErrTooBig},
		{"at the limit", stdDeflate(t, 9, make([]byte, limit))[0], limit, nil},
		{"empty stored blocks", append(bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 200_000), 0), 0, nil},
		{"empty fixed blocks", append(bytes.Repeat([]byte{0x02, 0x08, 0x20, 0x80, 0x00}, 100_000), 0), 0, nil},
		{"headers", headerBomb(50_000), 0, nil},
		{"long headers", deepHeaderBomb(10_000), 0, nil},
	} {
		var f Inflater
		dst := make([]byte, limit+100)
		var err error
		// An average over several runs, rounded down: the counter is the whole
		// process's, and the runtime's own goroutines add one to it now and then.
		allocs := testing.AllocsPerRun(5, func() {
			f.Start(nil, limit, tc.name == "as text")
			_, _, err = f.Inflate(dst, tc.wire, true)
		})
		if err != tc.err || f.Size() != tc.size || allocs > 0 {
			t.Errorf("%s (%d bytes): %d bytes, %v, %v allocations; want %d, %v, 0", tc.name, len(tc.wire), f.Size(), err, allocs, tc.size, tc.err)
		}
	}
}

// BenchmarkBombs measures, in bytes received, what inflates slowest.
func BenchmarkBombs(b *testing.B) {
	for name, wire := range map[string][]byte{
		"stored":      append(bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 10_000), 0),
		"headers":     headerBomb(5_000),
		"longHeaders": deepHeaderBomb(500),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(wire)))
			var f Inflater
			for b.Loop() {
				f.Start(nil, 1<<20, false)
				if _, at, err := f.Inflate(nil, wire, true); at != Done || err != nil {
					b.Fatal(at, err)
				}
			}
		})
	}
}

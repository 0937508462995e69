package wsdeflate

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// stdDeflate deflates messages with the standard library, as an endpoint with
// context takeover does.
func stdDeflate(t testing.TB, level int, messages ...[]byte) (wires [][]byte) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		out.Reset()
		w.Write(m)
		w.Flush()
		wires = append(wires, bytes.Clone(bytes.TrimSuffix(out.Bytes(), tail[:])))
	}
	return wires
}

// stdInflate inflates messages with the standard library, as an endpoint with
// context takeover does.
func stdInflate(wires ...[]byte) ([]byte, error) {
	var stream []byte
	for _, w := range wires {
		stream = append(append(stream, w...), tail[:]...)
	}
	stream = append(stream, 1, 0, 0, 0xff, 0xff) // a final block, so that it ends well
	return io.ReadAll(flate.NewReader(bytes.NewReader(stream)))
}

// samples returns payloads of n bytes that compress in different ways.
func samples(rng *rand.Rand, n int) map[string][]byte {
	random, narrow, runs := make([]byte, n), make([]byte, n), make([]byte, n)
	for i := range n {
		random[i] = byte(rng.Uint32())
		narrow[i] = "abcd"[rng.IntN(4)]
		runs[i] = byte(i / 400 * 7)
	}
	return map[string][]byte{
		"json": jsonText(rng, n), "random": random, "narrow": narrow,
		"runs": runs, "zeros": make([]byte, n),
	}
}

// jsonText returns n bytes of what services send each other.
func jsonText(rng *rand.Rand, n int) []byte {
	words := []string{"price", "quantity", "symbol", "user", "message", "hello", "timestamp", "channel", "the", "of", "online", "status"}
	word := func() string { return words[rng.IntN(len(words))] }
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, `{"id":%d,"%s":"%s %s","ts":%d,"v":%.3f},`, rng.IntN(1e6), word(), word(), word(), int64(1700000000000)+rng.Int64N(1e9), rng.Float64()*100)
	}
	return b[:n]
}

// TestInflateAsStd inflates what the standard library deflated, whole and cut.
func TestInflateAsStd(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	f := new(Inflater)
	for _, n := range []int{0, 1, 2, 3, 100, 1000, 5000, 40000, 150000} {
		for name, payload := range samples(rng, n) {
			for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.DefaultCompression} {
				wire := stdDeflate(t, level, payload)[0]
				got, err := inflateIn(f, nil, n, name == "json", wire)
				if !bytes.Equal(got, payload) || err != nil {
					t.Fatalf("%s of %d bytes, level %d: %d bytes, %v", name, n, level, len(got), err)
				}
				cut := rng.IntN(len(wire) + 1)
				got, err = inflateIn(f, nil, n, name == "json", wire[:cut], wire[cut:])
				if !bytes.Equal(got, payload) || err != nil {
					t.Fatalf("%s of %d bytes, level %d, cut at %d: %d bytes, %v", name, n, level, cut, len(got), err)
				}
				if n > 0 {
					if _, err := inflateIn(f, nil, n-1, false, wire); err != ErrTooBig {
						t.Fatalf("%s of %d bytes, level %d, one over: %v", name, n, level, err)
					}
				}
			}
		}
	}
}

package wsdeflate

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// plain is a connection without context takeover.
var plain = Params{ServerNoContextTakeover: true, ClientNoContextTakeover: true, ServerWindowBits: 15, ClientWindowBits: 15}

// levels are all of them.
var levels = []Level{Fastest, Balanced, Smallest}

func TestDeflate(t *testing.T) {
	random := make([]byte, 100_000)
	rand.NewChaCha8([32]byte{1}).Read(random)
	for _, tc := range []struct {
		name, payload string
		minBytes      int
		want          string // in hexadecimal; "" if it is left alone
	}{
		{"short of a byte less", "Hello", 1, ""}, // its 7 bytes of section 7.2.3.1 are more
		{"empty", "", 1, ""},
		{"literals and a match", "wherry wherry wherry", 1, "2acf482d2aaa5440a10000"},
		{"run", "aaaaaaaaaaaaaaaaaaaaaaaa", 1, "4ac4010000"},
		{"small", "aaaaaaaaaaaaaaaaaaaaaaaa", 25, ""},
		{"by default", "aaaaaaaaaaaaaaaaaaaaaaaa", 0, ""},
		{"random", string(random[:500]), 1, ""},
		{"random, several blocks", string(random), 1, ""},
	} {
		for _, level := range levels {
			d := NewDeflater(Config{Level: level, MinBytes: tc.minBytes})
			got, ok := d.Append([]byte("before"), []byte(tc.payload), plain, nil)
			rest, kept := bytes.CutPrefix(got, []byte("before"))
			if hex.EncodeToString(rest) != hex.EncodeToString(unhex(t, tc.want)) || ok != (tc.want != "") || !kept {
				t.Errorf("%s, level %d: got %x, %v; want %s", tc.name, level, rest, ok, tc.want)
			}
		}
	}
}

// TestDeflateRFC is the example of RFC 7692, section 7.2.3.1. It is longer than
// the message, so Append does not send it.
func TestDeflateRFC(t *testing.T) {
	d := NewDeflater(Config{})
	d.finder.reach = maxReach
	d.deflate([]byte("Hello"), nil, 2) // as if two bytes more were allowed
	d.out.write(0, 3)
	d.out.pad()
	if want := unhex(t, "f248cdc9c90700"); !bytes.Equal(d.out.buf, want) {
		t.Errorf("got %x, want %x", d.out.buf, want)
	}
}

// TestDeflateAsStd has the standard library and ours inflate what we deflate.
func TestDeflateAsStd(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var f Inflater
	for _, level := range levels {
		d := NewDeflater(Config{Level: level, MinBytes: 1})
		for _, n := range []int{1, 2, 3, 4, 5, 8, 100, 1000, 5000, blockBytes, blockBytes + 1, 300_000} {
			for name, payload := range samples(rng, n) {
				wire, ok := d.Append(nil, payload, plain, nil)
				switch {
				case !ok:
					continue
				case len(wire) >= n:
					t.Fatalf("%s of %d bytes: grew to %d", name, n, len(wire))
				}
				got, err := stdInflate(wire)
				if !bytes.Equal(got, payload) || err != nil {
					t.Fatalf("%s of %d bytes, level %d: the standard library has %d bytes, %v", name, n, level, len(got), err)
				}
				got, err = inflateIn(&f, nil, n, false, wire)
				if !bytes.Equal(got, payload) || err != nil {
					t.Fatalf("%s of %d bytes, level %d: %d bytes, %v", name, n, level, len(got), err)
				}
			}
		}
	}
}

// TestTakeover sends many messages each way, of which the other side keeps no
// more than was agreed on. The deflater serves other connections in between.
func TestTakeover(t *testing.T) {
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		for _, level := range levels {
			t.Run(fmt.Sprintf("bits=%d/level=%d", bits, level), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(bits), uint64(level)))
				p := Params{ServerWindowBits: bits, ClientWindowBits: bits}
				d := NewDeflater(Config{Level: level, MinBytes: 1})
				out, peer := p.DeflateWindow(), newWindow(1<<bits)
				var f Inflater
				var wires [][]byte
				var sent []byte
				saved := 0
				for i := range 60 {
					payload := jsonText(rng, 1+rng.IntN(100<<rng.IntN(8)))
					d.Append(nil, jsonText(rng, 500), plain, nil) // another connection's
					wire, ok := d.Append(nil, payload, p, out)
					if !ok {
						continue // and neither side remembers it
					}
					got, err := inflateIn(&f, peer, len(payload), true, wire)
					if err != nil || !bytes.Equal(got, payload) {
						t.Fatalf("message %d: %d of %d bytes, %v", i, len(got), len(payload), err)
					}
					checkReach(t, d, bits)
					wires, sent = append(wires, wire), append(sent, payload...)
					saved += len(payload) - len(wire)
				}
				if got, err := stdInflate(wires...); err != nil || !bytes.Equal(got, sent) {
					t.Errorf("the standard library has %d of %d bytes, %v", len(got), len(sent), err)
				}
				if saved < len(sent)/3 {
					t.Errorf("saved only %d of %d bytes", saved, len(sent))
				}
			})
		}
	}
}

// checkReach looks at the last block for a match that lies too far back.
func checkReach(t *testing.T, d *Deflater, bits int) {
	for _, s := range d.block.sequences[:d.block.count] {
		if s.length > 0 && int(s.distance) > 1<<bits {
			t.Fatalf("a match lies %d bytes back; %d were agreed on", s.distance, 1<<bits)
		}
	}
}

// TestInflateTakeoverAsStd inflates what the standard library sends with context
// takeover, message after message, to a window as large as it may be.
func TestInflateTakeoverAsStd(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	var messages [][]byte
	for range 200 {
		messages = append(messages, jsonText(rng, rng.IntN(100<<rng.IntN(10))))
	}
	w := Params{ClientWindowBits: 15}.InflateWindow()
	var f Inflater
	for i, wire := range stdDeflate(t, 6, messages...) {
		cut := rng.IntN(len(wire) + 1)
		got, err := inflateIn(&f, w, len(messages[i]), true, wire[:cut], wire[cut:])
		if err != nil || !bytes.Equal(got, messages[i]) {
			t.Fatalf("message %d: %d of %d bytes, %v", i, len(got), len(messages[i]), err)
		}
	}
	if w.Bytes() > 32<<10 {
		t.Errorf("the window takes %d bytes", w.Bytes())
	}
}

// TestPositionsWrap deflates at the end of the positions that a finder has.
func TestPositionsWrap(t *testing.T) {
	for _, level := range levels {
		d := NewDeflater(Config{Level: level})
		payload := jsonText(rand.New(rand.NewPCG(9, 9)), 3000)
		want, _ := d.Append(nil, payload, plain, nil)
		d.finder.base = 1<<32 - 20_000
		for i := range 20 {
			if got, ok := d.Append(nil, payload, plain, nil); !ok || !bytes.Equal(got, want) {
				t.Fatalf("level %d, message %d: got %d bytes, want %d", level, i, len(got), len(want))
			}
		}
		if d.finder.base > 100_000 {
			t.Errorf("level %d: the positions did not start over", level)
		}
	}
}

func TestDeflateBudget(t *testing.T) {
	for _, level := range levels {
		for _, n := range benchSizes {
			if level > Fastest && n > 16<<10 {
				continue // the same, but slow
			}
			d := NewDeflater(Config{Level: level, MinBytes: 1})
			payload := jsonText(rand.New(rand.NewPCG(1, 1)), n)
			dst := make([]byte, 0, n+16)
			p := Params{ServerWindowBits: 15}
			w := p.DeflateWindow()
			random := make([]byte, n)
			rand.NewChaCha8([32]byte{2}).Read(random)
			for _, window := range []*Window{nil, w} {
				deflate := func() {
					d.Append(dst, payload, p, window)
					d.Append(dst, random, p, window)
				}
				if got := testing.AllocsPerRun(10, deflate); got != 0 {
					t.Errorf("level %d, %d bytes: %v allocations; the budget is 0", level, n, got)
				}
			}
		}
	}
}

func TestInflateBudget(t *testing.T) {
	for _, n := range benchSizes {
		wire := stdDeflate(t, 6, jsonText(rand.New(rand.NewPCG(1, 1)), n))[0]
		dst := make([]byte, n)
		w := Params{ClientWindowBits: 15}.InflateWindow()
		var f Inflater
		for _, window := range []*Window{nil, w} {
			inflate := func() {
				f.Start(window, n, true)
				f.Inflate(dst, wire, true)
			}
			if got := testing.AllocsPerRun(10, inflate); got != 0 || f.Size() != n {
				t.Errorf("%d bytes: %v allocations, %d bytes; the budget is 0", n, got, f.Size())
			}
		}
	}
}

// TestSizes holds the package comment to what it says about memory.
func TestSizes(t *testing.T) {
	if got := unsafe.Sizeof(Inflater{}); got > 11<<10 {
		t.Errorf("an Inflater takes %d bytes", got)
	}
	if got := unsafe.Sizeof(Deflater{}) + joinedBytes + deflateWindowBytes; got > 140<<10 {
		t.Errorf("a Deflater takes %d bytes", got)
	}
	t.Logf("Inflater %d, Deflater %d bytes", unsafe.Sizeof(Inflater{}), unsafe.Sizeof(Deflater{}))
}

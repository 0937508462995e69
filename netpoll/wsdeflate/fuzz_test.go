package wsdeflate

import (
	"bytes"
	"compress/flate"
	"io"
	"slices"
	"testing"
)

// FuzzInflate checks that any bytes give the same result however they are cut
// and wherever they go, within the limit and with nothing after the end, and that
// the standard library agrees. What was said before on the connection is in its
// window.
func FuzzInflate(f *testing.F) {
	add := func(wire []byte, limit, cut uint16, text bool) {
		f.Add(wire, []byte(nil), limit, cut, text)
		f.Add(wire, []byte("Hello"), limit, cut, text)
	}
	for _, tc := range inflateCases {
		add(unhex(f, tc.wire), 100, 3, tc.text)
	}
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		add(stdDeflate(f, level, []byte("to and fro, to and fro, all day; fro and to"))[0], 50, 9, true)
	}
	add(headerBomb(3), 0, 20, false)
	f.Add(stdDeflate(f, flate.BestCompression, []byte("a wherry"), []byte("a wherry, a wherry"))[1], []byte("a wherry"), uint16(90), uint16(2), true)
	f.Fuzz(func(t *testing.T, wire, said []byte, limit, cut uint16, text bool) {
		window := func() *Window {
			w := Params{ClientNoContextTakeover: len(said) == 0, ClientWindowBits: maxWindowBits}.InflateWindow()
			w.Remember(said)
			return w
		}
		const guard = 0xa5
		memory := bytes.Repeat([]byte{guard}, int(limit)+1)
		var in Inflater
		in.Start(window(), int(limit), text)
		used, at, err := in.Inflate(memory[:limit], wire, true)
		switch {
		case in.Size() > int(limit) || memory[limit] != guard:
			t.Fatal("wrote beyond the limit")
		case err == nil && (at != Done || used != len(wire)):
			t.Fatalf("progress %d with %d of %d bytes used", at, used, len(wire))
		}
		want := bytes.Clone(memory[:in.Size()])
		if _, _, again := in.Inflate(memory[:limit], wire, true); again != ErrCorrupt || !bytes.Equal(memory[:in.Size()], want) {
			t.Fatalf("after %v: %v, and %d bytes instead of %d", err, again, in.Size(), len(want))
		}
		if err != nil {
			want = nil
		}
		at1, at2 := int(cut)%(len(wire)+1), int(cut/7)%(len(wire)+1)
		pieces := [][]byte{wire[:min(at1, at2)], wire[min(at1, at2):max(at1, at2)], wire[max(at1, at2):]}
		for _, p := range [][][]byte{{wire}, pieces, bytewise(wire)} {
			w := window()
			got, cutErr := inflateIn(new(Inflater), w, int(limit), text, p...)
			if cutErr != err || !bytes.Equal(got, want) {
				t.Fatalf("in %d pieces: %q, %v; whole %q, %v", len(p), got, cutErr, want, err)
			}
			if w.Bytes() > 1<<maxWindowBits {
				t.Fatalf("the window takes %d bytes", w.Bytes())
			}
		}
		if !text {
			compareWithStd(t, wire, said, want, err, int(limit))
		}
	})
}

// compareWithStd compares what we made of wire, behind what was said before, with
// what the standard library does. It stops at the first final block, and we do not.
func compareWithStd(t *testing.T, wire, said, got []byte, err error, limit int) {
	std := func(end ...byte) (plain []byte, r *bytes.Reader, err error) {
		r = bytes.NewReader(slices.Concat(wire, tail[:], end))
		plain, err = io.ReadAll(io.LimitReader(flate.NewReaderDict(r, said), int64(limit)+1))
		return plain, r, err
	}
	// A final block, so that it ends well: an empty one that is stored.
	want, r, stdErr := std(1, 0, 0, 0xff, 0xff)
	// Where another one makes a difference, an open block has swallowed it.
	if other, _, otherErr := std(3, 0); !bytes.Equal(other, want) || (otherErr == nil) != (stdErr == nil) {
		if err == nil {
			t.Fatalf("got %q for a message that is cut", got)
		}
		return
	}
	switch {
	case err == nil && (stdErr != nil || !bytes.HasPrefix(got, want)):
		t.Fatalf("got %q; the standard library %q, %v", got, want, stdErr)
	case err == ErrCorrupt && stdErr == nil && r.Len() == 0 && len(want) <= limit:
		t.Fatalf("got %v; the standard library %q", err, want)
	case err == ErrTooBig && len(want) <= limit && r.Len() == 0:
		t.Fatalf("got %v for %d bytes; the standard library %d, %v", err, limit, len(want), stdErr)
	}
}

// FuzzDeflate checks that messages come through, with and without context
// takeover, through ours and the standard library, and never grow.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("wherry wherry wherry"), []byte("a wherry, to and fro"), uint8(0), uint8(7), false)
	f.Add(bytes.Repeat([]byte{1, 2, 3, 4, 5}, 60), []byte{1, 2, 3, 4, 5}, uint8(1), uint8(0), true)
	f.Fuzz(func(t *testing.T, first, second []byte, level, bits uint8, forget bool) {
		d := NewDeflater(Config{Level: Level(1 + level%3), MinBytes: 1})
		p := Params{ServerNoContextTakeover: forget, ServerWindowBits: minWindowBits + int(bits%8)}
		ours, theirs := p.DeflateWindow(), p.DeflateWindow()
		var in Inflater
		var wires [][]byte
		var sent []byte
		for _, payload := range [][]byte{first, second, second, first} {
			prefix := []byte("kept")
			wire, ok := d.Append(prefix, payload, p, ours)
			if !bytes.HasPrefix(wire, []byte("kept")) || !ok && len(wire) != 4 || ok && len(wire)-4 >= len(payload) {
				t.Fatalf("%d bytes became %d, %v", len(payload), len(wire)-4, ok)
			}
			if !ok {
				continue
			}
			got, err := inflateIn(&in, theirs, len(payload), false, wire[4:])
			if err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("sent %q, received %q, %v", payload, got, err)
			}
			wires = append(wires, wire[4:])
			sent = append(sent, payload...)
		}
		if got, err := stdInflate(wires...); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("sent %q, the standard library received %q, %v", sent, got, err)
		}
	})
}

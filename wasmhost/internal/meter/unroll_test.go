package meter_test

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// looping returns a module whose run, an (i32) -> (i32), counts its argument down in
// a loop that begins with step, and returns what local 1 is then.
func looping(step []byte, back ...byte) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content ...byte) {
		b = binary.AppendUvarint(append(b, id), uint64(len(content)))
		b = append(b, content...)
	}
	section(1, 1, 0x60, 1, 0x7f, 1, 0x7f)
	section(3, 1, 0)
	section(7, 1, 3, 'r', 'u', 'n', 0, 0)
	code := append([]byte{1, 1, 0x7f, 0x03, 0x40}, step...) // a local; loop
	code = append(code, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0)    // count, tee
	code = append(append(code, back...), 0x0b, 0x20, 1, 0x0b)
	code = append(binary.AppendUvarint(nil, uint64(len(code))), code...)
	section(10, append([]byte{1}, code...)...)
	return b
}

// TestUnroll: a loop of straight code does the same when its body is written
// several times, however often it goes around, and is charged for no fewer rounds.
func TestUnroll(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfig())
	add := []byte{0x20, 1, 0x41, 3, 0x6a, 0x21, 1} // local 1 += 3
	brIf := []byte{0x0d, 0}
	for _, tc := range []struct {
		name     string
		step     []byte
		back     []byte
		units    int64 // that a round costs
		unrolled bool
	}{
		{"short", add, brIf, 9, true},
		{"long", times(5, add...), brIf, 25, true},
		{"too long", times(6, add...), brIf, 29, false},
		{"with a block", append([]byte{0x02, 0x40, 0x0b}, add...), brIf, 9, false},
		{"with an if", append([]byte{0x41, 0, 0x04, 0x40, 0x0b}, add...), brIf, 11, false},
		{"with two branches", append([]byte{0x41, 0, 0x0d, 0}, add...), brIf, 11, false},
		{"with a long label", add, []byte{0x0d, 0x80, 0}, 9, false},
	} {
		wasm := looping(tc.step, tc.back...)
		p := rewrite(t, wasm, meter.Config{Entries: []string{"run"}})
		was, is := m.start(t, wasm, nil), m.start(t, p.Wasm, p.Data)
		for n := uint64(1); n <= 9; n++ {
			want, err := was.ExportedFunction("run").Call(context.Background(), n)
			if err != nil {
				t.Fatal(err)
			}
			got, err := is.ExportedFunction("run").Call(context.Background(), n, 1<<40)
			if err != nil {
				t.Fatal(err)
			}
			rounds := int64(n)
			if tc.unrolled {
				rounds = (rounds + 3) / 4 * 4
			}
			if spent, most := 1<<40-int64(got[1]), rounds*tc.units+10; got[0] != want[0] || spent < rounds*tc.units || spent > most {
				t.Errorf("%s, %d rounds: %d for %d units; want %d for %d to %d", tc.name, n, got[0], spent, want[0], rounds*tc.units, most)
			}
		}
	}
}

package meter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// functions is a module of functions () -> () with the same code.
func functions(count int, code ...byte) []byte {
	section := func(id byte, content []byte) []byte {
		return slices.Concat([]byte{id}, binary.AppendUvarint(nil, uint64(len(content))), content)
	}
	code = slices.Concat([]byte{0}, code, []byte{0x0b}) // no locals, end
	code = append(binary.AppendUvarint(nil, uint64(len(code))), code...)
	n := binary.AppendUvarint(nil, uint64(count))
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{1, 0x60, 0, 0}),
		section(3, append(slices.Clone(n), make([]byte, count)...)),
		section(10, append(slices.Clone(n), bytes.Repeat(code, count)...)))
}

// TestTangle: what the engine needs for blocks, loops and branches to one label is
// about the square of their number, so that is what is bounded.
func TestTangle(t *testing.T) {
	repeat := func(code ...byte) func(int) []byte {
		return func(n int) []byte { return bytes.Repeat(code, n) }
	}
	for name, tc := range map[string]struct {
		code   func(n int) []byte
		weight uint64 // of the square of n, and of n
	}{
		"block": {repeat(0x02, 0x40, 0x0b), tangleJoin},
		"if":    {repeat(0x41, 0, 0x04, 0x40, 0x0b), tangleJoin},
		"loop":  {repeat(0x03, 0x40, 0x0b), tangleJoin + tangleLoop},
		"br_if": {repeat(0x41, 0, 0x0d, 0), tangleBranch},
		"br_table": {func(n int) []byte {
			return slices.Concat([]byte{0x41, 0, 0x0e}, binary.AppendUvarint(nil, uint64(n-1)), make([]byte, n))
		}, tangleTarget},
	} {
		for _, count := range []int{1, 7} {
			for _, n := range []int{1, 2, 100} {
				needs := uint64(count) * tc.weight * uint64(n*n)
				wasm := functions(count, tc.code(n)...)
				if _, err := Decode(wasm, Limits{Tangle: needs}); err != nil {
					t.Errorf("%d functions of %d %s: %v", count, n, name, err)
				}
				if needs == 1 {
					continue // a limit of zero is the default
				}
				_, err := Decode(wasm, Limits{Tangle: needs - 1})
				var refusal *Error
				if !errors.As(err, &refusal) || refusal.Rule != RuleBody {
					t.Errorf("%d functions of %d %s, and a limit below that: %v", count, n, name, err)
				}
			}
		}
		if _, err := Decode(functions(1, tc.code(100_000)...), Limits{}); err == nil {
			t.Errorf("100 000 times %s in a function is admitted", name)
		}
	}
	if _, err := Decode(functions(1, slices.Concat([]byte{0x41, 0, 0x0e}, binary.AppendUvarint(nil, 1_000_000), make([]byte, 1_000_001))...), Limits{}); err == nil {
		t.Error("a br_table of a million is admitted")
	}
}

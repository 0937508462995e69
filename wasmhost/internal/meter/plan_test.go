package meter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// branching is a module of functions that each have a block with so many branches
// to its end, and one more out of the function.
func branching(functions, branches int, table bool) []byte {
	section := func(id byte, content []byte) []byte {
		return slices.Concat([]byte{id}, binary.AppendUvarint(nil, uint64(len(content))), content)
	}
	code := []byte{0, 0x02, 0x40} // no locals, block
	if table {
		code = append(code, 0x41, 0, 0x0e) // br_table 0
		code = binary.AppendUvarint(code, uint64(branches-1))
		code = append(code, make([]byte, branches)...)
	} else {
		code = append(code, bytes.Repeat([]byte{0x41, 0, 0x0d, 0}, branches)...) // br_if 0
	}
	code = append(code, 0x0b, 0x0c, 0, 0x0b) // end, br 0, end
	code = append(binary.AppendUvarint(nil, uint64(len(code))), code...)
	count := binary.AppendUvarint(nil, uint64(functions))
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, []byte{1, 0x60, 0, 0}),
		section(3, append(slices.Clone(count), make([]byte, functions)...)),
		section(10, append(slices.Clone(count), bytes.Repeat(code, functions)...)))
}

// TestBranchPairs: what the engine needs for the branches to one label is the
// square of their number, so that is what is bounded.
func TestBranchPairs(t *testing.T) {
	for _, table := range []bool{true, false} {
		for _, tc := range []struct {
			functions, branches int
			refused             bool
		}{
			{1, 99, false}, {1, 100, true}, {1, 5000, true},
			{9, 33, false}, {10, 33, true},
			{5000, 1, false}, {5001, 1, true},
		} {
			_, err := Decode(branching(tc.functions, tc.branches, table), Limits{BranchPairs: 10_000})
			var refusal *Error
			if refused := errors.As(err, &refusal) && refusal.Rule == RuleBody; refused != tc.refused {
				t.Errorf("%d functions with %d branches, table %v: %v", tc.functions, tc.branches, table, err)
			}
		}
		if _, err := Decode(branching(1, 1_000_000, true), Limits{}); err == nil {
			t.Error("a table of a million branches is admitted")
		}
	}
}

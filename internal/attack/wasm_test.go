package attack_test

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Modules that are too large, too many or too wrong to be written as text are put
// together here, a section at a time (WebAssembly core specification, 5.5).

// uleb encodes an unsigned number.
func uleb[T uint32 | uint64 | int](n T) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// section encodes a section with its size.
func section(id byte, content ...[]byte) []byte {
	all := slices.Concat(content...)
	return slices.Concat([]byte{id}, uleb(len(all)), all)
}

// vector encodes items with their count.
func vector(items ...[]byte) []byte {
	return append(uleb(len(items)), slices.Concat(items...)...)
}

// repeated is count times the same item, with the count.
func repeated(item []byte, count int) []byte {
	return append(uleb(count), bytes.Repeat(item, count)...)
}

// name encodes a name with its length.
func name(s string) []byte { return append(uleb(len(s)), s...) }

// custom encodes a custom section.
func custom(title string, content []byte) []byte { return section(0, name(title), content) }

// body encodes the code of a function: its declarations of locals, and its
// instructions without the end.
func body(locals []byte, code ...byte) []byte {
	all := slices.Concat(locals, code, []byte{0x0b})
	return append(uleb(len(all)), all...)
}

var noLocals = []byte{0}

// A module is a guest that does nothing, until something of it is replaced.
type module struct {
	types, imports, functions, tables, memories, globals, exports, start, elements, count, code, data []byte

	customs []byte // in front of everything
	trailer []byte // behind it
}

var preamble = []byte("\x00asm\x01\x00\x00\x00")

// Types of the functions of plain, by index.
const (
	typeNone  = 0 // () -> ()
	typeI32   = 1 // () -> i32
	typeTurn  = 2 // (i32) -> i32
	typeFlush = 2
)

// plain is a guest that answers nothing: mailbox at 64, inbox and outbox behind
// it, and function 0 and 1 the contract's two.
func plain() *module {
	return &module{
		types: section(1, vector(
			[]byte{0x60, 0, 0}, []byte{0x60, 0, 1, 0x7f}, []byte{0x60, 1, 0x7f, 1, 0x7f})),
		functions: section(3, vector([]byte{typeI32}, []byte{typeTurn})),
		memories:  section(5, vector([]byte{0, 1})),
		exports:   section(7, vector(plainExports()...)),
		code:      section(10, vector(plainCode()...)),
		data:      section(11, vector(plainData())),
	}
}

// plainData is the segment with the mailbox of plain.
func plainData() []byte {
	box := make([]byte, 16)
	for i, n := range []uint32{4096, 4096, 8192, 128} {
		binary.LittleEndian.PutUint32(box[4*i:], n)
	}
	return slices.Concat([]byte{0, 0x41}, sleb(64), []byte{0x0b}, uleb(len(box)), box)
}

func plainExports() [][]byte {
	return [][]byte{
		export("memory", 2, 0), export("wherry_v1_mailbox", 0, 0), export("wherry_v1_turn", 0, 1),
	}
}

// plainCode is the mailbox and turn of plain.
func plainCode() [][]byte {
	return [][]byte{body(noLocals, append([]byte{0x41}, sleb(64)...)...), body(noLocals, 0x41, 0)}
}

func export(title string, kind byte, index int) []byte {
	return slices.Concat(name(title), []byte{kind}, uleb(index))
}

// sleb encodes a signed number.
func sleb(n int64) (b []byte) {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// with adds functions of type () -> () behind the two of plain.
func (m *module) with(bodies ...[]byte) *module {
	kinds := [][]byte{{typeI32}, {typeTurn}}
	for range bodies {
		kinds = append(kinds, []byte{typeNone})
	}
	m.functions = section(3, vector(kinds...))
	m.code = section(10, vector(append(plainCode(), bodies...)...))
	return m
}

// bytes is the binary.
func (m *module) bytes() []byte {
	return slices.Concat(preamble, m.customs, m.types, m.imports, m.functions, m.tables, m.memories,
		m.globals, m.exports, m.start, m.elements, m.count, m.code, m.data, m.trailer)
}

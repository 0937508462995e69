package meter_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// wideValues is how many values the types of [wide] have: as many as they may.
const wideValues = 1000

// wide returns a module of types 0: () -> (), 1: () -> wideValues x i64,
// 2: wideValues x i64 -> as many, and 3: (i32) -> as many. Function 0 is of type 2
// and returns its arguments; function 1 is of the type and has the body that are
// given, and is exported as run.
func wide(of byte, body ...byte) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content ...byte) {
		b = binary.AppendUvarint(append(b, id), uint64(len(content)))
		b = append(b, content...)
	}
	values := append(binary.AppendUvarint(nil, wideValues), bytes.Repeat([]byte{0x7e}, wideValues)...)
	section(1, bytes.Join([][]byte{{4, 0x60, 0, 0, 0x60, 0}, values, {0x60}, values, values, {0x60, 1, 0x7f}, values}, nil)...)
	section(3, 2, 2, of)
	section(7, 1, 3, 'r', 'u', 'n', 0, 1)
	same := []byte{0}
	for i := range uint64(wideValues) {
		same = binary.AppendUvarint(append(same, 0x20), i)
	}
	code := []byte{2}
	for _, f := range [][]byte{append(same, 0x0b), append(append([]byte{0}, body...), 0x0b)} {
		code = append(binary.AppendUvarint(code, uint64(len(f))), f...)
	}
	section(10, code...)
	return b
}

// values are the instructions that make as many as a wide type has, and drops those
// that take them away.
var (
	values = bytes.Repeat([]byte{0x42, 1}, wideValues)
	drops  = bytes.Repeat([]byte{0x1a}, wideValues)
)

func times(n int, code ...byte) []byte { return bytes.Repeat(code, n) }

// TestWideIsIntricate: a few bytes that have the compiler move thousands of values
// are not as good as any others: some 20 KiB of these would take it half a minute
// and gigabytes.
func TestWideIsIntricate(t *testing.T) {
	labels := append(binary.AppendUvarint([]byte{0x41, 0, 0x0e}, 10_000), make([]byte, 10_001)...)
	for _, tc := range []struct {
		name string
		body []byte
	}{
		{"calls", times(10_000, 0x10, 0)},
		{"fills", times(10_000, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0)},
		{"loops", times(10_000, 0x03, 2, 0x41, 0, 0x0d, 0, 0x0b)},
		{"blocks", times(10_000, 0x02, 2, 0x0b)},
		{"branches", append(append([]byte{0x02, 2}, times(10_000, 0x41, 0, 0x0d, 0)...), 0x0b)},
		{"labels", append(append([]byte{0x02, 2}, labels...), 0x0b)},
	} {
		body := append(append(bytes.Clone(values), tc.body...), drops...)
		_, err := meter.Decode(wide(0, body...), meter.Limits{})
		var refused *meter.Error
		if !errors.As(err, &refused) || refused.Rule != meter.RuleBody {
			t.Errorf("%s: got %v; want %s", tc.name, err, meter.RuleBody)
		}
	}
}

// TestWideIsCharged: what carries a thousand values is charged for them.
func TestWideIsCharged(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfig())
	const n = 10
	for _, tc := range []struct {
		name string
		code []byte
		each int64
	}{
		{"calls", []byte{0x10, 0}, 2 * wideValues},
		{"branches", []byte{0x02, 2, 0x0c, 0, 0x0b}, wideValues},
	} {
		body := append(append(bytes.Clone(values), times(n, tc.code...)...), drops...)
		p := rewrite(t, wide(0, body...), meter.Config{Entries: []string{"run"}})
		mod := m.start(t, p.Wasm, p.Data)
		got, err := mod.ExportedFunction("run").Call(context.Background(), 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		if spent := 1<<40 - int64(got[0]); spent < n*tc.each*9/10 {
			t.Errorf("%d %s spent %d units; want some %d", n, tc.name, spent, n*tc.each)
		}
	}
}

// TestWideStack: a function that takes a few bytes and leaves a thousand values on
// the stack is as deep as they are.
func TestWideStack(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfig())
	p := rewrite(t, wide(3, 0x20, 0, 0x10, 1), meter.Config{Entries: []string{"run"}})
	if got := stackOf(t, m, p); got > 32<<20 {
		t.Errorf("allocated %d bytes, want at most 32 MiB", got)
	} else {
		t.Logf("%d bytes", got)
	}
}

// stackOf returns how many bytes are allocated while run calls itself too deep. The
// engine doubles its stack until it fits, so it is twice of what is needed at least.
func stackOf(t *testing.T, m *machine, p meter.Program) uint64 {
	t.Helper()
	run := m.start(t, p.Wasm, p.Data).ExportedFunction("run")
	stack := make([]uint64, 2*wideValues)
	stack[0], stack[1] = 1<<40, 1<<40 // the argument, if there is one, and the fuel
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := run.CallWithStack(context.Background(), stack)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, tooDeep{}) {
		t.Fatalf("got %v; want too deep", err)
	}
	return after.TotalAlloc - before.TotalAlloc
}

// joins returns a module with a function that has several values of each of its
// locals come together at the end of each of its blocks, and calls itself.
func joins(locals, ends int) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content ...byte) {
		b = binary.AppendUvarint(append(b, id), uint64(len(content)))
		b = append(b, content...)
	}
	section(1, 1, 0x60, 0, 0)
	section(3, 1, 0)
	section(5, 1, 0, 1)
	section(7, 1, 3, 'r', 'u', 'n', 0, 0)
	f := append(binary.AppendUvarint([]byte{1}, uint64(locals)), 0x7e)
	set := func(i int) { f = binary.AppendUvarint(append(f, 0x21), uint64(i)) }
	get := func(i int) { f = binary.AppendUvarint(append(f, 0x20), uint64(i)) }
	f = append(f, times(ends, 0x02, 0x40)...)
	for i := range locals {
		f = append(f, 0x41, 0, 0x29, 3, 0)
		set(i)
	}
	f = append(f, 0x41, 0, 0x28, 2, 0, 0x0e)
	f = binary.AppendUvarint(f, uint64(ends-1))
	for i := range ends {
		f = binary.AppendUvarint(f, uint64((i+1)%ends))
	}
	f = append(f, 0x0b)
	for i := range locals {
		f = append(f, 0x41, 8, 0x29, 3, 0)
		set(i)
	}
	f = append(f, times(ends-1, 0x0b)...)
	f = append(f, 0x10, 0)
	for i := range locals {
		f = append(f, 0x41, 0)
		get(i)
		f = append(f, 0x37, 3, 0)
	}
	f = append(f, 0x0b)
	section(10, append(binary.AppendUvarint([]byte{1}, uint64(len(f))), f...)...)
	return b
}

// TestJoinsStack: locals have a place on the stack for each end of a block at which
// they may be one thing or the other.
func TestJoinsStack(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfig())
	p := rewrite(t, joins(300, 300), meter.Config{Entries: []string{"run"}})
	if got := stackOf(t, m, p); got > 48<<20 {
		t.Errorf("allocated %d bytes, want at most 48 MiB", got)
	} else {
		t.Logf("%d bytes", got)
	}
}

// TestJoinsAreCharged: to pass the ends of blocks where many locals come together
// is charged, though an end is no instruction of the machine's.
func TestJoinsAreCharged(t *testing.T) {
	m := newMachine(t, wazero.NewRuntimeConfig())
	p := rewrite(t, joins(300, 300), meter.Config{Entries: []string{"run"}, StackBytes: 150_000})
	mod := m.start(t, p.Wasm, p.Data)
	if _, err := mod.ExportedFunction("run").Call(context.Background(), 1<<40); !errors.Is(err, tooDeep{}) {
		t.Fatal(err) // in the second call of itself, after all ends of the first
	}
	if spent := 1<<40 - int64(mod.ExportedGlobal(meter.ExportFuel).Get()); spent < 80_000 {
		t.Errorf("spent %d units; want some 87 000", spent)
	}
}

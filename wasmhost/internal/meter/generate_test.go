package meter_test

import (
	"encoding/binary"
	"math/rand/v2"
)

// A generator writes modules at random, of valid code that ends: its loops have a
// counter each, and its functions call those before them, or themselves with a
// smaller argument. Every function takes an i32 and an i64 and returns an i64.
type generator struct {
	*rand.Rand
	code  []byte
	fn    int // the function that is being written
	loops int // loop counters in use, of maxLoops
	depth int // blocks that are open
	size  int // instructions that may still be written
}

const (
	maxLoops  = 4
	genFuncs  = 6
	localI32  = 2            // the first of three locals of each type behind the parameters
	localI64  = localI32 + 3 //
	counters  = localI64 + 3
	genGlobal = 2 // an i32 and an i64
)

// generate returns a module that exports run: (i32, i64) -> i64, its memory, and
// get: () -> i64, which is its globals.
func generate(seed uint64) []byte {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content ...byte) {
		b = append(b, id)
		b = append(binary.AppendUvarint(b, uint64(len(content))), content...)
	}
	section(1, 2, 0x60, 2, 0x7f, 0x7e, 1, 0x7e, 0x60, 0, 1, 0x7e)
	functions := []byte{genFuncs + 1}
	for range genFuncs {
		functions = append(functions, 0)
	}
	section(3, append(functions, 1)...)
	section(4, 1, 0x70, 1, genFuncs, genFuncs)
	section(5, 1, 1, 1, 2)
	section(6, genGlobal, 0x7f, 1, 0x41, 7, 0x0b, 0x7e, 1, 0x42, 9, 0x0b)
	section(7, 3, 3, 'r', 'u', 'n', 0, genFuncs-1, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0, 3, 'g', 'e', 't', 0, genFuncs)
	elem := []byte{1, 0, 0x41, 0, 0x0b, genFuncs}
	for i := range byte(genFuncs) {
		elem = append(elem, i)
	}
	section(9, elem...)
	bodies := []byte{genFuncs + 1}
	for fn := range genFuncs {
		body := g.function(fn)
		bodies = append(binary.AppendUvarint(bodies, uint64(len(body))), body...)
	}
	get := []byte{0, 0x23, 0, 0xad, 0x23, 1, 0x85, 0x0b}
	section(10, append(append(bodies, byte(len(get))), get...)...)
	section(11, 1, 0, 0x41, 16, 0x0b, 5, 'h', 'e', 'l', 'l', 'o')
	return b
}

func (g *generator) function(fn int) []byte {
	g.code = []byte{3, 3, 0x7f, 3, 0x7e, maxLoops, 0x7f}
	g.fn, g.loops, g.depth, g.size = fn, 0, 0, 20+g.IntN(150)
	// Whoever calls itself has to end.
	g.emit(0x20, 0, 0x41, 0, 0x4c, 0x04, 0x40, 0x42, byte(fn), 0x0f, 0x0b)
	g.statements()
	g.i64(0)
	g.emit(0x0b)
	return g.code
}

func (g *generator) emit(b ...byte) { g.code = append(g.code, b...); g.size-- }

func (g *generator) pick(b ...byte) byte { return b[g.IntN(len(b))] }

// constant appends a small number, of either sign.
func (g *generator) constant(op byte) { g.emit(op, byte(g.IntN(128))) }

func (g *generator) i32(nested int) {
	if nested > 4 || g.size < 0 {
		g.constant(0x41)
		return
	}
	switch g.IntN(10) {
	case 0, 1:
		g.emit(0x20, g.pick(0, localI32, localI32+1, localI32+2))
	case 2:
		g.constant(0x41)
	case 3, 4: // without division, which mostly traps
		g.i32(nested + 1)
		g.i32(nested + 1)
		g.emit(g.pick(0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x46, 0x48, 0x4b))
	case 5:
		g.i32(nested + 1)
		g.emit(g.pick(0x45, 0x67, 0x68, 0x69, 0xc0, 0xc1))
	case 6:
		g.i64(nested + 1)
		g.emit(g.pick(0xa7, 0x50))
	case 7:
		g.i32(nested + 1)
		g.emit(0x41, 0xff, 0x07, 0x71, g.pick(0x28, 0x2d, 0x2e), 0, byte(g.IntN(64)))
	case 8:
		g.emit(0x23, 0)
	case 9:
		if g.IntN(8) == 0 { // now and then one that traps
			g.i32(nested + 1)
			g.i32(nested + 1)
			g.emit(g.pick(0x6d, 0x70))
		} else {
			g.emit(0x3f, 0)
		}
	}
}

func (g *generator) i64(nested int) {
	if nested > 4 || g.size < 0 {
		g.constant(0x42)
		return
	}
	switch g.IntN(10) {
	case 0, 1:
		g.emit(0x20, g.pick(1, localI64, localI64+1, localI64+2))
	case 2:
		g.constant(0x42)
	case 3, 4, 5:
		g.i64(nested + 1)
		g.i64(nested + 1)
		g.emit(g.pick(0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88))
	case 6:
		g.i32(nested + 1)
		g.emit(g.pick(0xac, 0xad))
	case 7:
		g.emit(0x23, 1)
	case 8:
		g.call(nested)
	case 9:
		// A block with a value, which may be left early.
		g.emit(0x02, 0x7e)
		g.depth++
		g.i64(nested + 1)
		if g.IntN(2) == 0 {
			g.i32(nested + 1)
			g.emit(0x0d, 0)
		}
		if g.IntN(8) == 0 {
			g.emit(0x0f)
		}
		g.depth--
		g.emit(0x0b)
	}
}

// call calls a function before this one, or this one with less, by its index or
// through the table.
func (g *generator) call(nested int) {
	callee := g.IntN(g.fn + 1)
	if callee == g.fn {
		g.emit(0x20, 0, 0x41, byte(1+g.IntN(3)), 0x6b)
	} else {
		g.i32(nested + 2)
		g.emit(0x41, 3, 0x71)
	}
	g.i64(nested + 2)
	if g.IntN(4) == 0 {
		g.emit(0x41, byte(callee), 0x11, 0, 0)
	} else {
		g.emit(0x10, byte(callee))
	}
}

// statements writes code that leaves the stack as it is.
func (g *generator) statements() {
	for n := 1 + g.IntN(6); n > 0 && g.size > 0; n-- {
		g.statement()
	}
}

func (g *generator) statement() {
	switch g.IntN(12) {
	case 0, 1:
		g.i32(0)
		g.emit(0x21, g.pick(localI32, localI32+1, localI32+2))
	case 2, 3:
		g.i64(0)
		g.emit(0x21, g.pick(localI64, localI64+1, localI64+2))
	case 4:
		g.i32(0)
		g.emit(0x24, 0)
	case 5:
		g.i64(0)
		g.emit(0x24, 1)
	case 6:
		g.i32(0)
		g.emit(0x41, 0xff, 0x07, 0x71)
		g.i64(0)
		g.emit(0x37, 0, byte(g.IntN(64)))
	case 7:
		g.i32(0)
		g.emit(0x04, 0x40)
		g.depth++
		g.statements()
		if g.IntN(2) == 0 {
			g.emit(0x05)
			g.statements()
		}
		g.depth--
		g.emit(0x0b)
	case 8:
		g.emit(0x02, 0x40)
		g.depth++
		g.statements()
		g.leave()
		g.statements()
		g.depth--
		g.emit(0x0b)
	case 9:
		g.loop()
	case 10: // fill or copy a little
		g.emit(0x41, 0x80, 0x08, 0x41, byte(g.IntN(64)), 0x41, byte(g.IntN(64)))
		if g.IntN(2) == 0 {
			g.emit(0xfc, 11, 0)
		} else {
			g.emit(0xfc, 10, 0, 0)
		}
	case 11:
		g.emit(0x41, byte(g.IntN(2)), 0x40, 0, 0x1a)
	}
}

// leave jumps out of some of the blocks that are open, or not.
func (g *generator) leave() {
	to := func() byte { return byte(g.IntN(g.depth)) }
	switch g.IntN(4) {
	case 0:
		g.i32(1)
		g.emit(0x0d, to())
	case 1:
		if g.loops == 0 { // with a loop open, a branch could start it again
			g.i32(1)
			g.emit(0x0e, 2, to(), to(), to())
		}
	case 2:
		if g.IntN(4) == 0 {
			g.i64(1)
			g.emit(0x0f)
		}
	}
}

// loop writes a loop that goes round a few times.
func (g *generator) loop() {
	if g.loops == maxLoops || g.depth > 0 && g.IntN(2) == 0 {
		return
	}
	counter := byte(counters + g.loops)
	g.loops++
	g.emit(0x41, byte(1+g.IntN(6)), 0x21, counter)
	g.emit(0x03, 0x40)
	// Within it nothing may branch to it: depth counts from here.
	depth := g.depth
	g.depth = 0
	g.emit(0x20, counter, 0x41, 1, 0x6b, 0x21, counter)
	g.statements()
	g.emit(0x20, counter, 0x41, 0, 0x4a, 0x0d, 0)
	g.emit(0x0b)
	g.depth = depth
	g.loops--
}

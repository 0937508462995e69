package meter

// Opcodes that mean more than their cost (5.4). Those behind a prefix have it in
// their upper byte.
const (
	opUnreachable  = 0x00
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opElse         = 0x05
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opSelect       = 0x1b
	opSelectTyped  = 0x1c
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableGet     = 0x25
	opTableSet     = 0x26
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32Eqz       = 0x45
	opI32LtS       = 0x48
	opI32LeU       = 0x4d
	opI64LtS       = 0x53
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI64Add       = 0x7c
	opI64Sub       = 0x7d
	opI64Shl       = 0x86
	opI64ShrU      = 0x88
	opI64ExtendU   = 0xad
	opRefNull      = 0xd0
	opRefIsNull    = 0xd1
	opRefFunc      = 0xd2
	opBulk         = 0xfc
	opVector       = 0xfd

	opMemoryInit = opBulk<<8 | 8
	opDataDrop   = opBulk<<8 | 9
	opMemoryCopy = opBulk<<8 | 10
	opMemoryFill = opBulk<<8 | 11
	opTableInit  = opBulk<<8 | 12
	opElemDrop   = opBulk<<8 | 13
	opTableCopy  = opBulk<<8 | 14
	opTableGrow  = opBulk<<8 | 15
	opTableSize  = opBulk<<8 | 16
	opTableFill  = opBulk<<8 | 17

	noResult = 0x40 // the block type that has none
)

// An instr is an instruction: [at, end) of the module.
type instr struct {
	op      uint16
	at, end int
	arg     uint32 // its index, if it has one: a label, function, local, global, type
	arg2    uint32 // of call_indirect, the table
	labels  reader // of br_table: all but the default, which is arg
	block   int64  // of block, loop and if: the type
}

// features names the extensions that are off by their opcodes.
var features = map[byte]string{
	0x06: "exception handling", 0x07: "exception handling", 0x08: "exception handling",
	0x09: "exception handling", 0x0a: "exception handling", 0x18: "exception handling",
	0x19: "exception handling", 0x1f: "exception handling",
	0x12: "tail calls", 0x13: "tail calls",
	0x14: "typed function references", 0x15: "typed function references",
	0xd3: "garbage collection", 0xd4: "typed function references",
	0xd5: "typed function references", 0xd6: "typed function references",
	0xfb: "garbage collection", 0xfe: "threads",
}

// next reads an instruction to in, and reports whether there was one of a kind
// that guests may use. It looks at no index.
func (r *reader) next(in *instr) bool {
	in.at = r.at
	op := r.byte()
	in.op = uint16(op)
	switch {
	case op >= 0x45 && op <= 0xc4 || op == 0x01 || op == opUnreachable ||
		op == opElse || op == opEnd || op == opReturn || op == 0x1a || op == 0x1b || op == opRefIsNull:
	case op >= opLocalGet && op <= opTableSet:
		in.arg = r.u32()
	case op >= 0x28 && op <= 0x3e:
		r.memarg()
	case op == opBlock || op == opLoop || op == opIf:
		in.block = r.s64(33)
	case op == opBr || op == opBrIf || op == opCall || op == opRefFunc:
		in.arg = r.u32()
	case op == opI32Const:
		r.s64(32)
	case op == opI64Const:
		r.s64(64)
	case op == opF32Const:
		r.bytes(4)
	case op == opF64Const:
		r.bytes(8)
	case op == opCallIndirect:
		in.arg, in.arg2 = r.u32(), r.u32()
	case op == opMemorySize || op == opMemoryGrow:
		r.zero()
	case op == opBrTable:
		n := r.count(1)
		in.labels = reader{b: r.b, at: r.at}
		for range n {
			r.u32()
		}
		in.labels.end = r.at
		in.arg = r.u32()
	case op == opSelectTyped:
		r.bytes(r.u32())
	case op == opRefNull:
		r.byte()
	case op == opBulk:
		r.nextBulk(in)
	case op == opVector:
		r.nextVector(in)
	default:
		return false
	}
	in.end = r.at
	return !r.bad
}

// zero reads a byte for which there is no choice: the index of the only memory.
func (r *reader) zero() {
	if r.byte() != 0 {
		r.fail()
	}
}

// memarg reads an alignment and an offset. Bit 6 of the alignment is where an
// extension has the index of a memory.
func (r *reader) memarg() {
	if r.u32() >= 1<<6 {
		r.fail()
	}
	r.u32()
}

func (r *reader) nextBulk(in *instr) {
	sub := r.u32()
	in.op = opBulk<<8 | uint16(min(sub, 0xff))
	switch {
	case sub <= 7: // saturating conversions
	case in.op == opMemoryInit:
		in.arg = r.u32()
		r.zero()
	case in.op == opMemoryCopy:
		r.zero()
		r.zero()
	case in.op == opMemoryFill:
		r.zero()
	case in.op == opTableInit || in.op == opTableCopy:
		in.arg, in.arg2 = r.u32(), r.u32()
	case sub <= 17: // data.drop, elem.drop, table.grow, table.size, table.fill
		in.arg = r.u32()
	default:
		r.fail()
	}
}

func (r *reader) nextVector(in *instr) {
	sub := r.u32()
	in.op = opVector<<8 | uint16(min(sub, 0xff))
	switch {
	case sub <= 11 || sub == 92 || sub == 93:
		r.memarg()
	case sub == 12 || sub == 13:
		r.bytes(16)
	case sub >= 21 && sub <= 34:
		r.byte()
	case sub >= 84 && sub <= 91:
		r.memarg()
		r.byte()
	case sub > 0xff: // relaxed operations
		r.fail()
	}
}

// What the instructions cost that are not about as dear as an addition. Those
// that the compiler does not turn into anything are as dear all the same: the
// interpreter has to look at them.
const (
	costCall     = 4
	costIndirect = 8
	costHost     = 1000 // a call that leaves the guest
	costDivide   = 8    // and square roots
	costGrow     = 5000 // the engine is left
	costPageBits = 15   // and as a power of two, for each page that will be faulted in
	costBulk     = 16   // and one for each four bytes, or for each entry
	costTable    = 2
)

// cost returns what an instruction costs, in units of fuel. A call of an imported
// function costs [costHost].
func cost(op uint16) uint32 {
	switch op {
	case 0x01, opBlock, opLoop, opElse, opEnd:
		return 0
	case opCall:
		return costCall
	case opCallIndirect:
		return costIndirect
	case 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82, // division and remainder
		0x91, 0x95, 0x9f, 0xa3: // square root and division of floats
		return costDivide
	case opMemoryGrow, opTableGrow:
		return costGrow
	case opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableFill:
		return costBulk
	case opTableGet, opTableSet:
		return costTable
	}
	return 1
}

package meter

// An emitter writes the code of one function after the other. Its slices are
// used again.
type emitter struct {
	m *Module
	x extras
	g *graph

	fn        *function
	out       []byte
	next      int // the first site that was not written
	depth     uint32
	local     bool   // the counter is in a local, and not in its global
	counter   uint32 // the local with the counter, or with what is compared
	scratch   uint32 // an i32, for lengths and for the stack
	unmetered bool
	tightEnd  int // where the end of the last loop that was unrolled is
	copied    int // how far the module's bytes are written
}

// body appends the rewritten code of function i, with its size in front, to b.
func (e *emitter) body(b []byte, i int) []byte {
	fn := &e.m.funcs[i]
	e.fn, e.out, e.next, e.depth, e.copied = fn, e.out[:0], 0, 0, fn.code
	e.local = fn.shape.loops && !fn.shape.callsInLoop && !e.unmetered
	e.counter, e.scratch = fn.locals, fn.locals+1
	counts := e.g.counts[i] && !e.unmetered
	wrapped := e.local || counts

	e.locals(fn.shape.bulk || counts)
	if counts {
		e.enter(e.g.height[i])
	}
	if e.local {
		e.load()
	}
	if wrapped {
		e.out = append(e.out, opBlock)
		e.out = appendS64(e.out, e.x.blockTypes[fn.typ])
	}
	e.instructions(wrapped)
	if wrapped {
		// The function's own end is the block's, and everything that leaves the
		// function comes by here.
		if e.local {
			e.store()
		}
		if counts {
			e.leave(e.g.height[i])
		}
		e.out = append(e.out, opEnd)
	}
	return appendSized(b, e.out)
}

// locals writes the declarations, with those of the counter and the scratch
// behind them.
func (e *emitter) locals(scratch bool) {
	r := reader{b: e.m.wasm, at: e.fn.at, end: e.fn.code}
	groups := r.u32()
	more := uint32(1)
	if scratch {
		more = 2
	}
	e.out = appendU32(e.out, groups+more)
	e.out = append(e.out, r.b[r.at:r.end]...)
	e.out = append(e.out, 1, byte(I64))
	if scratch {
		e.out = append(e.out, 1, byte(I32))
	}
}

func (e *emitter) op(op byte, index uint32) { e.out = appendU32(append(e.out, op), index) }

func (e *emitter) i64(v int64) { e.out = appendS64(append(e.out, opI64Const), v) }
func (e *emitter) i32(v int32) { e.out = appendS64(append(e.out, opI32Const), int64(v)) }

// load and store move the counter between its global and the local.
func (e *emitter) load() {
	e.op(opGlobalGet, e.x.fuel)
	e.op(opLocalSet, e.counter)
}

func (e *emitter) store() {
	e.op(opLocalGet, e.counter)
	e.op(opGlobalSet, e.x.fuel)
}

// enter counts the stack of a function down, and has the host trap the guest
// when it is used up.
func (e *emitter) enter(bytes uint32) {
	e.op(opGlobalGet, e.x.stack)
	e.i32(int32(bytes))
	e.out = append(e.out, opI32Sub)
	e.op(opLocalTee, e.scratch)
	e.op(opGlobalSet, e.x.stack)
	e.op(opLocalGet, e.scratch)
	e.i32(0)
	e.out = append(e.out, opI32LtS, opIf, noResult)
	e.i64(StackUsedUp)
	e.op(opCall, e.x.refill)
	e.out = append(e.out, 0x1a, opEnd) // drop
}

func (e *emitter) leave(bytes uint32) {
	e.op(opGlobalGet, e.x.stack)
	e.i32(int32(bytes))
	e.out = append(e.out, opI32Add)
	e.op(opGlobalSet, e.x.stack)
}

// charge counts the fuel of a site down, and asks the host for more when it is
// used up.
func (e *emitter) charge(units uint32) {
	if units == 0 || e.unmetered {
		return
	}
	if e.local {
		e.op(opLocalGet, e.counter)
		e.i64(int64(units))
		e.out = append(e.out, opI64Sub)
		e.op(opLocalTee, e.counter)
		e.i64(0)
		e.out = append(e.out, opI64LtS, opIf, noResult)
		e.op(opLocalGet, e.counter)
		e.op(opCall, e.x.refill)
		e.op(opLocalSet, e.counter)
		e.out = append(e.out, opEnd)
		return
	}
	e.op(opGlobalGet, e.x.fuel)
	e.i64(int64(units))
	e.out = append(e.out, opI64Sub)
	e.op(opLocalTee, e.counter)
	e.op(opGlobalSet, e.x.fuel)
	e.op(opLocalGet, e.counter)
	e.i64(0)
	e.out = append(e.out, opI64LtS, opIf, noResult)
	e.op(opCall, e.x.more)
	e.out = append(e.out, opEnd)
}

// settle takes the amount on top of the stack from the counter below it, and asks
// the host for more when that is used up.
func (e *emitter) settle() {
	e.out = append(e.out, opI64Sub)
	e.op(opGlobalSet, e.x.fuel)
	e.op(opGlobalGet, e.x.fuel)
	e.i64(0)
	e.out = append(e.out, opI64LtS, opIf, noResult)
	e.op(opCall, e.x.more)
	e.out = append(e.out, opEnd)
}

// instructions copies the code, and changes what has to be changed on the way.
func (e *emitter) instructions(wrapped bool) {
	r := reader{b: e.m.wasm, at: e.fn.code, end: e.fn.end}
	var in instr
	for r.more() {
		if e.next < len(e.fn.sites) && e.fn.sites[e.next].pos == r.at {
			e.copyTo(r.at)
			e.charge(e.fn.sites[e.next].cost)
			e.unroll(&e.fn.sites[e.next])
			e.next++
		}
		r.next(&in) // planned already, so it is well formed
		switch in.op {
		case opLoop:
			e.depth++
			if e.isTight(in.end) {
				e.copyTo(in.at)
				e.out = append(e.out, opBlock, noResult)
			}
		case opBlock, opIf:
			e.depth++
		case opEnd:
			e.depth--
			if in.at == e.tightEnd {
				e.copyTo(in.end)
				e.out = append(e.out, opEnd)
			}
		case opReturn:
			if wrapped {
				e.replace(&in)
				e.op(opBr, e.depth)
			}
		case opRefFunc:
			e.replace(&in)
			e.op(opRefFunc, e.x.reference(e.m, in.arg))
		case opCall:
			e.replace(&in)
			e.leaving(func() { e.op(opCall, e.m.shifted(in.arg)) })
		case opCallIndirect:
			e.replace(&in)
			e.leaving(func() { e.out = append(e.out, r.b[in.at:in.end]...) })
		default:
			if perLength(in.op) && !e.unmetered {
				e.copyTo(in.at)
				e.leaving(func() { e.length(in.op) })
			}
		}
	}
	e.copyTo(e.fn.end)
}

// isTight reports whether the body that begins at pos is that of a loop to unroll.
func (e *emitter) isTight(pos int) bool {
	return !e.unmetered && e.next < len(e.fn.sites) && e.fn.sites[e.next].pos == pos && e.fn.sites[e.next].tight > 0
}

// unroll writes the body of a tight loop, up to its branch, as often as it is there
// beside the module's own:
//
//	(block (loop charge body (br_if 1 (i32.eqz)) body ... (br_if 0)))
//
// What the body leaves for the branch is an i32, or the module is not valid. It
// branches nowhere itself, so that another block around it is no matter.
func (e *emitter) unroll(s *site) {
	if s.tight == 0 || e.unmetered {
		return
	}
	body := e.m.wasm[s.pos:][:s.tight]
	for range unrolled - 1 {
		e.out = append(e.out, body...)
		e.out = append(e.out, opI32Eqz, opBrIf, 1)
	}
	e.tightEnd = s.pos + len(body) + 2
}

// leaving writes what needs the counter in its global.
func (e *emitter) leaving(write func()) {
	if e.local {
		e.store()
	}
	write()
	if e.local {
		e.load()
	}
}

// length charges an instruction by the number on top of the stack.
func (e *emitter) length(op uint16) {
	e.op(opLocalTee, e.scratch)
	e.op(opLocalGet, e.scratch)
	helper := e.x.entries
	switch op {
	case opMemoryInit, opMemoryCopy, opMemoryFill:
		helper = e.x.bytes
	case opMemoryGrow:
		helper = e.x.pages
	}
	e.op(opCall, helper)
}

// copyTo copies the module's code up to at.
func (e *emitter) copyTo(at int) {
	e.out = append(e.out, e.m.wasm[e.copied:at]...)
	e.copied = at
}

// replace copies up to an instruction, and skips it.
func (e *emitter) replace(in *instr) {
	e.copyTo(in.at)
	e.copied = in.end
}

// shifted returns the index that a function has in the rewritten module, where
// there is one import more.
func (m *Module) shifted(fn uint32) uint32 {
	if int(fn) >= len(m.imports) {
		fn++
	}
	return fn
}

package meter

// A site is a place where fuel is charged: before the instruction at pos, for the
// code that cannot be reached but by way of it.
type site struct {
	pos      int // in the module
	cost     uint32
	borrowed uint32 // of cost, what a branch may jump over
	tight    uint32 // of a tight loop's body, the bytes in front of its branch back; 0 for any other site
}

// What decides whether a piece of code gets a site of its own. To charge costs
// about three units of time.
const (
	minOwn      = 48  // a piece that costs as much gets one
	maxBorrowed = 128 // and so does one whose site has taken on too much already

	maxPiece = 1 << 20 // no piece gets to cost much more, so that sums stay small
)

// A tight loop is one of straight code that ends with a branch back. A charge every
// time around would be a large part of what it does, so it is written unrolled, and
// charged once for so many times.
const (
	unrolled  = 4
	maxTight  = 48   // bytes of such a body
	maxUnroll = 1000 // loops of a module that are unrolled
)

// fewValues is how many values a call or a branch carries as part of what it costs
// anyway. Of those beyond, each is moved by an instruction of the machine's.
const fewValues = 8

func beyondFew(values int) uint32 { return uint32(max(values-fewValues, 0)) }

// A shape is what the writer has to know of a function before it starts.
type shape struct {
	loops       bool // there are any
	callsInLoop bool // and not all of them are free of calls
	bulk        bool // it has instructions that are charged by length
	returns     bool // it has a return instruction
	values      uint32
	joins       uint32 // blocks, and branches to them
	targets     uint32 // labels of br_table
	calls       uint32
	merged      uint64 // locals that may have come in several versions to an end, or a head of a loop, that was branched to
	carried     uint64 // values beyond few of blocks, of branches by their labels, and of calls
}

// calls are the functions that one calls, and the types by which it calls
// through a table.
type calls struct{ direct, types []uint32 }

// A frame is a block, loop or if that is open.
type frame struct {
	op     byte
	entry  int32  // the site that was current where it began
	dead   bool   // it began where nothing gets to
	sets   uint32 // planner.sets where it began
	joined bool   // something branches to it
	wide   uint32 // values beyond few that a branch to it carries
	body   int    // where what is in it begins
}

// A planner reads the code of one function after the other. Its slices are used
// again.
type planner struct {
	m      *Module
	fn     *function
	calls  *calls
	frames []frame
	looped int // how many of frames are loops

	sets  uint32 // of locals, up to here
	again int    // where the last branch to the innermost loop's head is, if there was straight code before it
	plain bool   // there was nothing but straight code since the last loop began

	site int32 // the current one
	pos  int   // where the current piece of code began
	cost uint32
	must bool // the piece has to have a site of its own
	dead bool // nothing gets here
}

func (m *Module) codeSection(s *reader) error {
	if n := s.count(1); int(n) != len(m.funcs) && !s.bad {
		return refuse(RuleInvalid, "%d functions, and code of %d", len(m.funcs), n)
	}
	m.calls = make([]calls, len(m.funcs))
	p := planner{m: m}
	all := uint64(0)
	for i := range m.funcs {
		size := s.u32()
		if size > m.limits.BodyBytes {
			return refuse(RuleBody, "function %d has %d bytes of code, the limit is %d", i, size, m.limits.BodyBytes)
		}
		body := s.sub(size)
		fn := &m.funcs[i]
		fn.at, fn.end = body.at, body.end
		if err := m.locals(i, &body); err != nil {
			return err
		}
		if all += uint64(fn.locals); all > uint64(m.limits.AllLocals) {
			return refuse(RuleLocals, "%d locals in the first %d functions, the limit for all is %d", all, i+1, m.limits.AllLocals)
		}
		fn.code = body.at
		p.fn, p.calls = fn, &m.calls[i]
		if err := p.plan(&body); err != nil {
			return err
		}
		intricate := fn.intricacy()
		if m.intricacy += intricate; m.intricacy > m.limits.Intricacy {
			return refuse(RuleBody, "function %d has %d branches and %d locals: together with those before it, it is %d intricate, the limit is %d",
				i, fn.shape.joins, fn.locals, m.intricacy, m.limits.Intricacy)
		}
	}
	return nil
}

// callIntricacy is what a call adds: it is a few bytes in the module, and much code
// around it for the machine.
const callIntricacy = 4

// bulkCalls is how many calls an instruction that is charged by length is as good
// as: the compiler makes several loops and calls of it.
const bulkCalls = 8

// indirectCalls is how many direct calls one through a table is as good as: it is
// checked in three ways.
const indirectCalls = 3

// intricacy estimates what a function costs the engine's compiler beyond its
// length, in units of some two microseconds: it looks at every place where control
// can come from several others once for each local, and for some purposes once
// for each other such place. Every value that a call or a branch carries is a move,
// and takes part in the allocation of registers.
func (f *function) intricacy() uint64 {
	joins := uint64(f.shape.joins) + uint64(f.shape.targets)/4
	return joins*(uint64(f.locals)+joins/16) + callIntricacy*uint64(f.shape.calls) + 2*f.shape.carried
}

// locals counts what a function declares.
func (m *Module) locals(i int, body *reader) error {
	fn := &m.funcs[i]
	n := uint64(len(m.types[fn.typ].Params))
	for groups := body.count(2); groups > 0 && !body.bad; groups-- {
		n += uint64(body.u32()) // too few sums of 32 bits to overflow
		if t := ValueType(body.byte()); !t.valid() && !body.bad {
			return refuse(RuleFeature, "function %d has a local of type %#x", i, byte(t))
		}
	}
	if n > uint64(m.limits.Locals) {
		return refuse(RuleLocals, "function body %d declares %d locals, the limit is %d", i, n, m.limits.Locals)
	}
	fn.locals = uint32(n)
	return nil
}

// plan reads the code of a function: it checks every index that a rewritten
// module would understand otherwise, and decides where to charge.
func (p *planner) plan(body *reader) error {
	*p = planner{m: p.m, fn: p.fn, calls: p.calls, frames: p.frames[:0], pos: body.at, must: true, site: -1}
	var in instr
	for body.more() {
		if !body.next(&in) {
			return p.refuse(body, &in)
		}
		done, err := p.step(&in)
		if err != nil {
			return err
		}
		if done {
			if body.more() {
				break
			}
			return nil
		}
	}
	return refuse(RuleInvalid, "the function at %#x does not end where its code does", p.fn.at)
}

func (p *planner) refuse(body *reader, in *instr) error {
	if name, ok := features[byte(in.op)]; ok && in.op < 0x100 {
		return refuse(RuleFeature, "%s: opcode %#x at %#x", name, in.op, in.at)
	}
	return refuse(RuleInvalid, "opcode %#x at %#x is unknown or malformed", in.op, in.at)
}

// step takes one instruction, and reports whether it was the function's end.
func (p *planner) step(in *instr) (done bool, err error) {
	if p.cost >= maxPiece {
		p.piece(in.at)
	}
	p.takes(cost(in.op))
	if !p.dead {
		p.fn.shape.values++
	}
	switch in.op {
	case opBlock, opLoop, opIf:
		return false, p.open(in)
	case opElse:
		return false, p.otherwise(in)
	case opEnd:
		return p.close(in), nil
	case opBr, opBrIf:
		wide, err := p.label(in, in.arg)
		if err != nil {
			return false, err
		}
		p.takes(wide)
		p.fn.shape.joins++
		if p.plain && in.op == opBrIf && in.arg == 0 {
			p.again = in.at
		}
		p.branched(in, in.op == opBr)
	case opBrTable:
		p.fn.shape.joins++
		for l := in.labels; l.more(); {
			p.fn.shape.targets++
			if _, err := p.label(in, l.u32()); err != nil {
				return false, err
			}
		}
		wide, err := p.label(in, in.arg)
		if err != nil {
			return false, err
		}
		p.takes(wide) // they are all as wide
		p.branched(in, true)
	case opReturn:
		p.fn.shape.returns = true
		wide, _ := p.label(in, uint32(len(p.frames)))
		p.takes(wide)
		p.branched(in, true)
	case opUnreachable:
		p.branched(in, true)
	case opCall, opCallIndirect, opRefFunc:
		return false, p.call(in)
	case opLocalGet, opLocalSet, opLocalTee:
		if in.op != opLocalGet {
			p.sets++
		}
		return false, p.index(in, "local", in.arg, uint64(p.fn.locals))
	case opGlobalGet, opGlobalSet:
		return false, p.index(in, "global", in.arg, uint64(len(p.m.globals)))
	default:
		p.other(in)
	}
	return false, nil
}

// index refuses what is beyond the n things that the module declares.
func (p *planner) index(in *instr, what string, i uint32, n uint64) error {
	if uint64(i) >= n {
		return refuse(RuleInvalid, "%s %d at %#x, of %d", what, i, in.at, n)
	}
	return nil
}

// label looks at where a branch leads, and returns how many values beyond few it
// carries there.
func (p *planner) label(in *instr, l uint32) (wide uint32, err error) {
	depth := len(p.frames)
	switch err = p.index(in, "label", l, uint64(depth)+1); {
	case err != nil:
	case int(l) < depth:
		f := &p.frames[depth-1-int(l)]
		f.joined, wide = true, f.wide
	default:
		wide = beyondFew(len(p.m.types[p.fn.typ].Results))
	}
	p.fn.shape.carried += uint64(wide)
	return wide, err
}

// takes adds to what the current piece costs.
func (p *planner) takes(units uint32) {
	if !p.dead {
		p.cost += units
	}
}

// call notes who is called, or referred to.
func (p *planner) call(in *instr) error {
	m := p.m
	p.plain = false
	if in.op == opCallIndirect {
		if err := p.index(in, "type", in.arg, uint64(len(m.types))); err != nil {
			return err
		}
		p.calls.types = append(p.calls.types, in.arg)
		p.fn.shape.calls += indirectCalls - 1
	} else if err := p.index(in, "function", in.arg, uint64(m.functions())); err != nil {
		return err
	}
	if in.op == opRefFunc {
		m.take(in.arg)
		return nil
	}
	t := p.callee(in)
	wide := beyondFew(len(t.Params) + len(t.Results))
	p.takes(wide)
	p.fn.shape.carried += uint64(wide)
	p.fn.shape.calls++
	if in.op == opCall {
		if int(in.arg) < len(m.imports) {
			p.takes(costHost - costCall)
		} else {
			p.calls.direct = append(p.calls.direct, in.arg)
		}
	}
	p.leaves()
	return nil
}

// callee returns the type of what is called, which exists.
func (p *planner) callee(in *instr) FuncType {
	if in.op == opCall {
		return p.m.typeOf(in.arg)
	}
	return p.m.types[in.arg]
}

// leaves notes that the counter has to be in its global where the code is.
func (p *planner) leaves() {
	p.fn.shape.callsInLoop = p.fn.shape.callsInLoop || p.looped > 0
}

// other notes what else the writer has to know of.
func (p *planner) other(in *instr) {
	if perLength(in.op) {
		p.plain = false
		p.fn.shape.bulk = true
		p.fn.shape.joins++
		p.fn.shape.calls += bulkCalls
		p.leaves()
	}
	switch in.op {
	case opMemoryInit, opDataDrop:
		p.m.inits, p.m.tampers = true, true
	case opTableSet, opTableGrow, opTableFill, opTableCopy, opTableInit, opElemDrop:
		p.m.tampers = true
	}
}

// perLength reports whether the top of the stack is how much an instruction does.
func perLength(op uint16) bool {
	switch op {
	case opMemoryGrow, opMemoryInit, opMemoryCopy, opMemoryFill, opTableInit, opTableCopy, opTableGrow, opTableFill:
		return true
	}
	return false
}

// open begins a block, loop or if.
func (p *planner) open(in *instr) error {
	wide := uint32(0)
	if in.block >= 0 {
		if err := p.index(in, "type", uint32(in.block), uint64(len(p.m.types))); err != nil {
			return err
		}
		t := &p.m.types[in.block]
		wide = beyondFew(len(t.Results))
		p.fn.shape.carried += uint64(wide)
		if in.op == opLoop {
			wide = beyondFew(len(t.Params))
		}
		p.fn.shape.carried += uint64(beyondFew(len(t.Params)))
		p.takes(beyondFew(len(t.Params)) + beyondFew(len(t.Results)))
	} else if t := ValueType(in.block & 0x7f); t != noResult && !t.valid() {
		return refuse(RuleFeature, "a block of type %#x at %#x", byte(t), in.at)
	}
	if uint32(len(p.frames)) >= p.m.limits.Blocks {
		return refuse(RuleBody, "%d blocks within each other at %#x, the limit is %d", len(p.frames)+1, in.at, p.m.limits.Blocks)
	}
	if in.op != opBlock {
		p.piece(in.end)
	}
	entry := p.site
	if p.must {
		entry = int32(len(p.fn.sites)) // the piece that the block begins in will be this one
	}
	p.frames = append(p.frames, frame{op: byte(in.op), entry: entry, dead: p.dead, sets: p.sets, wide: wide, body: in.end})
	p.plain = in.op == opLoop && in.block == noResult-0x80
	if in.op == opLoop {
		p.fn.shape.loops = true
		p.looped++
		p.must = true
	}
	p.fn.shape.joins++
	return nil
}

// otherwise begins the other arm of an if.
func (p *planner) otherwise(in *instr) error {
	last := len(p.frames) - 1
	if last < 0 || p.frames[last].op != opIf {
		return refuse(RuleInvalid, "an else at %#x without its if", in.at)
	}
	p.piece(in.end)
	f := &p.frames[last]
	f.op = opElse
	p.site, p.dead = f.entry, f.dead
	return nil
}

// close ends a block, and reports whether it was the function itself.
func (p *planner) close(in *instr) bool {
	p.piece(in.end)
	last := len(p.frames) - 1
	if last < 0 {
		return true
	}
	f := p.frames[last]
	p.frames = p.frames[:last]
	if f.op == opLoop {
		p.looped--
		p.unroll(&f, in.at)
	}
	merged := uint32(0)
	if f.joined || f.op == opIf || f.op == opElse {
		merged = min(p.fn.locals, p.sets-f.sets)
		p.fn.shape.merged += uint64(merged)
	}
	p.site, p.dead = f.entry, f.dead
	if f.op != opLoop {
		p.takes(beyondFew(int(merged))) // each way here moves them to where they are one
	}
	return false
}

// unroll notes that the loop that ends at pos is tight, if it is.
func (p *planner) unroll(f *frame, pos int) {
	const brIf = 2 // bytes of the branch back, written as short as it can be
	size := p.again - f.body
	if p.dead || p.again+brIf != pos || size <= 0 || size > maxTight || p.m.unrolled == maxUnroll {
		return
	}
	s := &p.fn.sites[len(p.fn.sites)-1]
	if s.pos != f.body {
		return
	}
	p.m.unrolled++
	s.tight = uint32(size)
	s.cost *= unrolled
	p.fn.shape.values += (unrolled - 1) * s.tight
	p.fn.shape.joins += unrolled
	p.fn.shape.merged += uint64(min(p.fn.locals, p.sets-f.sets))
}

// branched ends a piece of code that may have gone elsewhere, or always does.
func (p *planner) branched(in *instr, always bool) {
	p.plain = false
	p.piece(in.end)
	p.dead = p.dead || always
}

// piece ends the current piece of code, decides which site its cost belongs to,
// and begins the next one at pos.
func (p *planner) piece(pos int) {
	sites := p.fn.sites
	switch {
	case p.dead:
	case p.must, p.cost >= minOwn, p.cost > 0 && sites[p.site].borrowed+p.cost > maxBorrowed:
		p.site = int32(len(sites))
		p.fn.sites = append(sites, site{pos: p.pos, cost: p.cost})
	default:
		sites[p.site].cost += p.cost
		sites[p.site].borrowed += p.cost
	}
	p.pos, p.cost, p.must = pos, 0, false
}

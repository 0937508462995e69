package meter

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// What a rewritten module imports and exports besides what it did before. A
// module whose own exports begin like this is refused, so none of it can be the
// guest's.
const (
	reservedPrefix = "wherry:"

	ImportModule = "wherry:meter" // the module that Refill is imported from
	ImportRefill = "refill"       // (left: i64) -> i64, see Refill
	ExportStart  = "wherry:start" // the start function, metered as the other exports are
	ExportFuel   = "wherry:fuel"  // the global of what is left, an i64
	ExportSave   = "wherry:save"  // () -> the mutable globals
	ExportLoad   = "wherry:load"  // the mutable globals -> ()
)

// StackUsedUp is the argument of refill when the guest has used up its stack
// instead of its fuel. The host has to trap it.
const StackUsedUp = -1 << 63

func reserved(name string) bool {
	return len(name) >= len(reservedPrefix) && name[:len(reservedPrefix)] == reservedPrefix
}

// A Config says how to rewrite a module.
type Config struct {
	// Entries names the exported functions that the host calls. Each gets one
	// parameter more, the fuel that it may use, and one result more, what is
	// left of it; both are i64, and the last.
	Entries []string
	// StackBytes is how much stack recursion may take up in one call of the host,
	// as estimated. (1 MiB)
	StackBytes uint32
	// Unmetered leaves out everything that counts. It is for measuring what
	// counting costs.
	Unmetered bool
}

// A Program is a rewritten module, and what the host has to do for an instance
// of it.
type Program struct {
	Wasm   []byte
	Data   []Segment // to be put into the memory, in order, before anything runs
	Starts bool      // ExportStart is to be called then
	// Snapshots reports whether memory and mutable globals are all the state of
	// an instance, so that another one can start from a copy of them. Globals is
	// how many there are, by ExportSave.
	Snapshots bool
	Globals   int
}

// extras are the indices of what Rewrite adds.
type extras struct {
	refill, more          uint32   // functions
	bytes, pages, entries uint32   // and those that charge for so many
	fuel, stack           uint32   // globals
	thunks                []uint32 // functions that stand for imported ones in references, by import; nil if there are none
	blockTypes            []int64
}

// An added function.
type added struct {
	typ  uint32
	code []byte // locals included
	name string
}

// A rewriter writes the sections.
type rewriter struct {
	m          *Module
	cfg        Config
	x          extras
	types      []FuncType // behind the module's own
	refillType uint32
	added      []added
	extern     []Export // in the rewritten module's indices
	state      []uint32 // its mutable globals
	out        []byte
}

// Rewrite writes m anew. It takes linear time, and memory in proportion to the
// module.
func (m *Module) Rewrite(cfg Config) Program {
	if cfg.StackBytes == 0 {
		cfg.StackBytes = 1 << 20
	}
	w := &rewriter{m: m, cfg: cfg, out: append([]byte(nil), preamble...)}
	w.prepare()
	w.typeSection()
	w.importSection()
	w.functionSection()
	w.tableSection()
	w.memorySection()
	w.globalSection()
	w.exportSection()
	w.elementSection()
	w.codeSection()
	p := Program{Starts: m.starts, Snapshots: w.snapshots(), Globals: len(w.state)}
	p.Data = w.dataSection()
	w.nameSection()
	p.Wasm = w.out
	return p
}

// maxState is how many mutable globals an instance can be copied with: they are
// all on the stack at once.
const maxState = 256

// snapshots reports whether memory and globals are all of an instance's state.
func (w *rewriter) snapshots() bool {
	return w.m.memory && !w.m.tampers && len(w.state) <= maxState &&
		!slices.ContainsFunc(w.state, func(i uint32) bool { t := w.m.globals[i].typ; return t.isRef() || t == V128 })
}

// prepare decides on every index, and makes the functions that are added.
func (w *rewriter) prepare() {
	m := w.m
	w.x.refill = uint32(len(m.imports))
	w.x.fuel = uint32(len(m.globals))
	w.x.stack = w.x.fuel + 1
	for i, g := range m.globals {
		if g.mutable == 1 {
			w.state = append(w.state, uint32(i))
		}
	}
	w.blockTypes()
	w.refillType = w.typ(FuncType{Params: []ValueType{I64}, Results: []ValueType{I64}})
	w.helpers()
	w.thunks()
	for _, e := range m.Exports {
		if e.Kind == Function {
			e.index = m.shifted(e.index)
			if slices.Contains(w.cfg.Entries, e.Name) {
				e.index = w.entry(e)
			}
		}
		w.extern = append(w.extern, e)
	}
	if m.starts {
		start := Export{Name: ExportStart, Type: m.typeOf(m.start), index: m.shifted(m.start)}
		start.index = w.entry(start)
		w.extern = append(w.extern, start)
	}
	w.extern = append(w.extern, Export{Name: ExportFuel, Kind: Global, index: w.x.fuel})
	if w.snapshots() {
		w.saving()
	}
}

// typ returns the index of a function type that is added.
func (w *rewriter) typ(t FuncType) uint32 {
	for i, have := range w.types {
		if slices.Equal(have.Params, t.Params) && slices.Equal(have.Results, t.Results) {
			return uint32(len(w.m.types) + i)
		}
	}
	w.types = append(w.types, t)
	return uint32(len(w.m.types) + len(w.types) - 1)
}

// blockTypes finds, for every type of function, the type of a block around its
// code.
func (w *rewriter) blockTypes() {
	w.x.blockTypes = make([]int64, len(w.m.types))
	several := make(map[string]int64) // of those with more than one result
	for i, t := range w.m.types {
		switch len(t.Results) {
		case 0:
			w.x.blockTypes[i] = noResult - 0x80
		case 1:
			w.x.blockTypes[i] = int64(t.Results[0]) - 0x80
		default:
			block := FuncType{Results: t.Results}
			key := typeKey(block)
			if _, ok := several[key]; !ok {
				several[key] = int64(len(w.m.types) + len(w.types))
				w.types = append(w.types, block)
			}
			w.x.blockTypes[i] = several[key]
		}
	}
}

// add appends a function, and returns its index.
func (w *rewriter) add(t FuncType, name string, code []byte) uint32 {
	w.added = append(w.added, added{w.typ(t), code, name})
	return w.lastAdded()
}

// helpers adds what metered code calls where fuel is used up or depends on a
// length.
func (w *rewriter) helpers() {
	x := &w.x
	e := emitter{x: *x, out: []byte{0}}
	e.op(opGlobalGet, x.fuel)
	e.op(opCall, x.refill)
	e.op(opGlobalSet, x.fuel)
	e.out = append(e.out, opEnd)
	x.more = w.add(FuncType{}, "wherry:more", e.out)

	length := func(name string, shift int64) uint32 {
		e := emitter{x: *x, out: []byte{0}}
		e.op(opGlobalGet, x.fuel)
		e.op(opLocalGet, 0)
		e.out = append(e.out, opI64ExtendU)
		e.i64(shift)
		e.out = append(e.out, opI64ShrU)
		e.settle()
		e.out = append(e.out, opEnd)
		return w.add(FuncType{Params: []ValueType{I32}}, name, e.out)
	}
	x.bytes = length("wherry:bytes", 2) // memory that is not in a cache is as slow as that
	x.entries = length("wherry:entries", 0)
	x.pages = w.pages()
}

// pages adds the function that charges for memory to be grown: to touch a page for the
// first time takes the system that long. Nothing is charged for what is more than there
// can be, which the instruction refuses.
func (w *rewriter) pages() uint32 {
	e := emitter{x: w.x, out: []byte{0}}
	e.op(opGlobalGet, w.x.fuel)
	e.op(opLocalGet, 0)
	e.out = append(e.out, opI64ExtendU)
	e.i64(costPageBits)
	e.out = append(e.out, opI64Shl)
	e.i64(0)
	e.op(opLocalGet, 0)
	e.i32(int32(w.m.Max))
	e.out = append(e.out, opI32LeU, opSelect)
	e.settle()
	e.out = append(e.out, opEnd)
	return w.add(FuncType{Params: []ValueType{I32}}, "wherry:pages", e.out)
}

// thunks adds, for each imported function that a reference may lead to, one that
// charges for the call as a direct one is charged: who calls by a reference does
// not know whom.
func (w *rewriter) thunks() {
	m := w.m
	if w.cfg.Unmetered || !slices.Contains(m.taken[:min(len(m.taken), len(m.imports))], true) {
		return
	}
	w.x.thunks = make([]uint32, len(m.imports))
	for i, typ := range m.imports {
		if !m.taken[i] {
			continue
		}
		e := emitter{x: w.x, out: []byte{0}}
		e.op(opGlobalGet, w.x.fuel)
		e.i64(costHost - costIndirect)
		e.settle()
		for p := range m.types[typ].Params {
			e.op(opLocalGet, uint32(p))
		}
		e.op(opCall, uint32(i))
		w.added = append(w.added, added{typ, append(e.out, opEnd), "wherry:hostcall"})
		w.x.thunks[i] = w.lastAdded()
	}
}

// lastAdded returns the index of the function that was added last.
func (w *rewriter) lastAdded() uint32 {
	return w.m.shifted(w.m.functions()) + uint32(len(w.added)) - 1
}

// reference returns the index of the function that a reference to fn leads to in
// the rewritten module.
func (x *extras) reference(m *Module, fn uint32) uint32 {
	if uint64(fn) < uint64(len(x.thunks)) {
		return x.thunks[fn]
	}
	return m.shifted(fn)
}

// entry adds the function that the host calls in place of an export.
func (w *rewriter) entry(of Export) uint32 {
	t := FuncType{
		Params:  append(slices.Clone(of.Type.Params), I64),
		Results: append(slices.Clone(of.Type.Results), I64),
	}
	fuel := uint32(len(of.Type.Params))
	e := emitter{out: []byte{0}}
	e.op(opLocalGet, fuel)
	e.op(opGlobalSet, w.x.fuel)
	e.i32(int32(w.cfg.StackBytes))
	e.op(opGlobalSet, w.x.stack)
	for i := range fuel {
		e.op(opLocalGet, i)
	}
	e.op(opCall, of.index)
	e.op(opGlobalGet, w.x.fuel)
	e.out = append(e.out, opEnd)
	return w.add(t, of.Name, e.out)
}

// saving adds the functions that read and write the mutable globals.
func (w *rewriter) saving() {
	types := make([]ValueType, len(w.state))
	save, load := emitter{out: []byte{0}}, emitter{out: []byte{0}}
	for i, g := range w.state {
		types[i] = w.m.globals[g].typ
		save.op(opGlobalGet, g)
		load.op(opLocalGet, uint32(i))
		load.op(opGlobalSet, g)
	}
	w.extern = append(w.extern,
		Export{Name: ExportSave, index: w.add(FuncType{Results: types}, ExportSave, append(save.out, opEnd))},
		Export{Name: ExportLoad, index: w.add(FuncType{Params: types}, ExportLoad, append(load.out, opEnd))})
}

// section appends a section, unless it has nothing in it.
func (w *rewriter) section(id byte, count int, content []byte) {
	if count == 0 {
		return
	}
	b := append(appendU32(nil, uint32(count)), content...)
	w.out = appendSized(append(w.out, id), b)
}

func (w *rewriter) typeSection() {
	b := append([]byte(nil), w.m.wasm[w.m.rawType.at:w.m.rawType.end]...)
	for _, t := range w.types {
		b = append(b, 0x60)
		b = appendTypes(b, t.Params)
		b = appendTypes(b, t.Results)
	}
	w.section(sectionType, len(w.m.types)+len(w.types), b)
}

func appendTypes(b []byte, types []ValueType) []byte {
	b = appendU32(b, uint32(len(types)))
	for _, t := range types {
		b = append(b, byte(t))
	}
	return b
}

func (w *rewriter) importSection() {
	var b []byte
	for i, im := range w.m.Imports {
		b = appendName(appendName(b, im.Module), im.Name)
		b = appendU32(append(b, byte(Function)), w.m.imports[i])
	}
	b = appendName(appendName(b, ImportModule), ImportRefill)
	b = appendU32(append(b, byte(Function)), w.refillType)
	w.section(sectionImport, len(w.m.Imports)+1, b)
}

func (w *rewriter) functionSection() {
	var b []byte
	for i := range w.m.funcs {
		b = appendU32(b, w.m.funcs[i].typ)
	}
	for _, a := range w.added {
		b = appendU32(b, a.typ)
	}
	w.section(sectionFunction, len(w.m.funcs)+len(w.added), b)
}

// tableSection writes tables that end at the limit, whatever they declare.
func (w *rewriter) tableSection() {
	var b []byte
	for _, t := range w.m.tables {
		b = append(b, byte(t.elem), 1)
		b = appendU32(appendU32(b, t.min), t.max)
	}
	w.section(sectionTable, len(w.m.tables), b)
}

func (w *rewriter) memorySection() {
	if w.m.memory {
		w.section(sectionMemory, 1, appendU32(appendU32([]byte{1}, w.m.Min), w.m.Max))
	}
}

func (w *rewriter) globalSection() {
	var b []byte
	for _, g := range w.m.globals {
		b = w.constant(append(b, byte(g.typ), g.mutable), &g.init)
	}
	b = append(b, byte(I64), 1, opI64Const, 0, opEnd) // fuel
	b = append(b, byte(I32), 1, opI32Const, 0, opEnd) // stack
	w.section(sectionGlobal, len(w.m.globals)+2, b)
}

// constant appends a constant expression.
func (w *rewriter) constant(b []byte, e *expr) []byte {
	if e.isFunc {
		return append(appendU32(append(b, opRefFunc), w.x.reference(w.m, e.fn)), opEnd)
	}
	return append(b, w.m.wasm[e.at:e.end]...)
}

func (w *rewriter) exportSection() {
	var b []byte
	for _, e := range w.extern {
		b = appendU32(append(appendName(b, e.Name), byte(e.Kind)), e.index)
	}
	w.section(sectionExport, len(w.extern), b)
}

func (w *rewriter) elementSection() {
	var b []byte
	for i := range w.m.elems {
		e := &w.m.elems[i]
		b = appendU32(b, e.flags)
		if e.flags&1 == 0 {
			if e.flags&2 != 0 {
				b = appendU32(b, e.table)
			}
			b = w.constant(b, &e.offset)
		}
		if e.flags&3 != 0 {
			b = append(b, e.kind)
		}
		b = appendU32(b, uint32(len(e.funcs)+len(e.exprs)))
		for _, fn := range e.funcs {
			b = appendU32(b, w.x.reference(w.m, fn))
		}
		for j := range e.exprs {
			b = w.constant(b, &e.exprs[j])
		}
	}
	count := len(w.m.elems)
	if funcs := w.declared(); len(funcs) > 0 {
		const declarative, functions = 3, 0
		b = appendU32(append(b, declarative, functions), uint32(len(funcs)))
		for _, fn := range funcs {
			b = appendU32(b, fn)
		}
		count++
	}
	w.section(sectionElement, count, b)
}

// declared returns the functions that code may refer to because they are exported:
// the exports lead to others now.
func (w *rewriter) declared() (funcs []uint32) {
	for _, e := range w.m.Exports {
		if e.Kind == Function && uint64(e.index) < uint64(len(w.m.taken)) && w.m.taken[e.index] {
			funcs = append(funcs, w.x.reference(w.m, e.index))
		}
	}
	return funcs
}

func (w *rewriter) codeSection() {
	if w.m.inits {
		w.out = appendSized(append(w.out, sectionDataCount), appendU32(nil, w.m.dataCount))
	}
	e := emitter{m: w.m, x: w.x, g: newGraph(w.m), unmetered: w.cfg.Unmetered}
	b := make([]byte, 0, len(w.m.wasm))
	for i := range w.m.funcs {
		b = e.body(b, i)
	}
	for _, a := range w.added {
		b = appendSized(b, a.code)
	}
	w.section(sectionCode, len(w.m.funcs)+len(w.added), b)
}

// dataSection leaves active data to the host. Where the code can name segments
// their indices have to stay, and they stay where they are.
func (w *rewriter) dataSection() (segments []Segment) {
	if !w.m.inits {
		for i := range w.m.data {
			d := &w.m.data[i]
			if d.flags != 1 {
				segments = append(segments, Segment{uint32(d.offset.i32), w.m.wasm[d.bytes.at:d.bytes.end]})
			}
		}
		return segments
	}
	var b []byte
	for i := range w.m.data {
		d := &w.m.data[i]
		if d.flags == 1 {
			b = append(b, 1)
		} else {
			b = append(append(b, 0), w.m.wasm[d.offset.at:d.offset.end]...)
		}
		b = appendSized(b, w.m.wasm[d.bytes.at:d.bytes.end])
	}
	w.section(sectionData, len(w.m.data), b)
	return nil
}

// maxNames is how many bytes the names of functions may have together, and
// maxName how many one.
const (
	maxNames = 4 << 20
	maxName  = 256
)

// nameSection writes the names of functions, for the stack of a trap. What is not
// UTF-8 has no name.
func (w *rewriter) nameSection() {
	var b []byte
	r := w.m.names
	count, before := 0, -1
	for n := r.count(2); n > 0 && len(b) < maxNames; n-- {
		fn, name := r.u32(), r.name()
		if r.bad || int64(fn) <= int64(before) || fn >= w.m.functions() {
			break
		}
		before = int(fn)
		if !utf8.Valid(name) {
			continue
		}
		if len(name) > maxName {
			name = []byte(strings.ToValidUTF8(string(name[:maxName]), ""))
		}
		b = appendSized(appendU32(b, w.m.shifted(fn)), name)
		count++
	}
	for i, a := range w.added {
		b = appendName(appendU32(b, w.m.shifted(w.m.functions())+uint32(i)), a.name)
		count++
	}
	functions := append(appendU32(nil, uint32(count)), b...)
	content := appendName(nil, "name")
	content = appendSized(append(content, 1), functions)
	w.out = appendSized(append(w.out, sectionCustom), content)
}

package meter

import "unicode/utf8"

// Sections of the binary format (5.5).
const (
	sectionCustom = iota
	sectionType
	sectionImport
	sectionFunction
	sectionTable
	sectionMemory
	sectionGlobal
	sectionExport
	sectionStart
	sectionElement
	sectionCode
	sectionData
	sectionDataCount
	sectionTag
)

// sectionNames are for errors.
var sectionNames = [...]string{
	"custom", "type", "import", "function", "table", "memory", "global", "export",
	"start", "element", "code", "data", "data count", "tag",
}

// sectionOrder is where each section stands; the data count is before the code.
var sectionOrder = [...]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10, 0}

// A Kind is what an import or an export is.
type Kind byte

// The kinds.
const (
	Function Kind = iota
	Table
	Memory
	Global
	tag
)

var kindNames = [...]string{"function", "table", "memory", "global", "tag"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown kind"
}

// A ValueType is the type of a value, as it is in the binary format.
type ValueType byte

// The types.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

func (t ValueType) valid() bool { return t >= V128 && t <= I32 || t.isRef() }
func (t ValueType) isRef() bool { return t == FuncRef || t == ExternRef }

// A FuncType is the type of a function. The slices are views into the module.
type FuncType struct{ Params, Results []ValueType }

// An Import is a function that a module imports.
type Import struct {
	Module, Name string
	Type         FuncType
}

// An Export is what a module exports.
type Export struct {
	Name string
	Kind Kind
	Type FuncType // of a function

	index uint32
}

// A Segment is initial data that the host puts into the memory of an instance.
type Segment struct {
	Offset uint32
	Bytes  []byte // a view into the module
}

// A Module is a module that was taken apart. It keeps views into the bytes that
// it was decoded from, which must not change while it is used.
type Module struct {
	Imports  []Import
	Exports  []Export
	Min, Max uint32 // of its memory, in pages of 64 KiB; Max is within the limit

	wasm    []byte
	limits  Limits
	types   []FuncType
	rawType reader   // the type section's items
	imports []uint32 // their types
	funcs   []function
	tables  []table
	memory  bool
	globals []global
	start   uint32
	starts  bool
	elems   []element
	data    []data
	names   reader // the function names' items; nothing if there are none

	counted   bool // it has a data count section
	dataCount uint32
	inits     bool    // its code may name data segments
	tampers   bool    // its code may change tables, or drop segments
	taken     []bool  // functions that a table or a reference may lead to
	calls     []calls // of each function of its own
	intricacy uint64  // of all functions
	unrolled  int     // tight loops, so far
}

// A function of the module's own. Its body is [at, end) of the module, from its
// local declarations on.
type function struct {
	typ     uint32
	at, end int
	locals  uint32 // parameters included
	sites   []site
	code    int // where its instructions begin
	shape   shape
}

// A table, with its type and its limits.
type table struct {
	elem     ValueType
	min, max uint32
	bounded  bool // it declares max
}

type global struct {
	typ     ValueType
	mutable byte
	init    expr
}

// An expr is a constant expression: [at, end) of the module with its end opcode,
// or a reference to a function, whose index changes.
type expr struct {
	at, end int
	isFunc  bool
	fn      uint32
	isI32   bool
	i32     int32
}

// An element segment.
type element struct {
	flags  uint32 // as in the binary format: passive 1, explicit index or declarative 2, expressions 4
	table  uint32
	offset expr
	kind   byte // the element kind, or the reference type with expressions
	funcs  []uint32
	exprs  []expr
}

// A data segment.
type data struct {
	flags  uint32
	offset expr
	bytes  reader
}

const preamble = "\x00asm\x01\x00\x00\x00"

// Decode takes a module apart. It takes linear time, and memory in proportion to
// wasm, of which it keeps views. The error is an [*Error].
//
// What it does not look at is whether instructions get operands of the types
// that they need: that is left to the engine, and not changed by Rewrite.
func Decode(wasm []byte, limits Limits) (*Module, error) {
	if len(wasm) < len(preamble) || string(wasm[:len(preamble)]) != preamble {
		return nil, refuse(RuleInvalid, "no WebAssembly 1 preamble in %d bytes", len(wasm))
	}
	m := &Module{wasm: wasm, limits: limits.withDefaults()}
	r := reader{b: wasm, at: len(preamble), end: len(wasm)}
	last := 0
	for r.more() {
		at := r.at
		id := r.byte()
		s := r.sub(r.u32())
		switch {
		case r.bad:
			return nil, refuse(RuleInvalid, "section %d at %#x ends beyond the module's %d bytes", id, at, len(wasm))
		case id == sectionTag:
			return nil, refuse(RuleFeature, "exception handling: a tag section at %#x", at)
		case id > sectionTag:
			return nil, refuse(RuleInvalid, "unknown section %d at %#x", id, at)
		case id != sectionCustom && sectionOrder[id] <= last:
			return nil, refuse(RuleInvalid, "the %s section at %#x is out of order", sectionNames[id], at)
		}
		if id != sectionCustom {
			last = sectionOrder[id]
		}
		if err := m.section(id, &s); err != nil {
			return nil, err
		}
		if s.bad || s.more() {
			return nil, refuse(RuleInvalid, "the %s section at %#x is malformed", sectionNames[id], at)
		}
	}
	return m, m.check()
}

// section reads one section. What is left of it, or that it was too short, is
// for the caller to report.
func (m *Module) section(id byte, s *reader) error {
	switch id {
	case sectionCustom:
		return m.customSection(s)
	case sectionType:
		return m.typeSection(s)
	case sectionImport:
		return m.importSection(s)
	case sectionFunction:
		return m.functionSection(s)
	case sectionTable:
		return m.tableSection(s)
	case sectionMemory:
		return m.memorySection(s)
	case sectionGlobal:
		return m.globalSection(s)
	case sectionExport:
		return m.exportSection(s)
	case sectionStart:
		m.start, m.starts = s.u32(), true
		return nil
	case sectionElement:
		return m.elementSection(s)
	case sectionDataCount:
		m.dataCount, m.counted = s.u32(), true
		return nil
	case sectionCode:
		return m.codeSection(s)
	}
	return m.dataSection(s)
}

// check looks at what only the whole module shows.
func (m *Module) check() error {
	for i := range m.funcs {
		if m.funcs[i].end == 0 {
			return refuse(RuleInvalid, "%d functions and no code", len(m.funcs))
		}
	}
	if m.starts {
		if m.start >= m.functions() {
			return refuse(RuleInvalid, "the start function is %d, of %d", m.start, m.functions())
		}
		if t := m.typeOf(m.start); len(t.Params)+len(t.Results) > 0 {
			return refuse(RuleInvalid, "the start function has parameters or results")
		}
	}
	if m.counted && int(m.dataCount) != len(m.data) {
		return refuse(RuleInvalid, "%d data segments are announced, and there are %d", m.dataCount, len(m.data))
	}
	if m.inits && !m.counted {
		return refuse(RuleInvalid, "the code names data segments, and their count is not announced")
	}
	return nil
}

// functions returns how many there are, imported ones included.
func (m *Module) functions() uint32 { return uint32(len(m.imports) + len(m.funcs)) }

// typeOf returns the type of function i, which must exist.
func (m *Module) typeOf(i uint32) FuncType {
	if int(i) < len(m.imports) {
		return m.types[m.imports[i]]
	}
	return m.types[m.funcs[int(i)-len(m.imports)].typ]
}

func (m *Module) limit(what string, n, most uint32) error {
	if n > most {
		return refuse(RuleCount, "%d %s, the limit is %d", n, what, most)
	}
	return nil
}

func (m *Module) typeSection(s *reader) error {
	n := s.count(3)
	if err := m.limit("types", n, m.limits.Types); err != nil {
		return err
	}
	m.rawType = *s
	m.types = make([]FuncType, 0, n)
	for i := uint32(0); i < n && !s.bad; i++ {
		if form := s.byte(); form != 0x60 && !s.bad {
			return refuse(RuleFeature, "garbage collection: type %d is of form %#x", i, form)
		}
		var t FuncType
		var err error
		if t.Params, err = m.valueTypes(s); err != nil {
			return err
		}
		if t.Results, err = m.valueTypes(s); err != nil {
			return err
		}
		m.types = append(m.types, t)
	}
	return nil
}

func (m *Module) valueTypes(s *reader) ([]ValueType, error) {
	n := s.count(1)
	if err := m.limit("parameters or results", n, m.limits.Params); err != nil {
		return nil, err
	}
	b := s.bytes(n)
	types := make([]ValueType, len(b))
	for i, t := range b {
		if types[i] = ValueType(t); !types[i].valid() {
			return nil, refuse(RuleFeature, "a value type %#x", t)
		}
	}
	return types, nil
}

func (m *Module) importSection(s *reader) error {
	n := s.count(4)
	if err := m.limit("imports", n, m.limits.Imports); err != nil {
		return err
	}
	for i := uint32(0); i < n && !s.bad; i++ {
		module, name := s.name(), s.name()
		kind := Kind(s.byte())
		if s.bad {
			return nil
		}
		if kind != Function {
			return refuse(RuleImport, "import %d, %s %.64q of module %.64q", i, kind, name, module)
		}
		t := s.u32()
		if err := m.checkType(t); err != nil {
			return err
		}
		if !utf8.Valid(module) || !utf8.Valid(name) {
			return refuse(RuleInvalid, "import %d has a name that is not UTF-8", i)
		}
		m.imports = append(m.imports, t)
		m.Imports = append(m.Imports, Import{string(module), string(name), m.types[t]})
	}
	return nil
}

func (m *Module) checkType(t uint32) error {
	if uint64(t) >= uint64(len(m.types)) {
		return refuse(RuleInvalid, "function type %d, of %d", t, len(m.types))
	}
	return nil
}

func (m *Module) functionSection(s *reader) error {
	n := s.count(1)
	if err := m.limit("functions", n, m.limits.Functions); err != nil {
		return err
	}
	m.funcs = make([]function, n)
	for i := range m.funcs {
		m.funcs[i].typ = s.u32()
		if err := m.checkType(m.funcs[i].typ); err != nil {
			return err
		}
	}
	return nil
}

// sizes reads the limits of a table or a memory.
func sizes(s *reader) (least, most uint32, bounded bool, flags byte) {
	flags = s.byte()
	least = s.u32()
	if flags&1 != 0 {
		most = s.u32()
	}
	return least, most, flags&1 != 0, flags
}

func (m *Module) tableSection(s *reader) error {
	n := s.count(3)
	if err := m.limit("tables", n, m.limits.Tables); err != nil {
		return err
	}
	for i := range n {
		var t table
		var flags byte
		t.elem = ValueType(s.byte())
		t.min, t.max, t.bounded, flags = sizes(s)
		switch {
		case s.bad:
			return nil
		case !t.elem.isRef() || flags > 1:
			return refuse(RuleFeature, "table %d of type %#x with flags %#x", i, byte(t.elem), flags)
		case t.min > m.limits.TableEntries:
			return refuse(RuleTable, "table %d starts with %d entries, the limit is %d", i, t.min, m.limits.TableEntries)
		case t.bounded && t.max < t.min:
			return refuse(RuleInvalid, "table %d starts with %d entries, and has %d at most", i, t.min, t.max)
		}
		if !t.bounded || t.max > m.limits.TableEntries {
			t.max = m.limits.TableEntries
		}
		m.tables = append(m.tables, t)
	}
	return nil
}

func (m *Module) memorySection(s *reader) error {
	n := s.u32()
	if n > 1 {
		return refuse(RuleMemories, "%d memories, the limit is 1", n)
	}
	if n == 0 || s.bad {
		return nil
	}
	least, most, bounded, flags := sizes(s)
	switch {
	case s.bad:
		return nil
	case flags&2 != 0:
		return refuse(RuleFeature, "threads: a shared memory")
	case flags&4 != 0:
		return refuse(RuleFeature, "memory64: a memory with addresses of 64 bits")
	case flags > 1:
		return refuse(RuleFeature, "a memory with flags %#x", flags)
	case least > m.limits.MemoryPages:
		return refuse(RuleMemory, "starts with %d pages, the limit is %d", least, m.limits.MemoryPages)
	case bounded && (most < least || most > 1<<16):
		return refuse(RuleInvalid, "a memory of %d to %d pages", least, most)
	}
	if !bounded || most > m.limits.MemoryPages {
		most = m.limits.MemoryPages
	}
	m.memory, m.Min, m.Max = true, least, most
	return nil
}

func (m *Module) globalSection(s *reader) error {
	n := s.count(4)
	if err := m.limit("globals", n, m.limits.Globals); err != nil {
		return err
	}
	for i := uint32(0); i < n && !s.bad; i++ {
		g := global{typ: ValueType(s.byte()), mutable: s.byte()}
		if !s.bad && (!g.typ.valid() || g.mutable > 1) {
			return refuse(RuleFeature, "global %d of type %#x with flags %#x", i, byte(g.typ), g.mutable)
		}
		var err error
		if g.init, err = m.constant(s); err != nil {
			return err
		}
		m.globals = append(m.globals, g)
	}
	return nil
}

// constant reads a constant expression. What it may be is one instruction: there
// are no imported globals that it could get, and arithmetic is an extension.
func (m *Module) constant(s *reader) (expr, error) {
	e := expr{at: s.at}
	switch op := s.byte(); op {
	case opI32Const:
		e.i32, e.isI32 = int32(s.s64(32)), true
	case opI64Const:
		s.s64(64)
	case opF32Const:
		s.bytes(4)
	case opF64Const:
		s.bytes(8)
	case opRefNull:
		s.byte()
	case opRefFunc:
		e.fn, e.isFunc = s.u32(), true
		if !s.bad && e.fn >= m.functions() {
			return e, refuse(RuleInvalid, "a reference to function %d, of %d", e.fn, m.functions())
		}
		m.take(e.fn)
	case opVector:
		if sub := s.u32(); sub != 12 {
			s.fail()
		}
		s.bytes(16)
	default:
		if !s.bad {
			return e, refuse(RuleInvalid, "a constant expression with opcode %#x at %#x", op, s.at-1)
		}
	}
	if s.byte() != opEnd && !s.bad {
		return e, refuse(RuleFeature, "extended constant expressions: at %#x", e.at)
	}
	e.end = s.at
	return e, nil
}

// take notes that a function can be reached by reference.
func (m *Module) take(fn uint32) {
	if m.taken == nil {
		m.taken = make([]bool, m.functions())
	}
	if int(fn) < len(m.taken) {
		m.taken[fn] = true
	}
}

func (m *Module) exportSection(s *reader) error {
	n := s.count(3)
	if err := m.limit("exports", n, m.limits.Exports); err != nil {
		return err
	}
	names := make(map[string]bool, n)
	for i := uint32(0); i < n && !s.bad; i++ {
		name := s.name()
		e := Export{Name: string(name), Kind: Kind(s.byte()), index: s.u32()}
		if s.bad {
			return nil
		}
		if !utf8.Valid(name) {
			return refuse(RuleInvalid, "export %d has a name that is not UTF-8", i)
		}
		if reserved(e.Name) {
			return refuse(RuleExportTwo, "export %d, %.64q: names that begin with %q are the host's", i, name, reservedPrefix)
		}
		var there uint32
		switch e.Kind {
		case Function:
			if there = m.functions(); e.index < there {
				e.Type = m.typeOf(e.index)
			}
		case Table:
			there = uint32(len(m.tables))
		case Memory:
			if m.memory {
				there = 1
			}
		case Global:
			there = uint32(len(m.globals))
		}
		if e.index >= there {
			return refuse(RuleInvalid, "export %d, %.64q, is %s %d, of %d", i, name, e.Kind, e.index, there)
		}
		if names[e.Name] {
			return refuse(RuleInvalid, "export %d, %.64q, is there twice", i, name)
		}
		names[e.Name] = true
		m.Exports = append(m.Exports, e)
	}
	return nil
}

func (m *Module) elementSection(s *reader) error {
	n := s.count(2)
	if err := m.limit("element segments", n, m.limits.Elements); err != nil {
		return err
	}
	all := uint64(0)
	for i := uint32(0); i < n && !s.bad; i++ {
		e := element{flags: s.u32(), kind: byte(FuncRef)}
		if e.flags > 7 {
			s.fail()
			return nil
		}
		active, explicit, exprs := e.flags&1 == 0, e.flags&2 != 0, e.flags&4 != 0
		if active {
			if explicit {
				e.table = s.u32()
			}
			if !s.bad && uint64(e.table) >= uint64(len(m.tables)) {
				return refuse(RuleInvalid, "element segment %d is of table %d, of %d", i, e.table, len(m.tables))
			}
			var err error
			if e.offset, err = m.constant(s); err != nil {
				return err
			}
		}
		if !active || explicit {
			e.kind = s.byte()
		}
		count := s.count(1)
		if all += uint64(count); all > uint64(m.limits.TableEntries)*4 {
			return refuse(RuleTable, "element segments of %d entries, the limit is %d", all, m.limits.TableEntries*4)
		}
		for range count {
			if exprs {
				x, err := m.constant(s)
				if err != nil {
					return err
				}
				e.exprs = append(e.exprs, x)
				continue
			}
			fn := s.u32()
			if !s.bad && fn >= m.functions() {
				return refuse(RuleInvalid, "element segment %d has function %d, of %d", i, fn, m.functions())
			}
			m.take(fn)
			e.funcs = append(e.funcs, fn)
		}
		if least := uint64(0); active && !s.bad && e.offset.isI32 {
			// The engine would drop it, and all that come behind it, in silence.
			least = uint64(uint32(e.offset.i32)) + uint64(count)
			if t := &m.tables[e.table]; least > uint64(t.min) {
				return refuse(RuleInvalid, "element segment %d is out of bounds: it ends at %d, table %d has %d entries", i, least, e.table, t.min)
			}
		}
		m.elems = append(m.elems, e)
	}
	return nil
}

func (m *Module) dataSection(s *reader) error {
	n := s.count(2)
	if err := m.limit("data segments", n, m.limits.Segments); err != nil {
		return err
	}
	all := uint64(0)
	for i := uint32(0); i < n && !s.bad; i++ {
		d := data{flags: s.u32()}
		switch d.flags {
		case 0:
		case 1:
		case 2:
			if s.u32() != 0 {
				s.fail()
			}
		default:
			s.fail()
		}
		if d.flags != 1 && !s.bad {
			if !m.memory {
				return refuse(RuleInvalid, "data segment %d, and no memory", i)
			}
			var err error
			if d.offset, err = m.constant(s); err != nil {
				return err
			}
			if !s.bad && !d.offset.isI32 {
				return refuse(RuleInvalid, "data segment %d has an offset that is no i32", i)
			}
		}
		size := s.u32()
		d.bytes = s.sub(size)
		if all += uint64(size); all > uint64(m.limits.MemoryPages)<<16 {
			return refuse(RuleData, "%d bytes of data, the limit is %d", all, uint64(m.limits.MemoryPages)<<16)
		}
		m.data = append(m.data, d)
	}
	return nil
}

// customSection finds the names of functions. A malformed name section is as
// good as none.
func (m *Module) customSection(s *reader) error {
	name := s.name()
	rest := *s
	s.at = s.end
	if !utf8.Valid(name) {
		return refuse(RuleInvalid, "a custom section has a name that is not UTF-8")
	}
	if string(name) != "name" || s.bad {
		return nil
	}
	for rest.more() {
		id := rest.byte()
		sub := rest.sub(rest.u32())
		if id == 1 && !rest.bad {
			m.names = sub
		}
	}
	return nil
}

package wasmhost

// Sections and import kinds of the binary format, as far as the scan reads
// them (WebAssembly core specification, 5.5).
const (
	sectionImport = 2
	sectionMemory = 5
	sectionCode   = 10

	importFunction = 0
)

// maxLocals is the most locals that a function may declare. A declaration is a
// few bytes for up to 2^32 locals, and the engine allocates for each: without a
// limit a module of 33 bytes takes 32 GiB.
const maxLocals = 50_000

// importKinds names what a module can import besides functions.
var importKinds = [...]string{"function", "table", "memory", "global", "tag"}

// scan reads the sections of a module before the engine does, and refuses what
// the engine would report too late or in too many words. It takes linear time
// and allocates nothing but the error. Whatever it does not look at is left to
// the engine.
func (h *Host) scan(wasm []byte) error {
	const preamble = "\x00asm\x01\x00\x00\x00"
	if len(wasm) < len(preamble) || string(wasm[:len(preamble)]) != preamble {
		return refuse(RuleInvalidModule, "no WebAssembly 1 preamble in %d bytes", len(wasm))
	}
	r := wasmReader{rest: wasm[len(preamble):]}
	for len(r.rest) > 0 {
		id := r.byte()
		section := r.bytes(r.u32())
		if r.short {
			return refuse(RuleInvalidModule, "section %d ends beyond the module's %d bytes", id, len(wasm))
		}
		var err error
		switch id {
		case sectionImport:
			err = scanImports(section)
		case sectionMemory:
			err = h.scanMemories(section)
		case sectionCode:
			err = scanCode(section)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scanImports refuses the first import that is not a function; whether a
// function is on the list is seen when the types are known.
func scanImports(section []byte) error {
	r := wasmReader{rest: section}
	for i, count := uint32(0), r.u32(); i < count && !r.short; i++ {
		module, name := r.bytes(r.u32()), r.bytes(r.u32())
		kind := r.byte()
		if kind != importFunction && !r.short {
			what := "unknown kind"
			if int(kind) < len(importKinds) {
				what = importKinds[kind]
			}
			return refuse(RuleImportNotAllowed, "import %d, %s %.64q of module %.64q", i, what, name, module)
		}
		r.u32() // the function's type
	}
	return r.refusal("imports")
}

// scanMemories refuses more than one memory, and one that is too large to begin
// with.
func (h *Host) scanMemories(section []byte) error {
	r := wasmReader{rest: section}
	count := r.u32()
	if count > 1 {
		return refuse(RuleMemoryCount, "%d memories, the limit is 1", count)
	}
	if count == 1 {
		r.u32() // flags
		if pages := r.u32(); pages > h.cfg.MemoryPages {
			return refuse(RuleMemoryLimit, "starts with %d pages, the limit is %d", pages, h.cfg.MemoryPages)
		}
	}
	return r.refusal("memories")
}

// scanCode refuses functions with too many locals.
func scanCode(section []byte) error {
	r := wasmReader{rest: section}
	for i, count := uint32(0), r.u32(); i < count && !r.short; i++ {
		body := wasmReader{rest: r.bytes(r.u32())}
		locals := uint64(0) // the sum of 32-bit counts, of which a module has too few to overflow
		for n := body.u32(); n > 0 && !body.short; n-- {
			locals += uint64(body.u32())
			body.byte() // the type; one of more bytes is of a feature that is off
		}
		if locals > maxLocals {
			return refuse(RuleLocalsLimit, "function body %d declares %d locals, the limit is %d", i, locals, maxLocals)
		}
		r.short = r.short || body.short
	}
	return r.refusal("code")
}

// A wasmReader takes values off the front of rest. Once one was cut short or
// malformed, short is set and everything reads as zero.
type wasmReader struct {
	rest  []byte
	short bool
}

func (r *wasmReader) refusal(section string) error {
	if r.short {
		return refuse(RuleInvalidModule, "the section of %s is malformed", section)
	}
	return nil
}

func (r *wasmReader) fail() { r.rest, r.short = nil, true }

func (r *wasmReader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

// bytes returns the next n bytes, a view into the module.
func (r *wasmReader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// u32 reads an unsigned LEB128 of at most 32 bits (5.2.2): five bytes, of which
// the last has four bits.
func (r *wasmReader) u32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		if r.short || shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail()
	return 0
}

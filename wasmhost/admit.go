package wasmhost

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// A Rule names what a refused module broke. The names are stable.
type Rule string

// The rules of admission.
const (
	RuleModuleTooBig     Rule = "module_too_big"     // more bytes than Config.MaxModuleBytes
	RuleMemoryCount      Rule = "memory_count"       // more than one memory
	RuleMemoryLimit      Rule = "memory_limit"       // starts with more memory than it may have
	RuleLocalsLimit      Rule = "locals_limit"       // too many locals, in a function or in all
	RuleCountLimit       Rule = "count_limit"        // too many of something else; see ModuleLimits
	RuleTableLimit       Rule = "table_limit"        // starts with more table entries than it may have
	RuleBodyLimit        Rule = "body_limit"         // a function that is too long, or too intricate
	RuleDataLimit        Rule = "data_limit"         // more initial data than it may have memory
	RuleInvalidModule    Rule = "invalid_module"     // not WebAssembly
	RuleFeatureOff       Rule = "feature_off"        // of an extension of WebAssembly that guests do not get
	RuleImportNotAllowed Rule = "import_not_allowed" // an import that is not on the list
	RuleImportSignature  Rule = "import_signature"   // one that is, with another signature
	RuleExportMissing    Rule = "export_missing"     // the memory, or a function that must be there
	RuleExportSignature  Rule = "export_signature"   // an export with another type than the ABI's
	RuleExportReserved   Rule = "export_reserved"    // an export with a name of the host's
	RuleInitTrapped      Rule = "init_trapped"       // its start function, _initialize or mailbox crashed
	RuleMailboxInvalid   Rule = "mailbox_invalid"    // abi.Mailbox.Check
	RuleTurnTrapped      Rule = "turn_trapped"       // it crashed in a turn without events
)

// An AdmissionError reports why a module may not run.
type AdmissionError struct {
	Rule   Rule   // for code
	Detail string // the offending thing and its number, for people
}

func (e *AdmissionError) Error() string {
	return "wasmhost: module refused: " + string(e.Rule) + ": " + e.Detail
}

// refuse returns an AdmissionError. Names that come from a module are printed
// with %.64q, because they may be as long as the module.
func refuse(rule Rule, format string, args ...any) error {
	return &AdmissionError{Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// Compile admits a module: it is scanned, compiled, checked and tried, and then
// ready to be instantiated. It must be closed. Modules of the same bytes share
// their code, and are compiled and tried once. The error is an
// [*AdmissionError] if it is the module's fault. wasm is not kept.
//
// The trial runs the guest, on the calling goroutine.
func (h *Host) Compile(wasm []byte) (*Module, error) {
	if len(wasm) > h.cfg.MaxModuleBytes {
		return nil, refuse(RuleModuleTooBig, "%d bytes, the limit is %d", len(wasm), h.cfg.MaxModuleBytes)
	}
	c, first, err := h.hold(sha256.Sum256(wasm))
	if err != nil {
		return nil, err
	}
	if first {
		c.admit(wasm)
	}
	<-c.ready
	if c.err != nil {
		h.drop(c)
		return nil, c.err
	}
	return &Module{code: c}, nil
}

// admit takes c through the stages of admission and closes c.ready.
func (c *code) admit(wasm []byte) {
	defer close(c.ready)
	c.err = errors.New("wasmhost: admission panicked") // for those who wait, should it come to that
	err := c.rewrite(wasm)
	if err == nil {
		err = c.compile()
	}
	if err == nil {
		err = c.try()
	}
	c.err = err
}

// rewrite takes the module apart, checks its imports and exports against the
// contract, and has it metered.
func (c *code) rewrite(wasm []byte) error {
	cfg := &c.host.cfg
	limits := meter.Limits(cfg.Limits)
	limits.MemoryPages = cfg.MemoryPages
	m, err := meter.Decode(wasm, limits)
	if err != nil {
		var refused *meter.Error
		if errors.As(err, &refused) {
			return refuse(Rule(refused.Rule), "%s", refused.Detail)
		}
		return err
	}
	c.info = Info{ABIVersion: abi.Version, Digest: c.digest, MemoryMinPages: m.Min, MemoryMaxPages: m.Max}
	if err := c.checkImports(m); err != nil {
		return err
	}
	if err := c.checkExports(m); err != nil {
		return err
	}
	var entries []string
	for _, e := range requiredExports() {
		entries = append(entries, e.name)
	}
	c.program = m.Rewrite(meter.Config{Entries: entries, Unmetered: cfg.Unmetered})
	for i := range c.program.Data {
		s := &c.program.Data[i]
		s.Bytes = bytes.Clone(s.Bytes) // wasm is the caller's
	}
	return nil
}

// compile has the engine translate the rewritten module.
func (c *code) compile() (err error) {
	// The engine was not written for hostile input only: where it panics on
	// some, that module is refused and the process lives.
	defer func() {
		if r := recover(); r != nil {
			err = refuse(RuleInvalidModule, "the engine panicked: %v", r)
		}
	}()
	c.compiled, err = c.host.engine.CompileModule(context.Background(), c.program.Wasm)
	c.program.Wasm = nil
	if err != nil {
		return refuse(RuleInvalidModule, "%.512s", err)
	}
	c.host.seals.seal(false)
	return nil
}

// checkImports holds every imported function against the list.
func (c *code) checkImports(m *meter.Module) error {
	for i, f := range m.Imports {
		call, ok := c.host.imports[importName{f.Module, f.Name}]
		if !ok {
			return refuse(RuleImportNotAllowed, "import %d, function %.64q of module %.64q", i, f.Name, f.Module)
		}
		if !hasSignature(f.Type, call.params, call.results) {
			return refuse(RuleImportSignature, "import %d, %s.%s is %s, not %s",
				i, f.Module, f.Name, signature(call.params, call.results), signatureOf(f.Type))
		}
		c.info.Imports = append(c.info.Imports, f.Module+"."+f.Name)
	}
	return nil
}

// A required export is a function of the contract.
type requiredExport struct {
	name            string
	optional        bool
	params, results []api.ValueType
}

func requiredExports() []requiredExport {
	i32 := []api.ValueType{api.ValueTypeI32}
	return []requiredExport{
		{name: abi.ExportInitialize, optional: true},
		{name: abi.ExportMailbox, results: i32},
		{name: abi.ExportTurn, params: i32, results: i32},
		{name: abi.ExportAlloc, optional: true, params: i32, results: i32},
	}
}

// checkExports looks for the memory and the functions of the contract.
func (c *code) checkExports(m *meter.Module) error {
	memory := false
	exports := make(map[string]meter.FuncType)
	for _, e := range m.Exports {
		switch {
		case e.Kind == meter.Function:
			exports[e.Name] = e.Type
			c.info.Exports = append(c.info.Exports, e.Name)
		case e.Kind == meter.Memory && e.Name == abi.ExportMemory:
			memory = true
			c.info.Exports = append(c.info.Exports, e.Name)
		}
	}
	if !memory {
		return refuse(RuleExportMissing, "memory %q", abi.ExportMemory)
	}
	for _, want := range requiredExports() {
		f, ok := exports[want.name]
		switch {
		case !ok && !want.optional:
			return refuse(RuleExportMissing, "function %q", want.name)
		case ok && !hasSignature(f, want.params, want.results):
			return refuse(RuleExportSignature, "%s must be %s, not %s",
				want.name, signature(want.params, want.results), signatureOf(f))
		}
	}
	slices.Sort(c.info.Exports)
	_, c.info.HasAlloc = exports[abi.ExportAlloc]
	return nil
}

// try runs a trial instance through one turn without events.
func (c *code) try() error {
	runtime.LockOSThread() // by whose time the guest is judged, see lookAtClock
	defer runtime.UnlockOSThread()
	// What a runtime prints when it panics says more than the trap.
	const maxSaid = 2 << 10
	var said []byte
	cfg := InstanceConfig{Log: func(_ int, line []byte) {
		if len(said) < maxSaid {
			said = append(append(said, "\n> "...), line...)
		}
	}}
	c.keeps = !c.host.cfg.noImage
	in, err := c.instantiate(cfg)
	c.keeps = false
	if c.image != nil && c.image.fits(c.info.MemoryMinPages) {
		c.program.Data = nil // it is in the image, from which every instance starts
	}
	if err != nil {
		return refuseTrial(RuleInitTrapped, err, said)
	}
	defer in.Close()
	c.info.InboxBytes = uint32(len(in.inbox))
	c.info.OutboxRecords = uint32(in.outboxRecords)
	c.info.Wants = in.wants
	if _, err := in.Turn(startClock(), in.cfg.InitFuel); err != nil {
		return refuseTrial(RuleTurnTrapped, err, said)
	}
	return nil
}

// refuseTrial turns what went wrong in a trial instance into a refusal, unless
// it was the host's own failure. said is what the guest logged.
func refuseTrial(trapped Rule, err error, said []byte) error {
	var trap *TrapError
	var mailbox *abi.MailboxError
	switch {
	case errors.As(err, &trap) && trap.Reason != ReasonHost:
		return refuse(trapped, "%.2048s%s", trap, said)
	case errors.As(err, &mailbox):
		return refuse(RuleMailboxInvalid, "%s", mailbox.Problem)
	}
	return err
}

func hasSignature(f meter.FuncType, params, results []api.ValueType) bool {
	return slices.Equal(valueTypes(f.Params), params) && slices.Equal(valueTypes(f.Results), results)
}

// valueTypes returns types as the engine names them.
func valueTypes(types []meter.ValueType) []api.ValueType {
	var list []api.ValueType
	for _, t := range types {
		list = append(list, api.ValueType(t))
	}
	return list
}

func signatureOf(f meter.FuncType) string {
	return signature(valueTypes(f.Params), valueTypes(f.Results))
}

// signature prints a function type as SPEC.md does: (i32, i64) -> i32.
func signature(params, results []api.ValueType) string {
	list := func(types []api.ValueType) string {
		s := "("
		for i, t := range types {
			if i > 0 {
				s += ", "
			}
			s += api.ValueTypeName(t)
		}
		return s + ")"
	}
	if len(results) == 1 {
		return list(params) + " -> " + api.ValueTypeName(results[0])
	}
	return list(params) + " -> " + list(results)
}

package wasmhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/abi"
)

// A Rule names what a refused module broke. The names are stable.
type Rule string

// The rules of admission.
const (
	RuleModuleTooBig     Rule = "module_too_big"     // more bytes than Config.MaxModuleBytes
	RuleMemoryCount      Rule = "memory_count"       // more than one memory
	RuleMemoryLimit      Rule = "memory_limit"       // starts with more memory than it may have
	RuleLocalsLimit      Rule = "locals_limit"       // a function that declares more than 50 000 locals
	RuleInvalidModule    Rule = "invalid_module"     // not WebAssembly, or a feature that is off
	RuleImportNotAllowed Rule = "import_not_allowed" // an import that is not on the list
	RuleImportSignature  Rule = "import_signature"   // one that is, with another signature
	RuleExportMissing    Rule = "export_missing"     // the memory, or a function that must be there
	RuleExportSignature  Rule = "export_signature"   // an export with another type than the ABI's
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

// admit takes c through the stages of admission and closes c.ready. A stage
// that rewrites the module belongs between scan and compile.
func (c *code) admit(wasm []byte) {
	defer close(c.ready)
	c.err = errors.New("wasmhost: admission panicked") // for those who wait, should it come to that
	err := c.host.scan(wasm)
	if err == nil {
		err = c.compile(wasm)
	}
	if err == nil {
		err = c.try()
	}
	c.err = err
}

// compile has the engine translate the module and checks its imports and
// exports against the contract.
func (c *code) compile(wasm []byte) (err error) {
	// The engine was not written for hostile input only: where it panics on
	// some, that module is refused and the process lives.
	defer func() {
		if r := recover(); r != nil {
			err = refuse(RuleInvalidModule, "the engine panicked: %v", r)
		}
	}()
	c.compiled, err = c.host.engine.CompileModule(context.Background(), wasm)
	if err != nil {
		return refuse(RuleInvalidModule, "%.512s", err)
	}
	c.info = Info{ABIVersion: abi.Version, Digest: c.digest}
	if err := c.checkImports(); err != nil {
		return err
	}
	return c.checkExports()
}

// checkImports holds every imported function against the list. The scan has
// refused imports of anything else.
func (c *code) checkImports() error {
	for i, f := range c.compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		call, ok := c.host.imports[importName{module, name}]
		if !ok {
			return refuse(RuleImportNotAllowed, "import %d, function %.64q of module %.64q", i, name, module)
		}
		if !hasSignature(f, call.params, call.results) {
			return refuse(RuleImportSignature, "import %d, %s.%s is %s, not %s",
				i, module, name, signature(call.params, call.results), signature(f.ParamTypes(), f.ResultTypes()))
		}
		c.info.Imports = append(c.info.Imports, module+"."+name)
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
func (c *code) checkExports() error {
	memory, ok := c.compiled.ExportedMemories()[abi.ExportMemory]
	if !ok {
		return refuse(RuleExportMissing, "memory %q", abi.ExportMemory)
	}
	most, _ := memory.Max()
	c.info.MemoryMinPages = memory.Min()
	c.info.MemoryMaxPages = min(most, c.host.cfg.MemoryPages)

	exports := c.compiled.ExportedFunctions()
	for _, want := range requiredExports() {
		f, ok := exports[want.name]
		switch {
		case !ok && !want.optional:
			return refuse(RuleExportMissing, "function %q", want.name)
		case ok && !hasSignature(f, want.params, want.results):
			return refuse(RuleExportSignature, "%s must be %s, not %s",
				want.name, signature(want.params, want.results), signature(f.ParamTypes(), f.ResultTypes()))
		}
	}
	c.info.Exports = []string{abi.ExportMemory}
	for name := range exports {
		c.info.Exports = append(c.info.Exports, name)
	}
	slices.Sort(c.info.Exports)
	_, c.info.HasAlloc = exports[abi.ExportAlloc]
	return nil
}

// try runs a trial instance through one turn without events.
func (c *code) try() error {
	// What a runtime prints when it panics says more than the trap.
	const maxSaid = 2 << 10
	var said []byte
	cfg := InstanceConfig{Log: func(_ int, line []byte) {
		if len(said) < maxSaid {
			said = append(append(said, "\n> "...), line...)
		}
	}}
	in, err := c.instantiate(cfg)
	if err != nil {
		return refuseTrial(RuleInitTrapped, err, said)
	}
	defer in.Close()
	c.info.InboxBytes = uint32(len(in.inbox))
	c.info.OutboxRecords = uint32(in.outboxRecords)
	c.info.Wants = in.wants
	if _, err := in.Turn(startClock()); err != nil {
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

func hasSignature(f api.FunctionDefinition, params, results []api.ValueType) bool {
	return slices.Equal(f.ParamTypes(), params) && slices.Equal(f.ResultTypes(), results)
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

package guests

import (
	"context"
	"slices"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// A host is the least that can run a guest: it has no limits, trusts the module
// and keeps what the guest commands. It exists so that these tests say what the
// ABI says, and not what the real host happens to do.
type host struct {
	t        testing.TB
	code     wazero.CompiledModule
	module   api.Module
	box      abi.Mailbox
	boxAddr  uint32
	turnFunc api.Function
	flushed  []command // by the hostcall, during the turn
	logged   []string  // so far
}

// A command is a record and a copy of what it points to.
type command struct {
	abi.Record
	text string
}

// An event is a record and the payload that the host places for it.
type event struct {
	abi.Record
	payload string
}

// boot instantiates a module, initialises it and registers its mailbox.
func boot(t testing.TB, wasm []byte) *host {
	t.Helper()
	h := load(t, wasm)
	h.register()
	return h
}

// load instantiates a module and initialises it.
func load(t testing.TB, wasm []byte) *host {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	h := &host{t: t}
	flush := func(_ context.Context, m api.Module, commands uint32) uint32 {
		h.flushed = append(h.flushed, h.commands(m, commands)...)
		return 0
	}
	log := func(_ context.Context, m api.Module, _, text, size uint32) {
		line, _ := m.Memory().Read(text, size)
		h.logged = append(h.logged, string(line))
	}
	_, err := r.NewHostModuleBuilder(abi.ImportModule).
		NewFunctionBuilder().WithFunc(flush).Export("flush").
		NewFunctionBuilder().WithFunc(log).Export("log").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if h.code, err = r.CompileModule(ctx, wasm); err != nil {
		t.Fatal(err)
	}
	h.module, err = r.InstantiateModule(ctx, h.code, wazero.NewModuleConfig().WithName("").WithStartFunctions(abi.ExportInitialize))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// register reads and checks the mailbox.
func (h *host) register() {
	h.t.Helper()
	h.boxAddr = uint32(h.call(abi.ExportMailbox))
	mem := h.memory()
	if !h.box.Get(mem[h.boxAddr:]) {
		h.t.Fatal("mailbox does not fit in the memory")
	}
	if err := h.box.Check(h.boxAddr, uint64(len(mem))); err != nil {
		h.t.Fatal(err)
	}
	h.turnFunc = h.module.ExportedFunction(abi.ExportTurn)
}

// memory returns the guest's memory, valid until the guest runs.
func (h *host) memory() []byte {
	mem, ok := h.module.Memory().Read(0, h.module.Memory().Size())
	if !ok {
		h.t.Fatal("memory is not readable")
	}
	return mem
}

// call calls an export and fails the test if it traps.
func (h *host) call(name string, params ...uint64) uint64 {
	h.t.Helper()
	results, err := h.module.ExportedFunction(name).Call(context.Background(), params...)
	if err != nil {
		h.t.Fatalf("%s: %v", name, err)
	}
	return results[0]
}

// alloc asks the guest for a buffer.
func (h *host) alloc(size int) uint32 {
	h.t.Helper()
	return uint32(h.call(abi.ExportAlloc, uint64(size)))
}

// place writes the events to the inbox, records from the front and payloads
// from the back. An event whose Data is set has its payload there already.
func (h *host) place(events []event) {
	h.t.Helper()
	mem := h.memory()
	inbox := mem[h.box.Inbox:][:h.box.InboxBytes]
	back := len(inbox)
	for i, e := range events {
		if e.Data == 0 {
			back -= len(e.payload)
			if back < (i+1)*abi.RecordSize {
				h.t.Fatal("the test's events do not fit in the inbox")
			}
			copy(inbox[back:], e.payload)
			e.Data, e.Len = h.box.Inbox+uint32(back), uint32(len(e.payload))
		}
		e.Put(inbox[i*abi.RecordSize:])
	}
}

// turn delivers events and returns what the guest commands, flushed or returned.
func (h *host) turn(events ...event) []command {
	h.t.Helper()
	h.place(events)
	h.flushed = nil
	n := int32(h.call(abi.ExportTurn, uint64(len(events))))
	if n < 0 {
		h.t.Fatalf("turn: gave up with %d", n)
	}
	return slices.Concat(h.flushed, h.commands(h.module, uint32(n)))
}

// commands copies n records from the outbox with what they point to.
func (h *host) commands(m api.Module, n uint32) []command {
	h.t.Helper()
	if n > h.box.OutboxRecords {
		h.t.Fatalf("%d commands in an outbox of %d", n, h.box.OutboxRecords)
	}
	mem, _ := m.Memory().Read(0, m.Memory().Size())
	out := make([]command, n)
	for i := range out {
		out[i].Get(mem[h.box.Outbox+uint32(i)*abi.RecordSize:])
		data, ok := abi.View(mem, out[i].Data, out[i].Len)
		if !ok {
			h.t.Fatalf("command %d points outside the memory: %+v", i, out[i].Record)
		}
		out[i].text = string(data)
	}
	return out
}

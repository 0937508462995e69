package wasmhost

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// newHost returns a host that is closed when the test ends, and fails it if an
// instance was left behind.
// testFuel is more than any test's turn takes that is not about fuel.
const testFuel = 100_000_000

func newHost(tb testing.TB, cfg Config) *Host {
	tb.Helper()
	h, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := h.Close(); err != nil {
			tb.Error(err)
		}
	})
	return h
}

// readGuest returns a guest of testdata, by its name without ".wasm".
func readGuest(tb testing.TB, name string) []byte {
	tb.Helper()
	wasm, err := os.ReadFile(filepath.Join("testdata", name+".wasm"))
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

// compile admits a module that is closed when the test ends.
func compile(tb testing.TB, h *Host, wasm []byte) *Module {
	tb.Helper()
	m, err := h.Compile(wasm)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(m.Close)
	return m
}

// start runs a guest that is closed when the test ends.
func start(tb testing.TB, wasm []byte, cfg InstanceConfig) *Instance {
	tb.Helper()
	return instantiate(tb, compile(tb, newHost(tb, Config{}), wasm), cfg)
}

func instantiate(tb testing.TB, m *Module, cfg InstanceConfig) *Instance {
	tb.Helper()
	in, err := m.Instantiate(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(in.Close)
	return in
}

// behave has the guest of behave.wat do what code says, with token and payload
// as it wants them, and returns what the turn did and its first command.
func behave(tb testing.TB, in *Instance, code uint32, token uint64, payload string) (abi.Record, error) {
	tb.Helper()
	push(tb, in, abi.Record{Kind: abi.Message, Code: code, Token: token}, payload)
	n, err := in.Turn(Clock{Wall: 1_000, Mono: 2_000}, testFuel)
	var r abi.Record
	if n > 0 {
		in.Command(0, &r)
	}
	return r, err
}

func push(tb testing.TB, in *Instance, r abi.Record, payload string) {
	tb.Helper()
	p, ok := in.Push(&r, len(payload))
	if !ok {
		tb.Fatal("no room in the inbox")
	}
	copy(p, payload)
}

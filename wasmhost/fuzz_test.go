package wasmhost

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
)

// FuzzCompile feeds mutants of good and bad modules to admission, their trial
// included.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.wasm")
	if err != nil {
		f.Fatal(err)
	}
	refused, err := filepath.Glob("testdata/refuse/*.wasm")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, refused...) {
		wasm, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wasm)
	}
	f.Add(guests.Echo())
	h := newHost(f, Config{MemoryPages: 16})
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := h.Compile(wasm)
		var refused *AdmissionError
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("got %v; want a refusal or nothing", err)
		}
		if err == nil {
			m.Close()
		}
	})
}

// FuzzReturns has a guest return any number from turn and alloc, and point to
// any place: what the host takes must lie in the guest's memory and nobody
// else's.
func FuzzReturns(f *testing.F) {
	f.Add(int32(-1), uint32(0xffffffff), uint32(100), uint32(0), uint32(0))
	f.Add(int32(1025), uint32(0x1000), uint32(1), uint32(8), uint32(0xffffffff))
	f.Add(int32(1), uint32(0x20000), uint32(1<<31), uint32(4<<16), uint32(1))
	m := compile(f, newHost(f, Config{}), readGuest(f, "behave"))
	const memory = 4 << 16
	f.Fuzz(func(t *testing.T, count int32, address, size, at, n uint32) {
		in, err := m.Instantiate(InstanceConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if _, ok := in.View(at, n); ok != (uint64(at)+uint64(n) <= memory) {
			t.Errorf("view of %d bytes at %#x: %v", n, at, ok)
		}
		behave(t, in, 18, uint64(address), "")
		got, err := in.Alloc(int(size))
		var trap *TrapError
		if err != nil {
			if !errors.As(err, &trap) {
				t.Errorf("alloc: %v; want a trap or nothing", err)
			}
			return
		}
		// The mailbox, then inbox and outbox in one.
		for _, taken := range [][2]uint64{{64, 128}, {0x1000, 0x19000}, {memory, 1 << 33}} {
			if end := uint64(got) + uint64(size); got != 0 && end > taken[0] && uint64(got) < taken[1] {
				t.Fatalf("alloc of %d bytes was given %#x", size, got)
			}
		}
		push(t, in, abi.Record{Code: 4, Token: uint64(count)}, "")
		commands, err := in.Turn(Clock{}, testFuel)
		if good := count >= 0 && count <= 1024; good != (err == nil) || good && commands != int(count) {
			t.Fatalf("turn returned %d: %d commands, %v", count, commands, err)
		}
	})
}

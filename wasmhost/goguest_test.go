package wasmhost

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// goGuest builds the echo guest in Go, whose runtime needs more of WASI than any
// other guest here.
func goGuest(t *testing.T) (wasm []byte) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a guest and compiles its 2 MB")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go tool to build the guest with")
	}
	out := filepath.Join(t.TempDir(), "echo.wasm")
	build := exec.Command(goTool, "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, "../guests/echo-go")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	wasm, err = os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// TestGoGuest sends it small messages and a large one.
func TestGoGuest(t *testing.T) {
	wasm := goGuest(t)
	in := start(t, wasm, InstanceConfig{Log: func(_ int, line []byte) { t.Logf("guest: %s", line) }})
	for _, batch := range [][]string{{"hello"}, {"", "a", "b"}, {"again"}} {
		wantEcho(t, in, batch)
	}

	large := bytes.Repeat([]byte("large"), 200_000)
	addr, err := in.Alloc(len(large))
	if err != nil || addr == 0 {
		t.Fatalf("alloc: %#x, %v", addr, err)
	}
	place, ok := in.View(addr, uint32(len(large)))
	if !ok {
		t.Fatal("alloc gave memory that is not there")
	}
	copy(place, large)
	r := abi.Record{Kind: abi.Message, Data: addr, Len: uint32(len(large))}
	if !in.PushAt(&r) {
		t.Fatal("no room for a record")
	}
	if n, err := in.Turn(Clock{Wall: 1, Mono: 2}, testFuel); n != 1 || err != nil {
		t.Fatalf("turn: %d commands, %v", n, err)
	}
	in.Command(0, &r)
	if got, ok := in.View(r.Data, r.Len); !ok || !bytes.Equal(got, large) {
		t.Errorf("%d bytes came back, %v; want the %d that were sent", len(got), ok, len(large))
	}
}

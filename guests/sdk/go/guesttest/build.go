package guesttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Build compiles the Go package in a folder to a module, with the go command that is in
// the PATH, and returns it. The test fails at once, with what the compiler says, if that
// does not work. flags are more of "go build", such as -ldflags=-s. What was built before
// comes from the go command's cache, so that every test may call it.
func Build(t testing.TB, dir string, flags ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "guest.wasm")
	args := append([]string{"build", "-buildmode=c-shared", "-o", out}, flags...)
	command := exec.Command("go", append(args, ".")...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("guesttest: build %s: %v\n%s", dir, err, said)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal("guesttest: ", err)
	}
	return module
}

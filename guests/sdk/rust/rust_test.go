// Package rust holds the SDK for Rust to its own tests and to what its README says,
// with the compiler that RUSTC names or PATH has.
package rust

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/wasmhost"
)

// compiler returns the path of rustc. Without RUSTC, a test is skipped where there is
// none.
func compiler(t *testing.T) string {
	t.Helper()
	name := os.Getenv("RUSTC")
	given := name != ""
	if !given {
		name = "rustc"
	}
	path, err := exec.LookPath(name)
	if err != nil && given {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}

// wasmCompiler returns the path of a rustc that has the standard library for wasm32.
func wasmCompiler(t *testing.T) string {
	t.Helper()
	rustc := compiler(t)
	library := strings.TrimSpace(run(t, "", rustc, "--print", "target-libdir", "--target", "wasm32-unknown-unknown"))
	if _, err := os.Stat(library); err == nil {
		return rustc
	} else if os.Getenv("RUSTC") != "" {
		t.Fatal(err)
	}
	t.Skip("rustc has no target wasm32-unknown-unknown")
	return ""
}

// run runs a command in a folder and returns what it printed.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestUnits runs the tests in src, on this machine.
func TestUnits(t *testing.T) {
	rustc, program := compiler(t), filepath.Join(t.TempDir(), "units")
	run(t, "", rustc, "--edition", "2021", "--test", "-C", "debuginfo=0", "-D", "warnings", "src/lib.rs", "-o", program)
	if out := run(t, "", program); !strings.Contains(out, "\ntest result: ok.") || strings.Contains(out, "running 0 tests") {
		t.Error(out)
	}
}

// TestDocs runs the examples in the documentation comments.
func TestDocs(t *testing.T) {
	rustc, dir := compiler(t), t.TempDir()
	rustdoc, err := exec.LookPath(filepath.Join(filepath.Dir(rustc), "rustdoc"))
	if err != nil {
		t.Skip(err)
	}
	run(t, "", rustc, "--edition", "2021", "--crate-type", "rlib", "--crate-name", "wherry", "--out-dir", dir, "src/lib.rs")
	out := run(t, "", rustdoc, "--edition", "2021", "--crate-name", "wherry", "--test", "src/lib.rs",
		"--extern", "wherry="+filepath.Join(dir, "libwherry.rlib"))
	if !strings.Contains(out, "\ntest result: ok.") || strings.Contains(out, "running 0 tests") {
		t.Error(out)
	}
}

// A block is a fenced block of README.md.
type block struct {
	language string
	line     int // of its first line of code
	text     string
}

func blocks(t *testing.T, language string) (found []block) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for i, line := range strings.SplitAfter(string(text), "\n") {
		word, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch last := len(found) - 1; {
		case fence && inside:
			inside = false
		case fence:
			inside = true
			found = append(found, block{word, i + 2, ""})
		case inside:
			found[last].text += line
		}
	}
	var wanted []block
	for _, b := range found {
		if b.language == language {
			wanted = append(wanted, b)
		}
	}
	if wanted == nil {
		t.Fatalf("README.md has no block of %s", language)
	}
	return wanted
}

// TestReadme compiles every snippet of README.md. One that exports something is a
// guest, and is built by the README's own commands and admitted by the host.
func TestReadme(t *testing.T) {
	rustc := wasmCompiler(t)
	dir := checkout(t)
	commands := rustcCommands(t)
	if len(commands) != 2 {
		t.Fatalf("README.md has %d commands of rustc", len(commands))
	}
	run(t, dir, rustc, commands[0]...)
	guests := 0
	for _, b := range blocks(t, "rust") {
		t.Run("line "+strconv.Itoa(b.line), func(t *testing.T) {
			if strings.Contains(b.text, "wherry::export!") {
				guests++
				write(t, filepath.Join(dir, "my.rs"), b.text)
				run(t, dir, rustc, commands[1]...)
				admit(t, filepath.Join(dir, "my.wasm"))
				return
			}
			// Unused are all of its items, and often some of what is imported.
			write(t, filepath.Join(dir, "snippet.rs"), "#![allow(dead_code, unused_imports)]\nuse std::time::Duration;\nuse wherry::*;\n"+b.text)
			run(t, dir, rustc, "--edition", "2021", "--target", "wasm32-unknown-unknown", "-D", "warnings", "--crate-type", "rlib",
				"--emit", "metadata", "--extern", "wherry=libwherry.rlib", "snippet.rs")
		})
	}
	if guests == 0 {
		t.Error("README.md has no guest")
	}
}

// checkout returns a folder in which the README's commands find the repository's.
func checkout(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "guests"), filepath.Join(dir, "guests")); err != nil {
		t.Skip("the commands name a folder of the repository:", err)
	}
	return dir
}

// rustcCommands returns the arguments of each command of rustc in README.md.
func rustcCommands(t *testing.T) (commands [][]string) {
	t.Helper()
	for _, b := range blocks(t, "sh") {
		for line := range strings.Lines(b.text) {
			if words := strings.Fields(line); words[0] == "rustc" {
				commands = append(commands, words[1:])
			}
		}
	}
	return commands
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// admit has a module compiled and initialised as the server would.
func admit(t *testing.T, path string) {
	t.Helper()
	wasm, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	m, err := engine.Compile(wasm)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

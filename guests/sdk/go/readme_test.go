package wherry_test

import (
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme builds every block of Go in README.md: those that are no programs get a
// package clause, imports and a main.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const fence = "```"
	replace, packages := map[string]string{}, []string{}
	dir := t.TempDir()
	for i, piece := range strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"+fence+"go\n")[1:] {
		code, _, closed := strings.Cut(piece, "\n"+fence+"\n")
		if !closed {
			t.Fatalf("block %d has no end", i)
		}
		if formatted, err := format.Source([]byte(code)); err != nil || strings.TrimSpace(string(formatted)) != code {
			t.Errorf("block %d is not formatted: %v", i, err)
		}
		source := filepath.Join(dir, fmt.Sprint(i, ".go"))
		if err := os.WriteFile(source, []byte(program(code)), 0o666); err != nil {
			t.Fatal(err)
		}
		// With an overlay the program is a package of this module and lies in no
		// folder of it.
		name := fmt.Sprintf("testdata/readme%d", i)
		path, err := filepath.Abs(filepath.Join(filepath.FromSlash(name), "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		replace[path] = source
		packages = append(packages, "./"+name)
	}
	if len(packages) < 10 {
		t.Fatalf("only %d blocks", len(packages))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(config, overlay, 0o666); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", append([]string{"build", "-overlay", config}, packages...)...)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// program makes a program of a block.
func program(code string) string {
	if strings.HasPrefix(code, "package ") {
		return code
	}
	imports := "import wherry \"github.com/seed-c6589352/wherry/guests/sdk/go\"\n"
	for _, name := range []string{"errors", "strconv", "strings", "time"} {
		if strings.Contains(code, name+".") {
			imports += "import \"" + name + "\"\n"
		}
	}
	return "package main\n\n" + imports + "\nfunc main() {}\n\n" + code
}

package wherry_test

import (
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
)

// What the documents in docs show is compiled here, and what they name exists: see
// docsnames_test.go. The pages about a first guest are followed step by step in
// firstguest_test.go. What the documents of an SDK show is compiled by its own tests.

// A document is a file of markdown.
type document struct {
	name   string // with slashes, from the root
	text   string
	blocks []block
}

// documents returns those in docs.
func documents(t *testing.T) (found []document) {
	t.Helper()
	names, err := filepath.Glob(filepath.FromSlash("docs/*.md"))
	if err != nil || names == nil {
		t.Fatalf("there are no documents: %v", err)
	}
	for _, name := range names {
		found = append(found, readDocument(t, filepath.ToSlash(name)))
	}
	return found
}

func readDocument(t *testing.T, name string) document {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return document{name, string(text), fencedBlocks(string(text))}
}

// eachBlock calls f with the blocks of some languages, but not those of pages that are
// followed. A test that finds none proves nothing.
func eachBlock(t *testing.T, f func(place string, b block), languages ...string) {
	t.Helper()
	found := false
	for _, d := range documents(t) {
		if strings.HasPrefix(d.name, firstGuest) {
			continue
		}
		for _, b := range d.blocks {
			if slices.Contains(languages, b.language) {
				found = true
				f(fmt.Sprintf("%s:%d", d.name, b.line), b)
			}
		}
	}
	if !found {
		t.Fatalf("no document has a block of %q", languages)
	}
}

// TestDocsGo compiles every block of Go, each of which is a file. Those that are tests,
// or that serve, are for this machine, all others for guests.
func TestDocsGo(t *testing.T) {
	guest, native, tests := make(map[string]string), make(map[string]string), make(map[string]string)
	eachBlock(t, func(place string, b block) {
		source := b.text
		if formatted, err := format.Source([]byte(source)); err != nil || string(formatted) != source {
			t.Errorf("%s: is not formatted with gofmt: %v", place, err)
			return
		}
		folder := "snippets/" + strings.NewReplacer("/", "_", ".", "_", ":", "_").Replace(place)
		switch {
		case strings.Contains(source, `"testing"`):
			tests[folder+"/main_test.go"] = source
		case strings.Contains(source, modulePath+"/runtime"):
			native[folder+"/main.go"] = source
		default:
			guest[folder+"/main.go"] = source
		}
	}, "go")
	compileOverlay(t, guest, []string{"GOOS=wasip1", "GOARCH=wasm"}, "build")
	compileOverlay(t, native, nil, "build")
	compileOverlay(t, tests, nil, "test", "-c", "-vet=off", "-o", t.TempDir()) // to vet needs the folder
}

// compileOverlay runs a go command about files that are packages of this module and
// lie in no folder of it.
func compileOverlay(t *testing.T, files map[string]string, env []string, args ...string) {
	t.Helper()
	if len(files) == 0 {
		return
	}
	dir := t.TempDir()
	replace := make(map[string]string)
	args = append(args, "-overlay", filepath.Join(dir, "overlay.json"))
	for name, source := range files {
		place, err := filepath.Abs(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		replace[place] = filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		writeFile(t, replace[place], source)
		args = append(args, "./"+path.Dir(name))
	}
	if len(files) == 1 && args[0] == "build" {
		args = slices.Insert(args, 1, "-o", os.DevNull) // several are not linked
	}
	config, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "overlay.json"), string(config))
	command := exec.Command("go", args...)
	command.Env = append(os.Environ(), env...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDocsConfiguration has every configuration file checked.
func TestDocsConfiguration(t *testing.T) {
	wherry := buildWherry(t)
	module := regexp.MustCompile(`(?m)^\s*module = "([^"]+\.wasm)"`)
	eachBlock(t, func(place string, b block) {
		if strings.Contains(b.text, "[[step]]") {
			return // a script for "wherry test", which the tests of cmd/wherry play
		}
		dir := t.TempDir()
		for _, m := range module.FindAllStringSubmatch(b.text, -1) {
			name := filepath.Join(dir, filepath.FromSlash(m[1]))
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			writeFile(t, name, string(guests.Echo()))
		}
		file := filepath.Join(dir, "wherry.toml")
		writeFile(t, file, b.text)
		if out, err := exec.Command(wherry, "check", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", place, err, out)
		}
	}, "toml")
}

// TestDocsC compiles every block of C, with the SDK's headers.
func TestDocsC(t *testing.T) {
	clang := os.Getenv("CLANG")
	if clang == "" {
		clang = "clang-14"
	}
	if _, err := exec.LookPath(clang); err != nil {
		t.Skip(err)
	}
	eachBlock(t, func(place string, b block) {
		command := exec.Command(clang, "--target=wasm32", "-std=c11", "-ffreestanding", "-Wall", "-Wextra", "-Werror",
			"-Wno-unused-function", "-Wno-int-to-pointer-cast", "-I", filepath.FromSlash("guests/sdk/c"), "-fsyntax-only", "-xc", "-")
		command.Stdin = strings.NewReader(b.text)
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", place, err, out)
		}
	}, "c")
}

// TestDocsCommands makes sure that every command is one that exists.
func TestDocsCommands(t *testing.T) {
	wherry := buildWherry(t)
	eachBlock(t, func(place string, b block) {
		for line := range strings.Lines(b.text) {
			if problem := commandProblem(t, wherry, strings.Fields(line)); problem != "" {
				t.Errorf("%s: %s: %s", place, strings.TrimSpace(line), problem)
			}
		}
	}, "sh")
}

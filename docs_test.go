package wherry_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
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

// What docs and the SDKs' documents show is compiled here, and what they name exists.
// The pages about a first guest are followed step by step in firstguest_test.go.

// A document is a file of markdown.
type document struct {
	name   string // with slashes, from the root
	text   string
	blocks []block
}

// documents returns those in docs and of SDKs.
func documents(t *testing.T) (found []document) {
	t.Helper()
	for _, pattern := range []string{"docs/*.md", "guests/sdk/*.md", "guests/sdk/*/README.md"} {
		names, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			found = append(found, readDocument(t, filepath.ToSlash(name)))
		}
	}
	if found == nil {
		t.Fatal("there are no documents")
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

// TestDocsGo compiles every block of Go: a file, some declarations, or statements of
// a handler. Those that are tests, or that serve, are for this machine, all others
// for guests.
func TestDocsGo(t *testing.T) {
	guest, native, tests := make(map[string]string), make(map[string]string), make(map[string]string)
	eachBlock(t, func(place string, b block) {
		source, err := wholeFile(b.text)
		if err != nil {
			t.Errorf("%s: %v", place, err)
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
	compileOverlay(t, tests, nil, "test", "-c", "-o", t.TempDir())
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

// wholeFile makes a file of a block of Go, which must be formatted: with a package
// and its imports where it has none, and with a function around statements.
func wholeFile(text string) (string, error) {
	formatted, err := format.Source([]byte(text))
	if err == nil && string(formatted) != text {
		err = fmt.Errorf("is not formatted with gofmt")
	}
	if err != nil || regexp.MustCompile(`(?m)^package `).MatchString(text) {
		return text, err
	}
	for _, around := range [][2]string{
		{"", "\nfunc main() {}\n"},
		{"func _(c *wherry.Conn, m *wherry.Message, x *wherry.Exchange) error {\n", "\nreturn nil\n}\nfunc main() {}\n"},
	} {
		body := around[0] + text + around[1]
		var file *ast.File
		if file, err = parser.ParseFile(token.NewFileSet(), "", "package main\n"+body, 0); err == nil {
			return "package main\n" + importsOf(file) + body, nil
		}
	}
	return "", err
}

// importsOf imports what file names and does not declare: the SDK, its test kit, and
// packages of the standard library by their first name.
func importsOf(file *ast.File) (imports string) {
	named := map[string]string{
		"wherry":    modulePath + "/guests/sdk/go",
		"guesttest": modulePath + "/guests/sdk/go/guesttest",
		"runtime":   modulePath + "/runtime",
	}
	for _, standard := range []string{"bytes", "context", "errors", "fmt", "log", "math", "net/http", "os", "strconv", "strings", "testing", "time"} {
		named[path.Base(standard)] = standard
	}
	for _, name := range file.Unresolved {
		if p := named[name.Name]; p != "" {
			imports += fmt.Sprintf("import %s %q\n", name.Name, p)
			delete(named, name.Name)
		}
	}
	return imports
}

func TestWholeFile(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"package a\n", "package a\n"},
		{"// Of b.\npackage b\n", "// Of b.\npackage b\n"},
		{"var x = strings.ToUpper(\"a\")\n", "package main\nimport strings \"strings\"\nvar x = strings.ToUpper(\"a\")\n\nfunc main() {}\n"},
		{"return nil\n", "package main\nimport wherry \"" + modulePath + "/guests/sdk/go\"\n" +
			"func _(c *wherry.Conn, m *wherry.Message, x *wherry.Exchange) error {\nreturn nil\n\nreturn nil\n}\nfunc main() {}\n"},
	} {
		if got, err := wholeFile(tc.text); err != nil || got != tc.want {
			t.Errorf("%q: got %q, %v; want %q", tc.text, got, err, tc.want)
		}
	}
	for _, bad := range []string{"x:=1\n", "var x = \n"} {
		if got, err := wholeFile(bad); err == nil {
			t.Errorf("%q: no error, but %q", bad, got)
		}
	}
}

// TestDocsConfiguration has every configuration file checked.
func TestDocsConfiguration(t *testing.T) {
	wherry := buildWherry(t)
	module := regexp.MustCompile(`(?m)^\s*module = "([^"]+\.wasm)"`)
	eachBlock(t, func(place string, b block) {
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

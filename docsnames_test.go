package wherry_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What documents name without showing it: tests, scenarios, transcripts, identifiers
// of the SDK and keys of the configuration.

// TestDocsNameTests: a test, a scenario or a transcript that stands for a row of a
// table is there.
func TestDocsNameTests(t *testing.T) {
	known := testNames(t)
	for _, name := range scenarioNames(t) {
		known[name] = true
	}
	for _, name := range transcriptNames(t) {
		known[name] = true
	}
	d := readDocument(t, "docs/life-of-a-connection.md")
	rows := 0
	for line := range strings.Lines(d.text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		last := strings.TrimSpace(cells[len(cells)-1])
		if len(cells) < 3 || last == "shown by" || strings.HasPrefix(last, "---") {
			continue
		}
		rows++
		names := inCode(last)
		if len(names) == 0 {
			t.Errorf("%s: nothing shows this: %s", d.name, line)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s: there is no test, scenario or transcript %s", d.name, name)
			}
		}
	}
	if rows < 50 {
		t.Errorf("%s: only %d rows were read", d.name, rows)
	}
	known["TestClient"] = true // Starlette's
	for _, d := range documents(t) {
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(d.text, -1) {
			if !known[name] && !strings.HasPrefix(d.name, firstGuest) {
				t.Errorf("%s: there is no test %s", d.name, name)
			}
		}
	}
}

// inCode returns what stands in code in a line of markdown.
func inCode(line string) (words []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1) {
		words = append(words, m[1])
	}
	return words
}

// testNames returns the names of all tests of this module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, file := range treeFiles(t) {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

// scenarioNames returns the scenarios that TestScenarios plays.
func scenarioNames(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("testdata/conformance/semantics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []struct{ ID string } }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		names = append(names, c.ID)
	}
	return names
}

// transcriptNames returns the transcripts that every SDK plays.
func transcriptNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := fs.Glob(os.DirFS("guests/transcripts"), "*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		names = append(names, strings.TrimSuffix(file, ".txt"))
	}
	return names
}

// TestDocsNameSDK: what is called wherry.X is exported by the SDK for Go.
func TestDocsNameSDK(t *testing.T) {
	exported := make(map[string]bool)
	for _, f := range sourceFiles(t) {
		if f.pkg == "guests/sdk/go" {
			for _, decl := range f.ast.Decls {
				addExported(exported, decl)
			}
		}
	}
	found := 0
	for _, d := range documents(t) {
		for _, m := range regexp.MustCompile(`\bwherry\.([A-Z]\w*)`).FindAllStringSubmatch(d.text, -1) {
			found++
			if !exported[m[1]] {
				t.Errorf("%s: the SDK for Go has no %s", d.name, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no document names anything of the SDK")
	}
}

// addExported adds the names that a declaration exports, of methods and fields too.
func addExported(names map[string]bool, decl ast.Decl) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names[n.Name.Name] = true
			return false
		case *ast.TypeSpec:
			names[n.Name.Name] = true
		case *ast.ValueSpec:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		case *ast.Field:
			for _, name := range n.Names {
				names[name.Name] = true
			}
		}
		return true
	})
}

// TestDocsNameOptions: the keys and flags that stand beside uvicorn's are those of the
// server.
func TestDocsNameOptions(t *testing.T) {
	d := readDocument(t, "docs/coming-from-starlette.md")
	_, section, ok := strings.Cut(d.text, "## uvicorn's options")
	if !ok {
		t.Fatal("the section has gone")
	}
	keys := readDocument(t, "docs/configuration.md").text
	found := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, word := range inCode(cells[2]) {
			key, _, _ := strings.Cut(word, " ")
			found++
			if key != "wherry" && !strings.Contains(keys, strings.Trim(key, `"`)) {
				t.Errorf("%s: docs/configuration.md has no %s", d.name, key)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d keys were read", found)
	}
}

// TestDocsTables: each row of a table has as many cells as the table. A bar in code is
// one too many.
func TestDocsTables(t *testing.T) {
	for _, d := range documents(t) {
		cells := 0
		for i, line := range strings.Split(d.text, "\n") {
			line = strings.TrimSpace(line)
			if !strings.HasPrefix(line, "|") {
				cells = 0
				continue
			}
			n := strings.Count(line, "|") - strings.Count(line, `\|`)
			if cells != 0 && n != cells {
				t.Errorf("%s:%d: %d cells in a table of %d", d.name, i+1, n-1, cells-1)
			}
			cells = n
		}
	}
}

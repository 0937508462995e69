// Package examples runs the example guests on a real server, over sockets, each in
// every language that README.md lists for it, and looks at what is on the wire and
// what the guest and the log have seen. A test is about an example, and has to be
// true of all its guests.
package examples

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// work is a folder for modules, built and compiled. Set by TestMain, never changed.
var work string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	var err error
	if work, err = os.MkdirTemp("", "examples"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(work)
	return m.Run()
}

// each runs a test with the guests of an example, one for each language.
func each(t *testing.T, example string, test func(t *testing.T, g *guest)) {
	t.Parallel()
	for _, language := range table(t)[example] {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			test(t, &guest{language, module(t, example, language)})
		})
	}
}

// A guest is an example in some language.
type guest struct {
	language string
	wasm     []byte
}

// module returns the module of an example. Those in Go are too large to be kept.
func module(t *testing.T, example, language string) []byte {
	t.Helper()
	path := filepath.Join(example, language, example+".wasm")
	if language == "go" {
		path = buildGo(t, example)
	}
	wasm, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// buildGo builds an example as its SDK's README says, and returns where it is.
func buildGo(t *testing.T, example string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a guest and compiles its 2 MB")
	}
	path := filepath.Join(work, example+".wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-trimpath", "-o", path, "./"+example+"/go")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return path
}

// table returns the folders of the languages that README.md lists for each example.
func table(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := make(map[string][]string)
	rows := regexp.MustCompile(`(?m)^\| \[(\w+)\]\((\w+)\) \|.*\| ([\w, ]+) \|\r?$`)
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		if row[1] != row[2] {
			t.Errorf("README.md: the link of %s leads to %s", row[1], row[2])
		}
		examples[row[2]] = strings.Split(strings.ToLower(row[3]), ", ")
	}
	return examples
}

// TestTable: the table of README.md has every example that there is, and no other;
// and each is also in a language that is not Go.
func TestTable(t *testing.T) {
	var listed, there []string
	for example, languages := range table(t) {
		if len(languages) < 2 || languages[0] != "go" {
			t.Errorf("%s is in %q; want Go, and one more", example, languages)
		}
		for _, language := range languages {
			listed = append(listed, example+"/"+language)
		}
	}
	folders, err := filepath.Glob("*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if info, err := os.Stat(folder); err != nil {
			t.Error(err)
		} else if info.IsDir() {
			there = append(there, filepath.ToSlash(folder))
		}
	}
	slices.Sort(listed)
	slices.Sort(there)
	if !slices.Equal(listed, there) {
		t.Errorf("README.md lists %q; there is %q", listed, there)
	}
	for _, folder := range there {
		example, language, _ := strings.Cut(folder, "/")
		if _, err := os.Stat(filepath.Join(folder, example+".wasm")); (err == nil) == (language == "go") || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: module: %v; every one but that in Go is kept", folder, err)
		}
	}
}

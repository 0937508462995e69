package wherry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// What people copy from README.md is compiled here, and run as far as it ends.

// A block is a fenced code block of a document.
type block struct {
	language string
	file     string // what the line before it calls it, as in "This is `main.go`:"
	line     int    // of its first line of code
	text     string
}

func (b block) String() string { return fmt.Sprintf("line %d", b.line) }

// readmeBlocks returns the blocks of README.md in one language. There is at
// least one, or the test that asks for them proves nothing.
func readmeBlocks(t *testing.T, language string) (found []block) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range fencedBlocks(string(text)) {
		if b.language == language {
			found = append(found, b)
		}
	}
	if found == nil {
		t.Fatalf("README.md has no block of %s", language)
	}
	return found
}

func fencedBlocks(markdown string) (blocks []block) {
	const fence = "```"
	inside, file := false, ""
	for i, line := range strings.SplitAfter(markdown, "\n") {
		language, isFence := strings.CutPrefix(strings.TrimSpace(line), fence)
		switch last := len(blocks) - 1; {
		case isFence && inside:
			inside = false
		case isFence:
			inside = true
			blocks = append(blocks, block{language: language, file: file, line: i + 2})
			file = ""
		case inside:
			blocks[last].text += line
		case strings.TrimSpace(line) != "":
			file = namedFile(line)
		}
	}
	return blocks
}

// namedFile returns the name at the end of a line of text, in code and followed by a
// colon.
func namedFile(line string) string {
	if m := regexp.MustCompile("`([^` ]+)`:\\s*$").FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

func TestFencedBlocks(t *testing.T) {
	got := fencedBlocks("a\n```go\nb\n\nc\n```\n```sh\n```\nIt is in `d.c`:\n\n```c\n```\n`e`:\nf\n```c\n```\n")
	want := []block{{"go", "", 3, "b\n\nc\n"}, {"sh", "", 8, ""}, {"c", "d.c", 12, ""}, {"c", "", 16, ""}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}

// TestReadmeGo builds every block of Go: each is a program, formatted.
func TestReadmeGo(t *testing.T) {
	for _, b := range readmeBlocks(t, "go") {
		t.Run(b.String(), func(t *testing.T) {
			formatted, err := format.Source([]byte(b.text))
			if err != nil {
				t.Fatal(err)
			}
			if string(formatted) != b.text {
				t.Error("is not formatted with gofmt")
			}
			// With an overlay the program is a package of this module and lies
			// in no folder of it.
			command := exec.Command("go", "build", "-overlay", overlay(t, "readme/main.go", b.text), "-o", os.DevNull, "./readme")
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// overlay returns the path of an overlay, as "go help build" describes it, that
// adds one file to this module.
func overlay(t *testing.T, name, content string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	config, err := json.Marshal(map[string]any{"Replace": map[string]string{path: source}})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, source, content)
	writeFile(t, filepath.Join(dir, "overlay.json"), string(config))
	return filepath.Join(dir, "overlay.json")
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestReadmeGuest saves each block of C as the README says, and runs the README's
// own commands to build it and to have it inspected.
func TestReadmeGuest(t *testing.T) {
	wherry := buildWherry(t)
	for _, b := range readmeBlocks(t, "c") {
		t.Run(b.String(), func(t *testing.T) { buildGuest(t, wherry, b.text) })
	}
}

func buildGuest(t *testing.T, wherry, source string) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "my.c"), source)
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(root, "guests"), filepath.Join(dir, "guests")); err != nil {
		t.Skip("the commands name a folder of the repository:", err)
	}
	run := func(words ...string) string {
		t.Helper()
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Skip(err)
		}
		command := exec.Command(words[0], words[1:]...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
		}
		return string(out)
	}
	inspected := ""
	for _, words := range readmeCommands(t) {
		switch {
		case strings.HasPrefix(words[0], "clang"), strings.HasPrefix(words[0], "wasm-ld"):
			run(words...)
		case len(words) > 3 && words[3] == "inspect":
			inspected += run(append([]string{wherry}, words[3:]...)...)
		}
	}
	if !regexp.MustCompile(`(?m)^admitted +yes$`).MatchString(inspected) {
		t.Errorf("wherry inspect says\n%s", inspected)
	}
}

// readmeCommands returns the lines of the README's shell blocks, as words.
func readmeCommands(t *testing.T) (commands [][]string) {
	t.Helper()
	for _, b := range readmeBlocks(t, "sh") {
		for line := range strings.Lines(b.text) {
			commands = append(commands, strings.Fields(line))
		}
	}
	return commands
}

// buildWherry returns the path of the binary.
func buildWherry(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wherry.exe")
	if out, err := exec.Command("go", "build", "-o", path, "./cmd/wherry").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestReadmeCommands makes sure that every command is one that exists, with the
// folders and the flags that it names.
func TestReadmeCommands(t *testing.T) {
	wherry := buildWherry(t)
	for _, words := range readmeCommands(t) {
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			if problem := commandProblem(t, wherry, words); problem != "" {
				t.Error(problem)
			}
		})
	}
}

// commandProblem says what is wrong with a command line of a document. wherry is the
// path of the binary.
func commandProblem(t *testing.T, wherry string, words []string) string {
	t.Helper()
	dir := "."
	if len(words) > 3 && words[0] == "cd" && words[2] == "&&" {
		dir, words = words[1], words[3:]
	}
	switch {
	case strings.HasPrefix(words[0], "clang"), strings.HasPrefix(words[0], "wasm-ld"):
		return "" // TestReadmeGuest runs them
	case words[0] == "wherry" && len(words) > 1:
		return flagProblem(t, wherry, words[1:])
	case len(words) < 3 || words[0] != "go":
	case words[1] == "run":
		if _, err := os.Stat(filepath.Join(dir, words[2], "main.go")); err != nil {
			return err.Error()
		}
		if words[2] == "./cmd/wherry" {
			return flagProblem(t, wherry, words[3:])
		}
		return ""
	case words[1] == "test", words[1] == "generate":
		folder := strings.TrimSuffix(words[len(words)-1], "...")
		if _, err := os.Stat(filepath.Join(dir, folder)); err != nil {
			return err.Error()
		}
		return ""
	}
	return "no test knows how to check it"
}

// flagProblem holds the flags of a command line against what the command's help
// lists.
func flagProblem(t *testing.T, wherry string, args []string) string {
	t.Helper()
	help, err := exec.Command(wherry, args[0], "--help").CombinedOutput()
	if err != nil {
		return fmt.Sprintf("wherry %s --help: %v\n%s", args[0], err, help)
	}
	for _, arg := range args[1:] {
		if arg != "--help" && strings.HasPrefix(arg, "-") && !bytes.Contains(help, []byte("  "+arg+" ")) {
			return fmt.Sprintf("wherry %s has no flag %s", args[0], arg)
		}
	}
	return ""
}

// TestReadmeLimits makes sure that no limit of a tenant is missing.
func TestReadmeLimits(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	limits := reflect.TypeFor[runtime.Limits]()
	for i := range limits.NumField() {
		if row := "| `" + limits.Field(i).Name + "` |"; !bytes.Contains(text, []byte(row)) {
			t.Errorf("the table of limits has no row %q", row)
		}
	}
}

// TestReadmeConfiguration has the configuration files of README.md checked.
func TestReadmeConfiguration(t *testing.T) {
	wherry := buildWherry(t)
	for _, b := range readmeBlocks(t, "toml") {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "my.wasm"), string(guests.Echo()))
		file := filepath.Join(dir, "wherry.toml")
		writeFile(t, file, b.text)
		if out, err := exec.Command(wherry, "check", file).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", b, err, out)
		}
	}
}

// TestLinks follows the relative links of the documents in this folder and in
// docs.
func TestLinks(t *testing.T) {
	documents, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	documents = append(documents, more...)
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), filepath.FromSlash(string(m[1])))); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
}

//go:build unix

package main

import (
	"bytes"
	"context"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// makeProject runs "wherry new" in a new folder, and returns the project's.
func makeProject(t *testing.T, lang, name string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := inFolder(t, dir, binary, "new", "--lang", lang, name).CombinedOutput(); err != nil {
		t.Fatalf("wherry new --lang %s %s: %v\n%s", lang, name, err, out)
	}
	return filepath.Join(dir, name)
}

// inFolder returns a command to be run in a folder.
func inFolder(t *testing.T, dir string, words ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	command.Dir = dir
	// As a newcomer without a network has it.
	command.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly")
	return command
}

// has reports whether a compiler is there that a language's build command needs.
func has(t *testing.T, lang string) (why string) {
	t.Helper()
	tool := func(variable, name string) string {
		if set := os.Getenv(variable); set != "" {
			name = set
		}
		if _, err := exec.LookPath(name); err != nil {
			return err.Error()
		}
		return ""
	}
	switch lang {
	case "c":
		return tool("CLANG", "clang-14") + tool("WASM_LD", "wasm-ld-14")
	case "assemblyscript":
		return tool("ASC", "asc")
	case "rust":
		if why := tool("RUSTC", "rustc"); why != "" {
			return why
		}
		rustc := os.Getenv("RUSTC")
		if rustc == "" {
			rustc = "rustc"
		}
		out, err := exec.Command(rustc, "--print", "sysroot").Output()
		if err != nil {
			return err.Error()
		}
		_, err = os.Stat(filepath.Join(strings.TrimSpace(string(out)), "lib/rustlib/wasm32-unknown-unknown"))
		if err != nil {
			return "rustc has no wasm32-unknown-unknown: " + err.Error()
		}
	}
	return ""
}

// TestNew: what is written can be built, and passes its own tests, with the very commands
// of its README.
func TestNew(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a project in each language")
	}
	for _, l := range languages() {
		t.Run(l.word, func(t *testing.T) {
			t.Parallel()
			dir := makeProject(t, l.word, "my-guest")
			for _, name := range []string{"wherry.toml", "test.toml", "README.md", ".gitignore"} {
				content, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || len(content) == 0 || bytes.Contains(content, []byte("{{")) {
					t.Errorf("%s: %q, %v", name, content, err)
				}
			}
			if why := has(t, l.word); why != "" {
				t.Skip(why)
			}
			commands := readmeCommands(t, dir)
			if len(commands) != 3 || commands[2] != "wherry dev ." {
				t.Fatalf("the README has the commands %q", commands)
			}
			for _, line := range commands[:2] {
				line = strings.Replace(line, "wherry test", "'"+binary+"' test", 1)
				if l.word == "assemblyscript" && os.Getenv("ASC") == "" {
					line = "ASC=asc; " + line // where npx would find one
				}
				out, err := inFolder(t, dir, "sh", "-c", line).CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", line, err, out)
				}
			}
			if out, err := inFolder(t, dir, binary, "check", "wherry.toml").CombinedOutput(); err != nil {
				t.Errorf("check: %v\n%s", err, out)
			}
		})
	}
}

// readmeCommands returns the lines of the block of shell in a project's README.
func readmeCommands(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n```sh\n")
	block, _, _ := strings.Cut(after, "\n```\n")
	return strings.Split(block, "\n")
}

// TestNewGo: the Go of a new project is formatted, and its test passes.
func TestNewGo(t *testing.T) {
	t.Parallel()
	dir := makeProject(t, "go", "a")
	for _, name := range []string{"main.go", "main_test.go"} {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(source)
		if err != nil || !bytes.Equal(formatted, source) {
			t.Errorf("%s is not formatted with gofmt, %v", name, err)
		}
	}
	for _, words := range [][]string{{"go", "vet", "."}, {"go", "test", "."}} {
		if out, err := inFolder(t, dir, words...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", strings.Join(words, " "), err, out)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taken"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{}, 2, `new takes one name, not 0; write wherry new --lang LANGUAGE NAME`},
		{[]string{"a", "b"}, 2, `new takes one name, not 2; .*`},
		{[]string{"--lang", "cobol", "a"}, 2, `invalid value "cobol" for flag -lang: it can be go, c, rust, assemblyscript; .*`},
		{[]string{"taken"}, 1, `taken is there already; choose another name, or remove it`},
		{[]string{"--lang", "c", "folder"}, 1, `folder is there already; choose another name, or remove it`},
		{[]string{""}, 2, `"" cannot name a guest; write a lower case letter, and up to 39 more, digits and hyphens`},
		{[]string{"../a"}, 2, `"../a" cannot name a guest; .*`},
		{[]string{"/tmp"}, 2, `"/tmp" cannot name a guest; .*`},
		{[]string{"A"}, 2, `"A" cannot name a guest; .*`},
		{[]string{"1a"}, 2, `"1a" cannot name a guest; .*`},
		{[]string{"a'b"}, 2, `"a'b" cannot name a guest; .*`},
		{[]string{"a-"}, 2, `"a-" cannot name a guest; .*`},
		{[]string{strings.Repeat("a", 41)}, 2, `"a{41}" cannot name a guest; .*`},
	} {
		command := inFolder(t, dir, append([]string{binary, "new"}, tc.args...)...)
		out, _ := command.CombinedOutput()
		if command.ProcessState.ExitCode() != tc.status || !regexp.MustCompile(`^wherry: `+tc.want+`\n$`).Match(out) {
			t.Errorf("%q: exit status %d, %q", tc.args, command.ProcessState.ExitCode(), out)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("it has left %v, %v", entries, err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "taken")); err != nil || string(content) != "mine" {
		t.Errorf("what was there is %q, %v", content, err)
	}
}

// TestCloneModule: what a clone requires, every guest's module requires that is tested
// with it; a folder that is no clone is not taken for one.
func TestCloneModule(t *testing.T) {
	m, ok := cloneModule("../..")
	if !ok || m.Clone != "../.." || m.Version != "v0.0.0" || !strings.HasPrefix(m.Go, "1.") || len(m.sums) == 0 {
		t.Errorf("the clone is %+v, %v", m, ok)
	}
	if !slices.ContainsFunc(m.Requires, func(r string) bool { return strings.HasPrefix(r, "github.com/tetratelabs/wazero v") }) {
		t.Errorf("it requires %q", m.Requires)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "go.mod"), []byte("module other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{other, t.TempDir(), filepath.Join(other, "gone")} {
		if m, ok := cloneModule(dir); ok {
			t.Errorf("%s is taken for a clone: %+v", dir, m)
		}
	}
	if got := languageVersion(); !regexp.MustCompile(`^1\.\d+`).MatchString(got) {
		t.Errorf("the language's version is %q", got)
	}
}

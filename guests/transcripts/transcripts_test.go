// Package transcripts holds the SDKs to what they have in common: one program,
// written with each of them, and what it must answer to which events. README.md
// says what the program does and how a transcript is written; the program of a
// language that keeps its module is LANGUAGE/program.wasm.
package transcripts

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// languages are the folders with a program.
func languages() []string { return []string{"go", "c", "rust", "assemblyscript"} }

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	engine, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, language := range languages() {
		t.Run(language, func(t *testing.T) {
			m, err := engine.Compile(program(t, language))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for _, file := range files {
				t.Run(strings.TrimSuffix(file, ".txt"), func(t *testing.T) {
					text, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					s, err := parse(strings.ReplaceAll(string(text), "\r\n", "\n"))
					if err != nil {
						t.Fatalf("%s: %v", file, err)
					}
					play(t, start(t, m), file, s)
				})
			}
			t.Run("Flood", func(t *testing.T) { flood(t, start(t, m)) })
			t.Run("Churn", func(t *testing.T) { churn(t, start(t, m)) })
			t.Run("Noise", func(t *testing.T) { noise(t, start(t, m)) })
		})
	}
}

// program returns the module of a language. That of Go is too large to be kept.
func program(t *testing.T, language string) []byte {
	t.Helper()
	path := filepath.Join(language, "program.wasm")
	if language == "go" {
		if testing.Short() {
			t.Skip("builds a guest and compiles its 2 MB")
		}
		path = filepath.Join(t.TempDir(), "program.wasm")
		build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", path, "./go")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	wasm, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no program in this language")
	}
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// play runs a script. What is logged at warn or error has to be looked for before
// the next turn, unless the guest trapped.
func play(t *testing.T, h *host, file string, s script) {
	for _, step := range s {
		if step.check != nil {
			if !h.check(step.check) {
				t.Errorf("%s:%d: not so: %s; logged: %q", file, step.line, join(step.check), h.logged)
			}
			continue
		}
		h.expectQuiet(file, step.line)
		h.turn(step.events)
		if !compare(t, h, file, step) {
			return // what follows would only be confusing
		}
	}
	h.expectQuiet(file, 0)
}

// compare holds what the guest said in a turn against a step.
func compare(t *testing.T, h *host, file string, s step) (same bool) {
	for i := range max(len(h.said), len(s.commands)) {
		got, want := "nothing", "nothing"
		if i < len(h.said) {
			got = join(h.said[i])
		}
		if i < len(s.commands) {
			want = join(s.commands[i])
		}
		if i >= len(h.said) || i >= len(s.commands) || !slices.Equal(h.said[i], s.commands[i]) {
			t.Errorf("%s:%d: command %d:\n got %s\nwant %s\nlogged: %q %s", file, s.line, i+1, got, want, h.logged, h.trap)
			return false
		}
	}
	return true
}

// check reports whether a check holds, and forgets the line that it looked for.
func (h *host) check(words []string) bool {
	if words[0] == "wants" {
		var have []string
		for _, k := range abi.Kinds() {
			event := strings.Contains(k.Doc, "event: ")
			if event && h.instance.Wants()&abi.Kind(k.Value).Bit() != 0 {
				have = append(have, k.Name)
			}
		}
		want := slices.Sorted(slices.Values(words[1:]))
		slices.Sort(have)
		return slices.Equal(have, want)
	}
	i := slices.IndexFunc(h.logged, func(l logLine) bool {
		if words[1] == "*" {
			return strings.Contains(l.text, words[2])
		}
		return l.level == words[1] && l.text == words[2]
	})
	if i >= 0 {
		h.logged = slices.Delete(h.logged, i, i+1)
	}
	return i >= 0
}

// expectQuiet fails the test for lines that nobody looked for.
func (h *host) expectQuiet(file string, line int) {
	h.t.Helper()
	for _, l := range h.logged {
		if h.trap == "" && (l.level == "warn" || l.level == "error") {
			h.t.Errorf("%s: before line %d: logged at %s, and not looked for: %s", file, line, l.level, l.text)
		}
	}
}

// TestParse: what is no transcript is said to be none.
func TestParse(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"> connect 1 :route=/x\n< accept 1\n", ""},
		{"# nothing", ""},
		{"< accept 1", "line 1: a command without an event before it"},
		{"> connect 1\n= wants\n< accept 1", "line 3: a command without an event before it"},
		{"hello", "line 1: a line starts with >, <, = or #"},
		{"> hello 1", "line 1: no such event: hello"},
		{"> connect x", `line 1: strconv.ParseUint: parsing "x": invalid syntax`},
		{"> connect 1 route", "line 1: no field: route"},
		{"> text 1", "line 1: 0 words where 1 belong: []"},
		{"> text 1 \"x", "line 1: bad quotes: \"x"},
		{`> text 1 "x"*`, "line 1: bad count: *"},
		{"> close 1 1000 clean,odd \"\"", "line 1: no such flag: odd"},
		{"> fault 1 message odd", "line 1: no such name: odd"},
		{"> stop", "line 1: 0 words where 1 belong: []"},
		{"= log", `line 1: no such check: ["log"]`},
		{">", "line 1: an event without a name"},
	} {
		_, err := parse(tc.text)
		if got := errorText(err); got != tc.want {
			t.Errorf("%q: got %q; want %q", tc.text, got, tc.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestParseTurns: which events are one turn.
func TestParseTurns(t *testing.T) {
	s, err := parse("> text 1 a\n\n# more\n> text 1 \"b \"*2\n<\n> timer 1\n< text 1 x=\"y z\"\n= log info done\n> stop idle\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, step := range s {
		line := join(step.check)
		for _, e := range step.events {
			line += " " + e.payload
		}
		for _, c := range step.commands {
			line += " | " + join(c)
		}
		got = append(got, line)
	}
	want := []string{" a b b ", "  | text 1 \"x=y z\"", "log info done", " "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}

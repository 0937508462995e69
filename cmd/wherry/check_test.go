//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
)

// writeConfig returns the path of a configuration file in a folder that has these
// modules, too.
func writeConfig(t *testing.T, toml string, modules map[string][]byte) string {
	t.Helper()
	file := writeFile(t, "wherry.toml", []byte(toml))
	for name, wasm := range modules {
		path := filepath.Join(filepath.Dir(file), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, wasm, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// stderrLines returns what the binary printed, without its name.
func stderrLines(t *testing.T, stderr string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(stderr) {
		rest, ok := strings.CutPrefix(line, "wherry: ")
		if !ok {
			t.Errorf("stderr has %q", line)
		}
		lines = append(lines, strings.TrimSuffix(rest, "\n"))
	}
	return lines
}

// The document's example would start, given its module.
func TestCheckExample(t *testing.T) {
	file := writeConfig(t, exampleConfig(t), map[string][]byte{"guests/acme.wasm": guests.Echo()})
	status, stdout, stderr := runBinary(t, "check", file)
	if status != 0 || stderr != "" {
		t.Errorf("exit status %d, stderr %q", status, stderr)
	}
	want := `^acme  sha256:[0-9a-f]{64}  largest message 524288 bytes
chat  sha256:[0-9a-f]{64}  largest message 1048576 bytes
.*wherry.toml would start, and listen on 127.0.0.1:8080 and \[::1\]:8080 and 127.0.0.1:8081
$`
	if !regexp.MustCompile(want).MatchString(stdout) {
		t.Errorf("stdout has\n%s", stdout)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "cache")); err != nil {
		t.Errorf("the cache is not beside the file: %v", err)
	}
}

// Every module is tried, and every problem told, whatever else is wrong.
func TestCheckProblems(t *testing.T) {
	file := writeConfig(t, `
lops = 1
[[tenant]]
name = "text"
module = "text.wasm"
[[tenant]]
name = "absent"
module = "absent.wasm"
[[tenant]]
name = "good"
module = "./echo"
[[tenant]]
name = "small"
module = "chat"
limits = { memory_pages = 1 }
[[route]]
pattern = "/"
tenant = "god"
`, map[string][]byte{"text.wasm": []byte("this is\nno module\n"), "echo": guests.EchoWAT()})
	status, stdout, stderr := runBinary(t, "check", file)
	if status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	want := []string{
		`:2: unknown key "lops" in the file; did you mean "loops"\?`,
		`:5: module text.wasm refused: invalid_module: .*; build it as abi/SPEC.md asks.*`,
		`:8: cannot read module .*absent.wasm: no such file or directory; .*`,
		`:14: the module starts with \d+ pages of memory, and may have 1; raise memory_pages`,
		`:18: there is no tenant "god"; did you mean "good"\?`,
	}
	got := stderrLines(t, stderr)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !regexp.MustCompile("^"+regexp.QuoteMeta(file)+want[i]+"$").MatchString(got[i]) {
			t.Fatalf("stderr has\n%s", stderr)
		}
	}
	for _, line := range []string{`text +refused`, `good +sha256:[0-9a-f]{64}  largest message \d+ bytes`, `.* would not start`} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(stdout) {
			t.Errorf("no line %q in\n%s", line, stdout)
		}
	}
}

// A file that serve cannot use is one that check does not pass.
func TestUnusableConfig(t *testing.T) {
	const idle = "[[tenant]]\nname = \"a\"\nmodule = \"echo\"\n"
	large := writeFile(t, "large.toml", slices.Repeat([]byte("#\n"), 1<<19+1))
	for _, tc := range []struct {
		name, file, want string
	}{
		{"not there", filepath.Join(t.TempDir(), "x.toml"), `cannot read configuration .*x.toml: no such file or directory; give the path of a TOML file of at most 1MiB`},
		{"a folder", t.TempDir(), `cannot read configuration .*: is a directory; .*`},
		{"too large", large, `cannot read configuration .*large.toml: file too large; .*`},
		{"not TOML", writeConfig(t, "a = \n", nil), `.*wherry.toml:1: .*`},
		{"no route", writeConfig(t, idle, nil), `.*wherry.toml: no route leads to a tenant; write a \[\[route\]\]`},
		{"no cache", writeConfig(t, "cache_dir = \"wherry.toml\"\n", nil), `.*cannot start: .*`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, args := range [][]string{{"check", tc.file}, {"serve", "--config", tc.file}} {
				status, _, stderr := runBinary(t, args...)
				if status != 1 || !regexp.MustCompile(`^wherry: `+tc.want+`\n$`).MatchString(stderr) {
					t.Errorf("%s: exit status %d, stderr %q, want %s", args[0], status, stderr, tc.want)
				}
			}
		})
	}
}

// Of several addresses, each has a line; of one that is taken, the line of the
// file is told.
func TestServeConfigListeners(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	status, _, stderr := runBinary(t, "serve", "--config", writeConfig(t, "\nlisten = [\"127.0.0.1:0\", \""+taken.Addr().String()+"\"]\n", nil))
	want := `^wherry: cannot listen on ` + taken.Addr().String() + `: address already in use; choose another in .*wherry.toml:2, or with --listen\n$`
	if status != 1 || !regexp.MustCompile(want).MatchString(stderr) {
		t.Errorf("exit status %d, stderr %q", status, stderr)
	}

	p := startBinary(t, "serve", "--config", writeConfig(t, `listen = ["127.0.0.1:0", "localhost:0"]`, nil))
	c := p.dial(t, "/echo")
	c.send(t, "x")
	c.receive(t)
	if got := p.lines(); len(got) != 2 || !strings.HasPrefix(got[1], "wherry: listening on ") || got[0] == got[1] {
		t.Errorf("stderr has %q", got)
	}
}

// The file says what is served and how much; flags and routes go over it.
func TestServeConfig(t *testing.T) {
	file := writeConfig(t, `
listen = ["127.0.0.1:1"]
loops = 2
log = { format = "json" }
[[tenant]]
name = "acme"
module = "./echo"
limits = { message_bytes = 100 }
[[tenant]]
name = "rooms"
module = "chat"
[[route]]
pattern = "/acme/{account}"
tenant = "acme"
placement = "per-loop"
[[route]]
pattern = "/rooms/{room}"
tenant = "rooms"
`, map[string][]byte{"echo": guests.EchoWAT()})
	p := serveBinary(t, "--config", file, "/more=rooms", "/echo=echo")
	c := p.dial(t, "/acme/1")
	c.send(t, "hello")
	if got := c.receive(t); got != "hello" {
		t.Errorf("echo has %q", got)
	}
	c.send(t, strings.Repeat("x", 101))
	if code := c.receiveClose(t); code != ws.StatusMessageTooBig {
		t.Errorf("101 bytes close with %d, want 1009", code)
	}
	// A module that is called like a tenant is the tenant, and shares its rooms.
	ann, bob := p.dial(t, "/rooms/tug"), p.dial(t, "/more?room=tug")
	ann.send(t, "ahoy")
	bob.receiveUntil(t, "ahoy")
	other := p.dial(t, "/echo")
	other.send(t, strings.Repeat("x", 1000))
	other.receive(t)
	for _, c := range []*client{ann, bob, other} {
		c.Close() // or the server waits for them to answer its close frames
	}
	p.signal(t, syscall.SIGTERM)
	p.wait(t)
	if got := p.lines(); len(got) < 2 || !strings.HasPrefix(got[1], "{") {
		t.Errorf("the log is not JSON: %q", got)
	}

	p = serveBinary(t, "--config", file, "--max-message", "10", "--log-format", "text")
	c = p.dial(t, "/acme/1")
	c.send(t, strings.Repeat("x", 11))
	if code := c.receiveClose(t); code != ws.StatusMessageTooBig {
		t.Errorf("11 bytes close with %d, want 1009", code)
	}
	p.signal(t, syscall.SIGTERM)
	p.wait(t)
	if got := p.lines(); len(got) < 2 || strings.HasPrefix(got[1], "{") {
		t.Errorf("the log is not text: %q", got)
	}
}

//go:build unix

package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
)

// expectLine waits until stderr has a line that matches, behind the lines before, and
// returns how many there are with it.
func (p *process) expectLine(t *testing.T, after int, pattern string) int {
	t.Helper()
	want := regexp.MustCompile(pattern)
	ended := false
	for deadline := time.Now().Add(patience); ; {
		lines := p.lines()
		for i := after; i < len(lines); i++ {
			if want.MatchString(lines[i]) {
				return i + 1
			}
		}
		if ended || time.Now().After(deadline) {
			t.Fatalf("no line is like %q:\n%s", pattern, strings.Join(lines[min(after, len(lines)):], "\n"))
		}
		select {
		case <-p.read:
			ended = true
		case <-time.After(5 * time.Millisecond): // the log is looked at again
		}
	}
}

func save(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func startDev(t *testing.T, dir string) *process {
	t.Helper()
	return startBinary(t, devArgs(dir)...)
}

func devArgs(dir string) []string {
	return []string{"dev", dir, "--listen", "127.0.0.1:0", "--poll", "20ms"}
}

// TestDevGo is the day of a developer: a guest in Go is served, broken, mended, and a
// connection lives through it.
func TestDevGo(t *testing.T) {
	t.Parallel()
	dir := makeProject(t, "go", "day")
	source, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	p := startDev(t, dir)
	c := p.dial(t, "/ws")
	c.send(t, "hello")
	if got := c.receive(t); got != "hello" {
		t.Fatalf("received %q", got)
	}

	at := len(p.lines())
	save(t, dir, "main.go", strings.Replace(string(source), "m.Text()", "m.Nonsense()", 1))
	at = p.expectLine(t, at, `^wherry: main\.go changed$`)
	at = p.expectLine(t, at, `^  .*main\.go:\d+:\d+: .*Nonsense`)
	at = p.expectLine(t, at, `^wherry: the build failed: exit status 1$`)
	at = p.expectLine(t, at, `^wherry: the old module goes on serving$`)
	c.send(t, "still the old one")
	if got := c.receive(t); got != "still the old one" {
		t.Fatalf("received %q", got)
	}

	save(t, dir, "main.go", strings.Replace(string(source), "m.Text()", `"new: " + m.Text()`, 1))
	at = p.expectLine(t, at, `^wherry: built in `)
	p.expectLine(t, at, `^wherry: day: the new module is serving; 1 connection kept$`)
	c.send(t, "and now")
	if got := c.receive(t); got != "new: and now" {
		t.Fatalf("received %q", got)
	}
	p.signal(t, syscall.SIGTERM)
	if state := p.wait(t); state.ExitCode() != 0 {
		t.Errorf("%v: %q", state, p.lines())
	}
}

// devProject writes a project whose build needs nothing but a shell: it makes the module
// that the file "which" names, or fails with what it says.
func devProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	modules := t.TempDir()
	save(t, modules, "echo", string(guests.Echo()))
	save(t, modules, "wat", string(guests.EchoWAT()))
	save(t, modules, "chat", string(guests.Chat()))
	save(t, modules, "bad", "no module")
	save(t, dir, "which", "echo")
	save(t, dir, "wherry.toml", `build = '''read name <which; test -f "`+modules+`/$name" || { echo "which:1: no $name"; exit 3; }; cp "`+modules+`/$name" out.wasm'''
[[tenant]]
name = "t"
module = "out.wasm"
[[route]]
pattern = "/ws/{name}"
tenant = "t"
`)
	return dir
}

// TestDev goes through what can happen to a module.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := devProject(t)
	save(t, dir, "which", "nothing\n")
	p, _ := launchBinary(t, devArgs(dir)...)
	at := p.expectLine(t, 0, `^  which:1: no nothing$`)
	at = p.expectLine(t, at, `^wherry: the build failed: exit status 3$`)
	at = p.expectLine(t, at, `^wherry: nothing is served yet; save a file to try again$`)
	save(t, dir, "which", "bad\n")
	at = p.expectLine(t, at, `^wherry: t: .*`)
	at = p.expectLine(t, at, `^wherry: nothing is served yet`)
	save(t, dir, "which", "echo\n")
	at = p.expectLine(t, at, `^wherry: listening on `)
	p.addr = strings.TrimPrefix(p.lines()[at-1], "wherry: listening on ")
	p.expectLine(t, at, `^wherry: try it at http://`+regexp.QuoteMeta(p.addr)+`/; `)

	r, err := http.Get("http://" + p.addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || !strings.Contains(string(body), `value="/ws/{name}"`) || regexp.MustCompile("@(style|options|first)").Match(body) {
		t.Errorf("the page is %d, %v\n%s", r.StatusCode, err, body)
	}
	for _, source := range []string{hashSource(string(body), "script"), hashSource(string(body), "style")} {
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, source) {
			t.Errorf("policy %q does not allow %s", policy, source)
		}
	}

	c := p.dial(t, "/ws/a")
	c.send(t, "x")
	c.receive(t)
	for _, step := range []struct{ which, want string }{
		{"echo ", `^wherry: t: the module is as it was$`},
		{"gone", `^wherry: the old module goes on serving$`},
		{"bad", `^wherry: t: module refused: .*: .*$`},
		{"chat", `^wherry: t: the new module is serving; 1 connection kept$`},
		{"wat", `^wherry: t: the new module is serving; 1 connection closed with 1012, because it has no on_resume$`},
		{"chat ", `^wherry: t: the new module is serving$`},
	} {
		at = len(p.lines())
		save(t, dir, "which", step.which+"\n")
		p.expectLine(t, at, step.want)
		if strings.TrimSpace(step.which) == "wat" {
			if code := c.receiveClose(t); code != 1012 {
				t.Errorf("closed with %d", code)
			}
			c.Close()
			p.expectLine(t, at, "level=INFO msg=connection .* code=1012")
		}
	}
	save(t, dir, "wherry.toml", "")
	p.expectLine(t, 0, `^wherry: what is in wherry.toml counts when wherry dev is started again$`)
	p.signal(t, syscall.SIGINT)
	if state := p.wait(t); state.ExitCode() != 0 {
		t.Errorf("%v: %q", state, p.lines())
	}
}

func TestDevRefuses(t *testing.T) {
	noBuild := t.TempDir()
	save(t, noBuild, "wherry.toml", "[[tenant]]\nname = 'a'\nmodule = 'echo'\n[[route]]\npattern = '/'\ntenant = 'a'\n")
	taken := devProject(t)
	for _, tc := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{}, 2, `dev takes one folder, not 0; write wherry dev DIR`},
		{[]string{"--poll", "0s", "x"}, 2, `files looked at every 0s; --poll can be 1ms to 1m`},
		{[]string{t.TempDir()}, 1, `cannot read configuration .*wherry.toml: no such file or directory; .*`},
		{[]string{noBuild}, 1, `.*wherry.toml: there is no build command; write build = "...", or use "wherry serve --config"`},
		{[]string{"--listen", "127.0.0.1:99999", taken}, 1, `cannot listen on 127.0.0.1:99999: .*`},
	} {
		status, _, stderr := runBinary(t, append([]string{"dev"}, tc.args...)...)
		lines := slices.Collect(strings.Lines(stderr))
		if len(lines) == 0 || status != tc.status || !regexp.MustCompile(`^wherry: `+tc.want+`\n$`).MatchString(lines[len(lines)-1]) {
			t.Errorf("%q: exit status %d, %q", tc.args, status, stderr)
		}
	}
}

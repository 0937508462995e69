package wherry_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// The pages about a first guest are followed as a reader would: each file is saved
// under the name that the line before it says, each command is run in the same shell
// as those before it, and what a block of text shows behind commands has to be in
// their output.
//
// Three things are different. What is here already is not fetched: the sources, and what
// npm installs. The server listens on a port that is free. And it is stopped when it was
// tried.

// firstGuest is what the names of those pages begin with.
const firstGuest = "docs/first-guest-"

// patience is how long a server may take to start or to stop, on a slow and busy
// machine.
const patience = time.Minute

// TestFirstGuests follows the page of each language whose tools are here.
func TestFirstGuests(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a shell, and there is no server")
	}
	if testing.Short() {
		t.Skip("builds the binary and guests, and tests them")
	}
	bin := t.TempDir() // of all pages, so that the binary is linked once
	for _, tc := range []struct {
		language string
		prepare  func(r *reader)
	}{
		{"go", func(*reader) {}},
		{"c", func(r *reader) { r.needs("clang-14", "wasm-ld-14") }},
		{"rust", (*reader).needsRust},
		{"assemblyscript", (*reader).needsAsc},
	} {
		t.Run(tc.language, func(t *testing.T) {
			r := newReader(t, bin)
			tc.prepare(r)
			page := firstGuest + tc.language + ".md"
			for _, b := range readDocument(t, page).blocks {
				r.block(page, b)
				if t.Failed() {
					return // what follows would only be confusing
				}
			}
			if r.tried == 0 {
				t.Error("the page serves nothing")
			}
		})
	}
}

// A reader follows a page.
type reader struct {
	t       *testing.T
	home    string // a folder with the sources as wherry
	bin     string // a folder that is in the path, where Go installs programs
	tools   string // another one
	modules string // a folder that npm has filled
	at      string // where the shell is
	output  string // of the last commands
	tried   int    // servers
}

func newReader(t *testing.T, bin string) *reader {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, home: t.TempDir(), bin: bin}
	r.at = r.home
	if err := os.Symlink(root, filepath.Join(r.home, "wherry")); err != nil {
		t.Fatal(err)
	}
	return r
}

// needs skips the test if a tool is not in the path.
func (r *reader) needs(tools ...string) {
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			r.t.Skip(err)
		}
	}
}

// needsRust skips the test unless there is a rustc, in the path or in $RUSTC, that can
// build for WebAssembly.
func (r *reader) needsRust() {
	rustc := os.Getenv("RUSTC")
	if rustc == "" {
		rustc = "rustc"
	} else {
		r.tools = filepath.Dir(rustc)
	}
	sysroot, err := exec.Command(rustc, "--print", "sysroot").Output()
	if err != nil {
		r.t.Skip(err)
	}
	if _, err := os.Stat(filepath.Join(strings.TrimSpace(string(sysroot)), "lib/rustlib/wasm32-unknown-unknown")); err != nil {
		r.t.Skip(err)
	}
}

// needsAsc skips the test unless $ASC is the compiler in a folder that npm has filled.
func (r *reader) needsAsc() {
	r.needs("npx")
	asc := os.Getenv("ASC")
	r.modules = filepath.Dir(filepath.Dir(asc))
	if filepath.Base(r.modules) != "node_modules" {
		r.t.Skip("ASC does not say where node_modules/.bin/asc is")
	}
}

// block does what one block says.
func (r *reader) block(page string, b block) {
	switch {
	case b.file != "":
		writeFile(r.t, filepath.Join(r.at, filepath.FromSlash(b.file)), b.text)
	case b.language == "sh" && strings.HasPrefix(b.text, "wherry dev"):
		r.serve(strings.TrimSpace(b.text), tryTalk)
	case b.language == "sh" && strings.HasPrefix(b.text, "wherry serve"):
		r.serve(strings.TrimSpace(b.text), tryBoard)
	case b.language == "sh":
		r.shell(b.text)
	case b.language == "text":
		for line := range strings.Lines(b.text) {
			if line = strings.TrimSpace(line); line != "..." && !strings.Contains(r.output, line) {
				r.t.Errorf("%s:%d: %q is not in the output:\n%s", page, b.line, line, r.output)
			}
		}
	default:
		r.t.Errorf("%s:%d: what is this block for? A file has its name in the line before: This is `name`:", page, b.line)
	}
}

// command returns a command in the reader's shell.
func (r *reader) command(ctx context.Context, script string) *exec.Cmd {
	c := exec.CommandContext(ctx, "bash", "-c", script)
	path := []string{r.bin, r.tools, os.Getenv("PATH")}
	c.Env = append(os.Environ(), "GOBIN="+r.bin, "PATH="+strings.Join(path, string(os.PathListSeparator)),
		"PWD="+r.at, "GOFLAGS=-buildvcs=false", "GOWORK=off")
	c.Dir = r.at
	return c
}

// shell runs commands, and remembers where they have gone.
func (r *reader) shell(script string) {
	var lines []string
	for line := range strings.Lines(script) {
		switch {
		case strings.HasPrefix(line, "git clone "):
		case strings.HasPrefix(line, "npm install"):
			if err := os.Symlink(r.modules, filepath.Join(r.at, "node_modules")); err != nil {
				r.t.Fatal(err)
			}
		default:
			lines = append(lines, line)
		}
	}
	where := filepath.Join(r.home, "where")
	out, err := r.command(r.t.Context(), "set -e\n"+strings.Join(lines, "")+"\npwd >"+where).CombinedOutput()
	r.output = string(out)
	if err != nil {
		r.t.Fatalf("%s%v\n%s", script, err, out)
	}
	at, err := os.ReadFile(where)
	if err != nil {
		r.t.Fatal(err)
	}
	r.at = strings.TrimSpace(string(at))
}

// serve starts a server, has it tried, and stops it.
func (r *reader) serve(line string, try func(t *testing.T, address string)) {
	words := strings.SplitN(line, " ", 3)
	words[1] += " --listen 127.0.0.1:0"
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	c := r.command(ctx, "exec "+strings.Join(words, " "))
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = patience
	stderr, err := c.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	var said bytes.Buffer
	address := listening(io.TeeReader(stderr, &said))
	rest := make(chan struct{})
	go func() { io.Copy(&said, stderr); close(rest) }()
	if address != "" {
		r.tried++
		try(r.t, address)
	}
	cancel()
	<-rest
	// To end by the signal that it was sent is how a server should end.
	if err := c.Wait(); address == "" || !errors.Is(err, context.Canceled) {
		r.t.Errorf("%s: %v\n%s", line, err, said.Bytes())
	}
}

// listening returns the address that a server says it listens on; "" if it ends before.
func listening(output io.Reader) string {
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if _, address, ok := strings.Cut(lines.Text(), "listening on "); ok {
			return address
		}
	}
	return ""
}

// tryTalk does in a few requests what a page says to do with the guest that "wherry
// new" wrote.
func tryTalk(t *testing.T, address string) {
	tryPage(t, "http://"+address+"/", "WebSocket")
	trySocket(t, "ws://"+address+"/ws", "hello", "hello")
}

// tryBoard does the same with the reader's own.
func tryBoard(t *testing.T, address string) {
	tryPage(t, "http://"+address+"/ws", "new WebSocket(url)")
	trySocket(t, "ws://"+address+"/ws?name=ann", "hello", "ann: hello")
}

// tryPage fetches a page that has some text in it.
func tryPage(t *testing.T, url, text string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 || !bytes.Contains(page, []byte(text)) {
		t.Errorf("%s: %s, %v, %q", url, response.Status, err, page)
	}
}

// trySocket sends a text and expects another.
func trySocket(t *testing.T, url, text, want string) {
	t.Helper()
	conn, _, _, err := ws.Dial(t.Context(), url)
	if err != nil {
		t.Errorf("%s: %v", url, err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
		t.Error(err)
	}
	if got, err := wsutil.ReadServerText(conn); err != nil || string(got) != want {
		t.Errorf("%s: got %q, %v; want %q", url, got, err, want)
	}
}

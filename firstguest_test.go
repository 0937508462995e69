package wherry_test

import (
	"bufio"
	"bytes"
	"context"
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
// Three things are different. The sources are here already and are not fetched; the
// server listens on a port that is free; and it is stopped when it was tried.

// firstGuest is what the names of those pages begin with.
const firstGuest = "docs/first-guest-"

// patience is how long a server may take to start or to stop, on a slow and busy
// machine.
const patience = time.Minute

// A reader follows a page.
type reader struct {
	t      *testing.T
	home   string // a folder with the sources as wherry, and bin in the path
	at     string // where the shell is
	output string // of the last commands
	try    func(t *testing.T, address string)
}

// follow does what a page says. try is called with the address of each server that it
// starts.
func follow(t *testing.T, page string, try func(t *testing.T, address string)) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a shell, and there is no server")
	}
	if testing.Short() {
		t.Skip("builds the binary and a guest, and tests that")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, home: t.TempDir(), try: try}
	r.at = r.home
	if err := os.Symlink(root, filepath.Join(r.home, "wherry")); err != nil {
		t.Fatal(err)
	}
	for _, b := range readDocument(t, page).blocks {
		r.block(page, b)
		if t.Failed() {
			return // what follows would only be confusing
		}
	}
}

// block does what one block says.
func (r *reader) block(page string, b block) {
	switch {
	case b.file != "":
		writeFile(r.t, filepath.Join(r.at, filepath.FromSlash(b.file)), b.text)
	case b.language == "sh" && strings.HasPrefix(b.text, "wherry serve"), strings.HasPrefix(b.text, "wherry dev"):
		r.serve(strings.TrimSpace(b.text))
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
	bin := filepath.Join(r.home, "bin")
	c.Env = append(os.Environ(), "GOBIN="+bin, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"PWD="+r.at, "GOFLAGS=-buildvcs=false", "GOWORK=off")
	c.Dir = r.at
	return c
}

// shell runs commands, and remembers where they have gone.
func (r *reader) shell(script string) {
	var lines []string
	for line := range strings.Lines(script) {
		if !strings.HasPrefix(line, "git clone ") {
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
func (r *reader) serve(line string) {
	words := strings.SplitN(line, " ", 3)
	words[1] += " --listen 127.0.0.1:0"
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	c := r.command(ctx, "exec "+strings.Join(words, " "))
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = patience
	errors, err := c.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	defer c.Wait()
	var said bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(errors, &said))
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "listening on "); ok {
			go io.Copy(io.Discard, errors)
			r.try(r.t, address)
			cancel()
			return
		}
	}
	r.t.Errorf("%s\nis not listening:\n%s", line, said.Bytes())
}

// TestFirstGuestGo follows the page about Go.
func TestFirstGuestGo(t *testing.T) {
	tried := 0
	follow(t, firstGuest+"go.md", func(t *testing.T, address string) {
		tried++
		tryBoard(t, address)
	})
	if tried == 0 && !t.Skipped() {
		t.Error("the page serves nothing")
	}
}

// tryBoard does in a few requests what the page says to do in a browser.
func tryBoard(t *testing.T, address string) {
	response, err := http.Get("http://" + address + "/board")
	if err != nil {
		t.Error(err)
		return
	}
	page, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != 200 || !bytes.Contains(page, []byte("new WebSocket(url)")) {
		t.Errorf("the page: %s, %v, %q", response.Status, err, page)
	}
	conn, _, _, err := ws.Dial(t.Context(), "ws://"+address+"/board?name=ann")
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if err := wsutil.WriteClientText(conn, []byte("hello")); err != nil {
		t.Error(err)
	}
	if got, err := wsutil.ReadServerText(conn); err != nil || string(got) != "ann: hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// binary is the path of the program under test. Set by TestMain, never changed.
var binary string

// patience is how long anything here may take, on a slow and busy machine.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

// testMain builds the binary once, with the race detector if this test has it,
// and runs the tests.
func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "wherry")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "wherry.exe")
	args := []string{"build", "-o", binary}
	if raceEnabled() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func raceEnabled() bool {
	build, _ := debug.ReadBuildInfo()
	for _, s := range build.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// runBinary runs the binary to its end.
func runBinary(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("wherry %s: %v", strings.Join(args, " "), err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// A process is a running "wherry serve".
type process struct {
	addr string // HOST:PORT that it listens on
	cmd  *exec.Cmd

	read chan struct{} // closed when stderr has ended
	mu   sync.Mutex
	log  []string // Guarded by mu. Lines of stderr.
}

// serveBinary starts "wherry serve" on a free port and waits until it listens.
func serveBinary(t *testing.T, args ...string) *process {
	t.Helper()
	return startBinary(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
}

// startBinary starts a server and waits until it listens.
func startBinary(t *testing.T, args ...string) *process {
	t.Helper()
	p, listening := launchBinary(t, args...)
	select {
	case p.addr = <-listening:
	case <-p.read:
		t.Fatalf("wherry ended before it listened: %q", p.lines())
	case <-time.After(patience):
		t.Fatalf("wherry does not listen: %q", p.lines())
	}
	return p
}

// launchBinary starts a server, which will tell where it listens.
func launchBinary(t *testing.T, args ...string) (p *process, listening chan string) {
	t.Helper()
	p = &process{read: make(chan struct{})}
	p.cmd = exec.Command(binary, args...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.read
		p.cmd.Wait()
	})

	listening = make(chan string, 1)
	go func() {
		defer close(p.read)
		announcement := regexp.MustCompile(`^wherry: listening on (\S+)(?: for proxies)?$`)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			p.log = append(p.log, lines.Text())
			p.mu.Unlock()
			if m := announcement.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case listening <- m[1]:
				default: // a second one is for the test to find in the log
				}
			}
		}
	}()
	return p, listening
}

// lines returns what stderr has had so far.
func (p *process) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.log...)
}

// signal sends s.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait returns how the process ended.
func (p *process) wait(t *testing.T) *os.ProcessState {
	t.Helper()
	select {
	case <-p.read: // before Wait, which closes the pipe
	case <-time.After(patience):
		t.Fatalf("wherry does not end: %q", p.lines())
	}
	p.cmd.Wait()
	return p.cmd.ProcessState
}

// dial opens a connection to target, such as "/ws?room=x".
func (p *process) dial(t *testing.T, target string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, early, _, err := ws.Dial(ctx, "ws://"+p.addr+target)
	if err != nil {
		t.Fatalf("dial %s: %v", target, err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return newClient(conn, early)
}

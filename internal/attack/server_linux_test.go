package attack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A server is the attacked process, seen from outside.
type server struct {
	addr  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan answer // closed at its end
	logs  *logBook

	mu sync.Mutex // held while a request waits for its answer
}

// startServer starts the attacked process and ends it with the test.
func startServer(t testing.TB, tenants []tenantSpec) *server {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: exec.Command(exe), lines: make(chan answer), logs: new(logBook)}
	s.cmd.Env = append(os.Environ(), childEnv+"=1")
	s.cmd.Stderr = s.logs
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	// A child that hangs does not outlive this process. The signal is sent when
	// the thread that started it ends, so that one has to stay.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		goruntime.LockOSThread()
		started <- s.cmd.Start()
		<-ended
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		close(ended)
	})
	go func() {
		defer close(s.lines)
		answers := json.NewDecoder(out)
		for {
			var a answer
			if answers.Decode(&a) != nil {
				return
			}
			s.lines <- a
		}
	}()
	a, err := s.ask(request{Op: "serve", Tenants: tenants})
	if err != nil {
		t.Fatalf("the server does not start: %v\n%s", err, s.logs.tail(2000))
	}
	s.addr = a.Addr
	return s
}

// ask waits for an answer. A server that hangs has none.
func (s *server) ask(r request) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.NewEncoder(s.in).Encode(r); err != nil {
		return answer{}, fmt.Errorf("the server has ended: %w", err)
	}
	select {
	case a, ok := <-s.lines:
		if !ok {
			return answer{}, fmt.Errorf("the server has ended: %s", s.logs.tail(2000))
		}
		if a.Error != "" {
			return a, fmt.Errorf("%s: %s", r.Op, a.Error)
		}
		return a, nil
	case <-time.After(2 * patience):
		return answer{}, fmt.Errorf("the server does not answer %q in %v: it hangs", r.Op, 2*patience)
	}
}

// stop ends the process, which is given a moment to do it by itself.
func (s *server) stop() {
	s.in.Close()
	kill := time.AfterFunc(3*time.Second, func() { s.cmd.Process.Kill() })
	defer kill.Stop()
	for range s.lines {
		continue
	}
	s.cmd.Wait()
}

// A logBook keeps what the server logs.
type logBook struct {
	mu     sync.Mutex
	text   bytes.Buffer  // Guarded by mu.
	paused chan struct{} // Guarded by mu: nil, or what whoever writes waits for
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	paused := b.paused
	b.mu.Unlock()
	if paused != nil {
		<-paused
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// pause stops reading the log, until the function that it returns is called.
func (b *logBook) pause() (goOn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	paused := make(chan struct{})
	b.paused = paused
	return func() {
		b.mu.Lock()
		b.paused = nil
		b.mu.Unlock()
		close(paused)
	}
}

// since returns the log from a mark on.
func (b *logBook) since(mark int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()[mark:]
}

// mark is where the log ends now.
func (b *logBook) mark() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Len()
}

func (b *logBook) tail(n int) string {
	all := b.since(0)
	return strings.TrimSpace(all[max(0, len(all)-n):])
}

package interop_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

const (
	maxMessageBytes = 16 << 20
	startDeadline   = 30 * time.Second
	exchangeLimit   = time.Minute // longest single exchange, race detector included
)

// buildWherry builds the binary, with the race detector where cgo allows one.
func buildWherry(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "wherry")
	raced, err := exec.Command("go", "build", "-C", "../..", "-race", "-o", program, "./cmd/wherry").CombinedOutput()
	if err == nil {
		return program
	}
	plain, err := exec.Command("go", "build", "-C", "../..", "-o", program, "./cmd/wherry").CombinedOutput()
	if err != nil {
		t.Fatalf("wherry does not build: %v\n%s", err, plain)
	}
	t.Logf("without race detector: %s", bytes.TrimSpace(raced))
	return program
}

// startWherry runs the binary with the echo guest on /ws and returns that route's
// URL. The test's end stops it and fails on whatever the race detector found.
func startWherry(t *testing.T, flags ...string) string {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0"}, flags...)
	cmd := exec.Command(buildWherry(t), append(args, "/ws=echo")...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	var log bytes.Buffer // owned by the goroutine below until drained is closed
	listening, drained := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(drained)
		announcement := regexp.MustCompile(`^wherry: listening on (\S+)$`)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if m := announcement.FindStringSubmatch(lines.Text()); m != nil && len(listening) == 0 {
				listening <- m[1]
			}
		}
	}()
	t.Cleanup(func() { stopWherry(t, cmd, drained, &log) })

	select {
	case addr := <-listening:
		return "ws://" + addr + "/ws"
	case <-drained:
		t.Fatal("wherry ended before it listened")
	case <-time.After(startDeadline):
		t.Fatalf("wherry does not listen after %v", startDeadline)
	}
	return ""
}

// stopWherry asks the server to stop, insists if it does not, and judges its log.
func stopWherry(t *testing.T, cmd *exec.Cmd, drained <-chan struct{}, log *bytes.Buffer) {
	_ = cmd.Process.Signal(os.Interrupt) // fails if it is dead already; Wait tells
	insist := time.AfterFunc(startDeadline, func() { _ = cmd.Process.Kill() })
	<-drained
	err := cmd.Wait()
	if !insist.Stop() {
		t.Errorf("wherry was still there %v after SIGINT", startDeadline)
	}
	if bytes.Contains(log.Bytes(), []byte("DATA RACE")) || bytes.Contains(log.Bytes(), []byte("panic: ")) {
		t.Errorf("wherry misbehaved (%v):\n%s", err, log)
	} else if t.Failed() {
		t.Logf("wherry's log (%v):\n%s", err, log)
	}
}

// allowFiles raises the file limit of this process and its children to at least n.
func allowFiles(t *testing.T, n uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// Go raised the soft limit for us, but gives children the original one unless it
	// is set here.
	limit.Cur, limit.Max = max(limit.Cur, n), max(limit.Max, n)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatalf("%d open files: %v", n, err)
	}
}

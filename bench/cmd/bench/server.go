//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"time"
)

const startDeadline = 20 * time.Second

// A server is a peer that runs and listens.
type server struct {
	cmd     *exec.Cmd
	addr    string
	drained chan struct{} // closed when its stderr has ended
}

// startServer starts p for s on core and waits until it listens.
func startServer(ctx context.Context, core int, p built, s scenario) (*server, error) {
	cmd, err := pinned(ctx, core, p.program, p.args(s)...)
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	srv := &server{cmd: cmd, drained: make(chan struct{})}
	listening := make(chan string, 1)
	go srv.drain(stderr, listening)
	select {
	case srv.addr = <-listening:
		return srv, nil
	case <-srv.drained:
		err = errors.New("ended before it listened")
	case <-time.After(startDeadline):
		err = fmt.Errorf("does not listen after %v", startDeadline)
	}
	srv.stop()
	return nil, err
}

// drain reads the server's stderr to its end and reports the address it names.
func (srv *server) drain(stderr io.Reader, listening chan<- string) {
	defer close(srv.drained)
	announcement := regexp.MustCompile(`listening on (\S+)$`)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if m := announcement.FindStringSubmatch(lines.Text()); m != nil && len(listening) == 0 {
			listening <- m[1]
		}
	}
}

// stop kills the server; it has nothing to save.
func (srv *server) stop() {
	_ = srv.cmd.Process.Kill() // fails if it is dead already
	<-srv.drained
	_ = srv.cmd.Wait() // says that it was killed
}

//go:build linux

package main

import (
	"bufio"
	"context"
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
	last    string        // line of stderr; only valid when drained is closed
}

// startServer starts p for s on cores and waits until it listens.
func startServer(ctx context.Context, b *builder, cores []int, p *peer, s *scenario) (*server, error) {
	command, err := p.command(b, s)
	if err != nil {
		return nil, err
	}
	cmd, err := pinned(ctx, cores, command...)
	if err != nil {
		return nil, err
	}
	cmd.Dir = b.root
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
		err = fmt.Errorf("ended before it listened: %s", srv.last)
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
		srv.last = lines.Text()
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

//go:build linux

package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// runIdle opens Few connections and then the rest, each of which exchanges one message
// and then says nothing, and reads the server's memory after both.
func runIdle(cfg Config) (Result, error) {
	var fds []int
	defer func() { closeAll(fds) }()
	if err := allowFiles(cfg.Conns + spareFiles); err != nil {
		return Result{}, err
	}
	send, expect := streams(cfg.Mode, 16, 1)
	hello := greeting{send.view(0, send.starts[1]), expect.view(0, expect.starts[1])}
	target := server{cfg.PID}
	begun := time.Now()
	var latency histogram
	open := func(n int) (reading, error) {
		for i := len(fds); i < n; i++ {
			since := time.Now()
			fd, err := openIdle(&cfg, i, hello)
			if err != nil {
				return reading{}, fmt.Errorf("connection %d: %w", i, err)
			}
			fds = append(fds, fd)
			latency.add(time.Since(since))
		}
		s, err := target.reading()
		return reading{wall: time.Since(begun), operations: int64(n), server: s}, err
	}
	before, err := open(cfg.Few)
	if err != nil {
		return Result{}, err
	}
	after, err := open(cfg.Conns)
	if err != nil {
		return Result{}, err
	}
	found := result(before, after, &latency)
	found.RSSBytesPerConn = float64(after.server.rssBytes-before.server.rssBytes) / float64(cfg.Conns-cfg.Few)
	return found, nil
}

// A greeting is the one message of an idle connection, and what comes back.
type greeting struct{ ask, answer []byte }

// openIdle opens connection i, which exchanges one message.
func openIdle(cfg *Config, i int, hello greeting) (fd int, err error) {
	target, err := parseTarget(cfg.Addr)
	if err != nil {
		return -1, err
	}
	if fd, err = dialOne(target, sourceOf(cfg, i)); err != nil {
		return -1, err
	}
	if err := hello.exchange(fd, cfg, i); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// exchange handshakes and exchanges the message.
func (g greeting) exchange(fd int, cfg *Config, i int) error {
	if cfg.Mode == WebSocket {
		if err := handshake(fd, cfg, i); err != nil {
			return err
		}
	}
	if n, err := waitWrite(fd, g.ask); err != nil || n < len(g.ask) {
		return fmt.Errorf("sent %d of %d bytes: %w", n, len(g.ask), err)
	}
	got := make([]byte, len(g.answer))
	for n := 0; n < len(got); {
		m, err := waitRead(fd, got[n:])
		if err != nil {
			return err
		}
		if m == 0 {
			return io.ErrUnexpectedEOF
		}
		n += m
	}
	if !bytes.Equal(got, g.answer) {
		return errors.New("echo differs")
	}
	return nil
}

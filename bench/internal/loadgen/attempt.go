//go:build linux

package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// An attempt is a connection on its way to being open, without waiting for anything.
type attempt struct {
	fd    int
	since time.Duration // when it began
	key   string        // of its handshake
	ask   []byte        // what was sent
	head  []byte        // what has come so far; its capacity is headBytes
}

// begin connects and sends the handshake of connection number serial. On loopback
// neither waits: the kernel completes both before they return, as long as there is room
// in the listener's queue.
func (a *attempt) begin(target netip.AddrPort, source, serial int, cfg *Config, path string, now time.Duration) error {
	fd, err := connect(target, source)
	if err != nil {
		return err
	}
	a.fd, a.since, a.head = fd, now, a.head[:0]
	if cap(a.head) == 0 {
		a.head = make([]byte, 0, headBytes)
	}
	a.key = handshakeKey(serial)
	a.ask = appendRequest(a.ask[:0], cfg, path, a.key)
	if n, err := write(fd, a.ask); err != nil || n < len(a.ask) {
		return fmt.Errorf("handshake: sent %d of %d bytes: %w", n, len(a.ask), err)
	}
	return unix.SetNonblock(fd, true)
}

// receive reads once and reports whether the answer is there, complete and right.
func (a *attempt) receive(mode Mode, deflate bool) (open bool, err error) {
	n, err := read(a.fd, a.head[len(a.head):cap(a.head)])
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if n == 0 {
		return false, io.ErrUnexpectedEOF
	}
	a.head = a.head[:len(a.head)+n]
	if mode == Raw {
		if !bytes.HasPrefix(a.ask, a.head) {
			return false, errors.New("echo of the handshake differs")
		}
		return len(a.head) == len(a.ask), nil
	}
	complete, err := headComplete(a.head)
	if err != nil || !complete {
		return false, err
	}
	return true, checkAnswer(a.head, a.key, deflate)
}

// reset ends the connection without leaving its port waiting.
func (a *attempt) reset() {
	if a.fd < 0 {
		return
	}
	_ = unix.SetsockoptLinger(a.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(a.fd)
	a.fd = -1
}

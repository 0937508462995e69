//go:build unix

package virtual

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// A wire is a client's end of a connection, which nobody waits at.
type wire struct {
	conn net.Conn
	raw  syscall.RawConn
}

func newWire(conn net.Conn) (*wire, error) {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	return &wire{conn, raw}, nil
}

// read returns what is there: (0, nil) if that is nothing, and [io.EOF] at the end of
// the stream.
func (w *wire) read(b []byte) (n int, err error) {
	outer := w.raw.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), b)
		return true
	})
	if outer != nil {
		return 0, outer
	}
	if err == nil && n == 0 {
		return 0, io.EOF
	}
	return passing(n, err)
}

// write writes as much of b as there is room for.
func (w *wire) write(b []byte) (n int, err error) {
	outer := w.raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), b)
		return true
	})
	if outer != nil {
		return 0, outer
	}
	return passing(n, err)
}

// passing turns what is no error of the connection's into nothing.
func passing(n int, err error) (int, error) {
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return 0, nil
	}
	return max(n, 0), err
}

func (w *wire) close() { w.conn.Close() }

//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package netpoll

import (
	"net"
	"syscall"
)

// ListenSocket opens a listening TCP socket. Here it returns [ErrUnsupported].
func ListenSocket(network, address string) (fd int, addr net.Addr, err error) {
	return -1, nil, ErrUnsupported
}

// CloseSocket closes a descriptor that this package returned.
func CloseSocket(fd int) {}

// DupSocket returns a descriptor of its own for conn's socket. Here it returns
// [ErrUnsupported].
func DupSocket(conn syscall.Conn) (fd int, err error) { return -1, ErrUnsupported }

// NetConn makes a net.Conn of a descriptor. Here it returns [ErrUnsupported].
func NetConn(fd int) (net.Conn, error) { return nil, ErrUnsupported }

// Pipe returns the two ends of a stream. Here it returns [ErrUnsupported].
func Pipe() (fd int, other net.Conn, err error) { return -1, nil, ErrUnsupported }

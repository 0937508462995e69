//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ListenSocket opens a listening TCP socket for [Loop.Listen] and returns its
// address with the real port. The caller closes it with [CloseSocket].
//
// One socket for all loops, which each poll it, rather than one for each with
// SO_REUSEPORT: connections then never queue behind a loop that is busy, and a
// port that another process listens on is an error and not shared with it.
func ListenSocket(network, address string) (fd int, addr net.Addr, err error) {
	ln, err := net.Listen(network, address)
	if err != nil {
		return -1, nil, err
	}
	defer ln.Close()
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return -1, nil, fmt.Errorf("netpoll: cannot listen on %s sockets", network)
	}
	fd, err = DupSocket(tcp)
	if err != nil {
		return -1, nil, err
	}
	// Accepted sockets inherit it, which saves a call for each of them.
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	return fd, ln.Addr(), nil
}

// CloseSocket closes a descriptor that this package returned.
func CloseSocket(fd int) { unix.Close(fd) }

// DupSocket returns a descriptor of its own for conn's socket, which does not
// block. conn can then be closed without closing the connection.
func DupSocket(conn syscall.Conn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd = -1
	controlErr := raw.Control(func(s uintptr) {
		fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0)
	})
	if controlErr != nil {
		return -1, controlErr
	}
	return fd, err
}

// NetConn makes a net.Conn, with deadlines and all, of a descriptor that
// [Conn.Detach] returned, and takes it over.
func NetConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "")
	defer f.Close()
	return net.FileConn(f)
}

// Pipe returns the two ends of a stream inside the process: one for
// [Loop.Adopt], the other for whoever has bytes to put into it, such as a TLS
// connection's.
func Pipe() (fd int, other net.Conn, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, nil, err
	}
	for _, end := range ends {
		unix.CloseOnExec(end)
		if err = unix.SetNonblock(end, true); err != nil {
			break
		}
	}
	if err == nil {
		other, err = NetConn(ends[1])
		ends[1] = -1
	}
	if err != nil {
		for _, end := range ends {
			if end >= 0 {
				unix.Close(end)
			}
		}
		return -1, nil, err
	}
	return ends[0], other, nil
}

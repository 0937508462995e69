//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// The calls of the hot path where the kernel's interface is the C library: a
// raw system call is not allowed there, or not stable.

type iovec struct{ b []byte }

func setIovec(v *iovec, b []byte) { v.b = b }

// recv reads into p. It returns 0, nil at the end of the stream.
func recv(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// recvv reads into the first buffer only: a short read, which level-triggered
// polling makes up for.
func recvv(fd int, iov []iovec) (int, error) { return recv(fd, iov[0].b) }

// send writes the front of p and returns how much the kernel took.
func send(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Write(fd, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// sendv writes the front of the buffers, one after the other.
func sendv(fd int, iov []iovec) (int, error) {
	total := 0
	for i := range iov {
		n, err := send(fd, iov[i].b)
		total += n
		if err != nil && total == 0 {
			return 0, err
		}
		if n < len(iov[i].b) {
			break
		}
	}
	return total, nil
}

// acceptSocket takes one connection from a listening socket.
func acceptSocket(fd int) (int, netip.AddrPort, error) {
	nfd, sa, err := unix.Accept(fd)
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	unix.CloseOnExec(nfd)
	if err := unix.SetNonblock(nfd, true); err != nil {
		unix.Close(nfd)
		return -1, netip.AddrPort{}, err
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return nfd, netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)), nil
	case *unix.SockaddrInet6:
		return nfd, netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)), nil
	}
	return nfd, netip.AddrPort{}, nil
}

//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import "golang.org/x/sys/unix"

// What a failed call means to the loop.

func isAgain(err error) bool { return err == unix.EAGAIN }

// isExhausted reports that no descriptor is left, in the process or the system.
func isExhausted(err error) bool { return err == unix.EMFILE || err == unix.ENFILE }

// isPassing reports that one connection could not be accepted, and the next may.
func isPassing(err error) bool { return err == unix.ECONNABORTED || err == unix.EINTR }

func closeSocket(fd int) { unix.Close(fd) }

// endStream sends the end of the stream; the peer may go on.
func endStream(fd int) { unix.Shutdown(fd, unix.SHUT_WR) }

// armReset makes closing fd send a reset and forget what is unsent.
func armReset(fd int) {
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}

// openReserve opens a descriptor that stands for nothing, or returns -1.
func openReserve() int {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

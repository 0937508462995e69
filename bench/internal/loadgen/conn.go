//go:build linux

package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A conn is one closed-loop connection: it keeps depth messages in flight and sends
// the next one only for one that came back. Positions count bytes of its streams.
// Owned by the loop; no lock.
type conn struct {
	fd       int
	sent     int64 // position in the send stream
	received int64 // position in the expected stream, all of it verified
	echoed   int64 // whole messages received
	allowed  int64 // position that sent may reach: the messages echoed plus depth
	blocked  bool  // the kernel refused output; writing is watched as well

	// One message at a time is timed: the last one of a write. sampled is the value
	// of echoed that completes it.
	sampled   int64
	sampledAt time.Duration
}

// receive reads once into buf, verifies what came and returns how many messages it
// completed.
func (c *conn) receive(buf []byte, expect *stream) (int64, error) {
	n, err := read(c.fd, buf)
	if err != nil {
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			return 0, nil
		}
		return 0, err
	}
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	for got := buf[:n]; len(got) > 0; {
		want := expect.view(c.received, len(got))
		if !bytes.Equal(got[:len(want)], want) {
			return 0, c.mismatch(got, want, expect)
		}
		c.received += int64(len(want))
		got = got[len(want):]
	}
	before := c.echoed
	c.echoed = c.received / int64(expect.frameBytes)
	return c.echoed - before, nil
}

// mismatch says where got first differs from want.
func (c *conn) mismatch(got, want []byte, expect *stream) error {
	i := 0
	for got[i] == want[i] {
		i++
	}
	at := c.received + int64(i)
	size := int64(expect.frameBytes)
	return fmt.Errorf("echo differs: message %d, frame byte %d is %#02x, want %#02x", at/size, at%size, got[i], want[i])
}

// transmit writes once what the closed loop allows. Whether all of it went out is
// for the caller to see: sent reaches allowed.
func (c *conn) transmit(send *stream) error {
	n, err := write(c.fd, send.view(c.sent, int(c.allowed-c.sent)))
	if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
		return err
	}
	c.sent += int64(n)
	return nil
}

// read and write are raw: nothing else runs in this process that the scheduler
// would have to be told about, and the sockets never block.

func read(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func write(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

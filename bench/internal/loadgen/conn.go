//go:build linux

package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A conn is one connection: it sends the messages that it was allowed to, and
// verifies what comes. Positions count bytes of its streams. Owned by the loop; no
// lock.
type conn struct {
	fd       int
	first    int64 // message of the streams that it began with
	sent     int64 // position in the send stream
	allowed  int64 // messages that may be sent
	limit    int64 // position at which message allowed begins: sent may reach it
	received int64 // position in the expected stream, all of it verified
	echoed   int64 // whole messages received
	next     int64 // position at which message echoed ends
	blocked  bool  // the kernel refused output; writing is watched as well
}

// newConn starts at message first of the streams.
func newConn(fd int, first int64, send, expect *stream) conn {
	return conn{
		fd:       fd,
		first:    first,
		sent:     send.start(first),
		allowed:  first,
		limit:    send.start(first),
		received: expect.start(first),
		echoed:   first,
		next:     expect.start(first + 1),
	}
}

// allow lets the conn send n messages more.
func (c *conn) allow(n int64, send *stream) {
	c.allowed += n
	c.limit = send.start(c.allowed)
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
	for c.received >= c.next {
		c.echoed++
		c.next = expect.start(c.echoed + 1)
	}
	return c.echoed - before, nil
}

// mismatch says where got first differs from want.
func (c *conn) mismatch(got, want []byte, expect *stream) error {
	i := 0
	for got[i] == want[i] {
		i++
	}
	message, offset := expect.message(c.received + int64(i))
	return fmt.Errorf("echo differs: message %d, frame byte %d is %#02x, want %#02x", message, offset, got[i], want[i])
}

// transmit writes once what is allowed. Whether all of it went out is for the caller
// to see: sent reaches limit.
func (c *conn) transmit(send *stream) error {
	n, err := write(c.fd, send.view(c.sent, int(c.limit-c.sent)))
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

//go:build linux

package loadgen

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	receiveBytes = 512 << 10 // one read
	maxReady     = 512       // ready connections taken by one wait
	stallLimit   = 10 * time.Second
)

// A loop owns all connections of a run and everything they share.
type loop struct {
	cfg          Config // set in newLoop, never changed
	send, expect *stream
	epoll        int
	conns        []conn
	buf          []byte // every read; nothing stays in it
	start        time.Time
	lastEcho     time.Duration // since start; for the stall limit
	messages     int64         // verified echoes since start
	idle         time.Duration // spent in polls that found nothing
	latency      histogram
}

// newLoop connects everything; close releases it.
func newLoop(cfg Config) (*loop, error) {
	fds, err := dial(cfg.Addr, cfg.Conns)
	if err != nil {
		return nil, err
	}
	l := &loop{cfg: cfg, epoll: -1, buf: make([]byte, receiveBytes), start: time.Now()}
	l.send, l.expect = streams(cfg.Mode, cfg.Size, cfg.Depth)
	for i, fd := range fds {
		l.conns = append(l.conns, l.newConn(fd, i))
	}
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		l.close()
		return nil, err
	}
	if err := l.open(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// newConn starts each connection at another message of the cycle, so that an echo
// that goes to the wrong one is noticed.
func (l *loop) newConn(fd, index int) conn {
	first := int64(index % (l.send.cycle / l.send.frameBytes))
	return conn{
		fd:       fd,
		sent:     first * int64(l.send.frameBytes),
		received: first * int64(l.expect.frameBytes),
		echoed:   first,
		allowed:  (first + int64(l.cfg.Depth)) * int64(l.send.frameBytes),
	}
}

// open handshakes on every connection, then watches all of them.
func (l *loop) open() error {
	for i := range l.conns {
		c := &l.conns[i]
		if l.cfg.Mode == WebSocket {
			if err := handshake(c.fd, l.cfg.Addr, l.cfg.Path, i); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
		}
		if err := unix.SetNonblock(c.fd, true); err != nil {
			return err
		}
		if err := l.watch(i, unix.EPOLL_CTL_ADD, unix.EPOLLIN); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) close() {
	for i := range l.conns {
		unix.Close(l.conns[i].fd)
	}
	if l.epoll >= 0 {
		unix.Close(l.epoll)
	}
}

// measure fills the pipes, warms up, and counts.
func (l *loop) measure() (Result, error) {
	for i := range l.conns {
		if err := l.transmit(i, l.now()); err != nil {
			return Result{}, fmt.Errorf("connection %d: %w", i, err)
		}
	}
	if err := l.runFor(l.cfg.Warmup); err != nil {
		return Result{}, err
	}
	l.latency = histogram{}
	before, err := l.reading()
	if err != nil {
		return Result{}, err
	}
	if err := l.runFor(l.cfg.Duration); err != nil {
		return Result{}, err
	}
	after, err := l.reading()
	if err != nil {
		return Result{}, err
	}
	return l.result(before, after), nil
}

// runFor turns the loop for d, and on until at least one echo is in. It polls and never blocks: to wake a sleeping client
// costs the server's write an interrupt across cores, on a virtual machine 20 us of
// CPU that no server can help and that would hide the differences between them.
func (l *loop) runFor(d time.Duration) error {
	var ready [maxReady]unix.EpollEvent
	last := l.now()
	l.lastEcho = last
	before := l.messages
	for end := last + d; last < end || l.messages == before; {
		n, err := unix.EpollWait(l.epoll, ready[:], 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, r := range ready[:max(n, 0)] {
			if err := l.serve(int(r.Fd)); err != nil {
				return fmt.Errorf("connection %d: %w", r.Fd, err)
			}
		}
		now := l.now()
		if n <= 0 {
			l.idle += now - last
		}
		last = now
		if now-l.lastEcho > stallLimit {
			return fmt.Errorf("no echo for %v", stallLimit)
		}
	}
	return nil
}

// serve takes what connection i brought and sends what that allows.
func (l *loop) serve(i int) error {
	c := &l.conns[i]
	echoed, err := c.receive(l.buf, l.expect)
	if err != nil {
		return err
	}
	now := l.now()
	if echoed > 0 {
		l.messages += echoed
		l.lastEcho = now
		c.allowed += echoed * int64(l.send.frameBytes)
		if c.sampled > 0 && c.echoed >= c.sampled {
			l.latency.add(now - c.sampledAt)
			c.sampled = 0
		}
	}
	if c.sent < c.allowed {
		return l.transmit(i, now)
	}
	return nil
}

// transmit sends for connection i and watches for room exactly while there is none.
func (l *loop) transmit(i int, now time.Duration) error {
	c := &l.conns[i]
	if c.sampled == 0 {
		c.sampled = c.allowed / int64(l.send.frameBytes)
		c.sampledAt = now
	}
	if err := c.transmit(l.send); err != nil {
		return err
	}
	blocked := c.sent < c.allowed
	if blocked == c.blocked {
		return nil
	}
	c.blocked = blocked
	if blocked {
		return l.watch(i, unix.EPOLL_CTL_MOD, unix.EPOLLIN|unix.EPOLLOUT)
	}
	return l.watch(i, unix.EPOLL_CTL_MOD, unix.EPOLLIN)
}

// watch says what epoll reports of connection i; it reports the index, not the fd.
func (l *loop) watch(i, op int, events uint32) error {
	return unix.EpollCtl(l.epoll, op, l.conns[i].fd, &unix.EpollEvent{Events: events, Fd: int32(i)})
}

// now is the time since start, from the monotonic clock.
func (l *loop) now() time.Duration { return time.Since(l.start) }

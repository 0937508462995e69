//go:build linux

package loadgen

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const receiveBytes = 512 << 10 // one read

// A loop owns the connections of a run that exchange messages, and everything they
// share.
type loop struct {
	*poll
	cfg          Config // set in newLoop, never changed
	send, expect *stream
	conns        []conn
	buf          []byte // every read; nothing stays in it
	pattern      pattern
	noise        *noise // nil: nothing disturbs
}

// A pattern decides when which connection sends.
type pattern interface {
	begin(now time.Duration) error                    // everything is open
	received(i int, n int64, now time.Duration) error // connection i got n more messages, all of them right
	tick(now time.Duration) error                     // between two looks
	settled() bool                                    // what was due in the window is complete
}

// runLoop measures the kinds of load that consist of messages.
func runLoop(cfg Config) (Result, error) {
	l, err := newLoop(cfg)
	if err != nil {
		return Result{}, err
	}
	defer l.close()
	if err := l.pattern.begin(l.now()); err != nil {
		return Result{}, err
	}
	found, err := l.measure(&l.cfg, l)
	if err == nil && l.noise != nil {
		found.Disturbances = l.noise.rounds
	}
	return found, err
}

// newLoop connects everything; close releases it.
func newLoop(cfg Config) (*loop, error) {
	fds, err := dial(&cfg, cfg.Conns)
	if err != nil {
		return nil, err
	}
	p, err := newPoll()
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	l := &loop{poll: p, cfg: cfg, buf: make([]byte, receiveBytes)}
	if err := l.open(fds); err != nil {
		closeAll(fds)
		p.close()
		return nil, err
	}
	l.pattern = newPattern(l)
	if cfg.Noise != "" {
		l.noise = newNoise(l.poll, &l.cfg)
	}
	return l, nil
}

// newPattern returns what cfg.Work asks for.
func newPattern(l *loop) pattern {
	switch l.cfg.Work {
	case Open:
		return newOpenLoop(l)
	case Broadcast:
		return &broadcast{loop: l}
	}
	return &closedLoop{loop: l, samples: make([]sample, len(l.conns))}
}

// open handshakes on every connection, and watches it from then on.
func (l *loop) open(fds []int) (err error) {
	for i, fd := range fds {
		if l.cfg.Mode == WebSocket {
			if err := handshake(fd, &l.cfg, i); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
		}
		if l.cfg.Work == Broadcast {
			if err := ping(fd); err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
		}
	}
	if l.cfg.Deflate {
		l.send, l.expect, err = deflatedStreams(fds[0], l.cfg.Size, l.cfg.Depth)
	} else {
		l.send, l.expect = streams(l.cfg.Mode, l.cfg.Size, l.cfg.Depth)
	}
	if err != nil {
		return err
	}
	for i, fd := range fds {
		if err := unix.SetNonblock(fd, true); err != nil {
			return err
		}
		l.conns = append(l.conns, newConn(fd, l.firstMessage(i), l.send, l.expect))
		if err := l.watch(unix.EPOLL_CTL_ADD, fd, i, unix.EPOLLIN); err != nil {
			return err
		}
	}
	return nil
}

// firstMessage starts each connection at another message of the cycle, so that an
// echo that goes to the wrong one is noticed. A broadcast is the same for all.
func (l *loop) firstMessage(i int) int64 {
	if l.cfg.Work == Broadcast {
		return 0
	}
	return int64(i % l.send.messages())
}

func (l *loop) close() {
	for i := range l.conns {
		unix.Close(l.conns[i].fd)
	}
	if l.noise != nil {
		l.noise.close()
	}
	l.poll.close()
}

// serve takes what connection id brought, and sends what it still may.
func (l *loop) serve(id int) error {
	if id < 0 {
		return l.noise.serve(id)
	}
	c := &l.conns[id]
	n, err := c.receive(l.buf, l.expect)
	if err != nil {
		return err
	}
	if n > 0 {
		now := l.now()
		l.done(n, now)
		if err := l.pattern.received(id, n, now); err != nil {
			return err
		}
	}
	if c.sent < c.limit || c.blocked {
		return l.transmit(id)
	}
	return nil
}

func (l *loop) tick(now time.Duration) error {
	if l.noise != nil {
		l.noise.tick(now)
	}
	return l.pattern.tick(now)
}

func (l *loop) settled() bool { return l.pattern.settled() }

// transmit sends for connection i and watches for room exactly while there is none.
func (l *loop) transmit(i int) error {
	c := &l.conns[i]
	if c.sent < c.limit {
		if err := c.transmit(l.send); err != nil {
			return err
		}
	}
	blocked := c.sent < c.limit
	if blocked == c.blocked {
		return nil
	}
	c.blocked = blocked
	events := uint32(unix.EPOLLIN)
	if blocked {
		events |= unix.EPOLLOUT
	}
	return l.watch(unix.EPOLL_CTL_MOD, c.fd, i, events)
}

// release lets connection i send n messages more.
func (l *loop) release(i int, n int64) error {
	l.conns[i].allow(n, l.send)
	return l.transmit(i)
}

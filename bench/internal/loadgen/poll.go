//go:build linux

package loadgen

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxReady   = 512 // ready connections taken by one wait
	stallLimit = 10 * time.Second

	shortestCount = 20 * time.Millisecond // of system calls: less would be all edges
)

// A poll watches descriptors and turns until its time is up. It polls and never
// blocks: to wake a sleeping client costs the server's write an interrupt across
// cores, on a virtual machine 20 us of CPU that no server can help and that would
// hide the differences between them.
type poll struct {
	epoll      int
	start      time.Time
	last       time.Duration // now, when it last looked
	lastDone   time.Duration // when an operation was last completed; for the stall limit
	operations int64         // completed since start
	idle       time.Duration // spent in polls that found nothing
	latency    histogram     // of the window
	window     window
	ready      [maxReady]unix.EpollEvent
}

// A window is the measured time.
type window struct {
	from, to time.Duration // 0 as long as it has not come
}

// has reports whether what was due at t belongs to the window.
func (w *window) has(t time.Duration) bool {
	return w.from > 0 && t >= w.from && (w.to == 0 || t < w.to)
}

// A watcher is told of what a poll finds.
type watcher interface {
	serve(id int) error           // what is watched under id is ready
	tick(now time.Duration) error // between two looks
	settled() bool                // what was due in the window is complete
}

func newPoll() (*poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &poll{epoll: fd, start: time.Now()}, nil
}

func (p *poll) close() { unix.Close(p.epoll) }

// now is the time since start, from the monotonic clock.
func (p *poll) now() time.Duration { return time.Since(p.start) }

// watch says under which id and for what epoll reports fd.
func (p *poll) watch(op, fd, id int, events uint32) error {
	return unix.EpollCtl(p.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(id)})
}

// done counts n operations.
func (p *poll) done(n int64, now time.Duration) {
	p.operations += n
	p.lastDone = now
}

// runFor turns for d, and on until at least one operation is complete.
func (p *poll) runFor(d time.Duration, w watcher) error {
	before := p.operations
	end := p.now() + d
	return p.runUntil(w, func(now time.Duration) bool { return now >= end && p.operations > before })
}

// runUntil turns until enough says so.
func (p *poll) runUntil(w watcher, enough func(now time.Duration) bool) error {
	p.last = p.now()
	p.lastDone = p.last
	for !enough(p.last) {
		n, err := unix.EpollWait(p.epoll, p.ready[:], 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, r := range p.ready[:max(n, 0)] {
			if err := w.serve(int(r.Fd)); err != nil {
				return fmt.Errorf("connection %d: %w", r.Fd, err)
			}
		}
		now := p.now()
		if err := w.tick(now); err != nil {
			return err
		}
		if n <= 0 {
			p.idle += now - p.last
		}
		p.last = now
		if now-p.lastDone > stallLimit {
			return fmt.Errorf("nothing came for %v", stallLimit)
		}
	}
	return nil
}

// measure warms up, measures, and then counts system calls where that is possible.
func (p *poll) measure(cfg *Config, w watcher) (Result, error) {
	if err := p.runFor(cfg.Warmup, w); err != nil {
		return Result{}, err
	}
	p.latency = histogram{}
	p.window.from = p.now()
	target := server{cfg.PID}
	before, err := p.reading(target)
	if err != nil {
		return Result{}, err
	}
	if err := p.runFor(cfg.Duration, w); err != nil {
		return Result{}, err
	}
	after, err := p.reading(target)
	if err != nil {
		return Result{}, err
	}
	p.window.to = p.now()
	if err := p.runUntil(w, func(time.Duration) bool { return w.settled() }); err != nil {
		return Result{}, err
	}
	found := result(before, after, &p.latency)
	found.Syscalls, err = p.syscalls(target, max(cfg.Duration/8, shortestCount), w)
	return found, err
}

func (p *poll) reading(s server) (r reading, err error) {
	r = reading{idle: p.idle, operations: p.operations}
	r.server, err = s.reading()
	r.wall = p.now()
	return r, err
}

// syscalls goes on for d with the system's counters on. Where they are not to be had
// there is no result.
func (p *poll) syscalls(s server, d time.Duration, w watcher) (*Syscalls, error) {
	if s.pid == 0 {
		return nil, nil
	}
	counter, err := newSyscallCounter(s)
	if err != nil {
		return nil, nil // not allowed here, or not built into this kernel
	}
	defer counter.close()
	before := p.operations
	if err := p.runFor(d, w); err != nil {
		return nil, err
	}
	return counter.counts(p.operations - before), nil
}

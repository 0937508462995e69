//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package netpoll

import (
	"time"

	"golang.org/x/sys/unix"
)

// A poller is a kqueue and the pipe that wakes it: EVFILT_USER would do without
// the pipe, but OpenBSD has none.
//
// The id of a report does not fit the udata pointer of every BSD, so ids are
// kept here by fd; a closed fd leaves its kqueue at once, and the sequence
// number in the id deals with reports that were already taken.
type poller struct {
	fd     int
	pipe   [2]int
	ids    map[int]readyID
	events [readyMax]unix.Kevent_t
}

func (p *poller) open() error {
	fd, err := unix.Kqueue()
	if err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	if err := unix.Pipe(p.pipe[:]); err != nil {
		unix.Close(fd)
		return err
	}
	for _, end := range p.pipe {
		unix.CloseOnExec(end)
		if err := unix.SetNonblock(end, true); err != nil {
			return err
		}
	}
	p.fd, p.ids = fd, make(map[int]readyID)
	return p.add(p.pipe[0], wakeID)
}

func (p *poller) change(fd, filter, flags int) error {
	var ev [1]unix.Kevent_t
	unix.SetKevent(&ev[0], fd, filter, flags)
	_, err := unix.Kevent(p.fd, ev[:], nil, nil)
	return err
}

func (p *poller) add(fd int, id readyID) error {
	p.ids[fd] = id
	return p.change(fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_ENABLE)
}

// addListener wakes every loop: kqueue knows no exclusive wake-up. Those that
// come late find nothing to accept.
func (p *poller) addListener(fd int, id readyID) error { return p.add(fd, id) }

func (p *poller) want(fd int, id readyID, read, write bool) error {
	p.ids[fd] = id
	if err := p.filter(fd, unix.EVFILT_READ, read); err != nil {
		return err
	}
	return p.filter(fd, unix.EVFILT_WRITE, write)
}

func (p *poller) filter(fd, filter int, on bool) error {
	if on {
		return p.change(fd, filter, unix.EV_ADD|unix.EV_ENABLE)
	}
	err := p.change(fd, filter, unix.EV_DELETE)
	if err == unix.ENOENT {
		return nil // it was not on
	}
	return err
}

func (p *poller) remove(fd int) error {
	delete(p.ids, fd)
	p.filter(fd, unix.EVFILT_WRITE, false)
	return p.filter(fd, unix.EVFILT_READ, false)
}

func (p *poller) wait(evs []ready, d time.Duration, _ bool) (int, error) {
	var timeout *unix.Timespec
	if d >= 0 {
		ts := unix.NsecToTimespec(int64(d))
		timeout = &ts
	}
	n, err := unix.Kevent(p.fd, nil, p.events[:min(len(evs), len(p.events))], timeout)
	if err == unix.EINTR {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	out := 0
	for i := range n {
		ev := &p.events[i]
		fd := int(ev.Ident)
		id, watched := p.ids[fd]
		if !watched {
			continue
		}
		if id == wakeID {
			var b [64]byte
			unix.Read(fd, b[:])
			continue
		}
		// A peer that reads no more ends the write filter only: the write tells.
		w := ev.Filter == unix.EVFILT_WRITE
		evs[out] = ready{id: id, readable: !w, writable: w}
		out++
	}
	return out, nil
}

func (p *poller) wake() error {
	_, err := unix.Write(p.pipe[1], []byte{1})
	if err == unix.EAGAIN {
		return nil // the pipe is full, so it is awake already
	}
	return err
}

func (p *poller) close() error {
	unix.Close(p.pipe[0])
	unix.Close(p.pipe[1])
	return unix.Close(p.fd)
}

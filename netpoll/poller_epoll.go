//go:build linux

package netpoll

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A poller is an epoll instance, the eventfd that wakes it and the timerfd that ends
// its waits. A timeout of the wait itself would be a timer of the kernel's to set and to
// cancel for each message that comes; this one is set when it has gone off.
type poller struct {
	fd      int
	eventfd int
	timerfd int
	started time.Time     // what due counts from
	due     time.Duration // when timerfd goes off, or went off
	events  [readyMax]unix.EpollEvent
}

func (p *poller) open() (err error) {
	*p = poller{fd: -1, eventfd: -1, timerfd: -1, started: time.Now()}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if p.eventfd, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return err
	}
	if err = p.control(unix.EPOLL_CTL_ADD, p.eventfd, wakeID, unix.EPOLLIN); err != nil {
		return err
	}
	if p.timerfd, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	// Edge-triggered: it need not be read, to be set again is enough.
	return p.control(unix.EPOLL_CTL_ADD, p.timerfd, timerID, unix.EPOLLIN|unix.EPOLLET)
}

// arm has a wait end within d, which is more than 0.
func (p *poller) arm(d time.Duration) error {
	now := time.Since(p.started)
	if p.due > now && p.due <= now+d {
		return nil // it comes back earlier, and is set again then
	}
	p.due = now + d
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	return unix.TimerfdSettime(p.timerfd, 0, &at, nil)
}

func (p *poller) control(op, fd int, id readyID, events uint32) error {
	ev := unix.EpollEvent{Events: events}
	*(*readyID)(unsafe.Pointer(&ev.Fd)) = id // Fd and Pad are the kernel's 64-bit data
	return unix.EpollCtl(p.fd, op, fd, &ev)
}

func (p *poller) add(fd int, id readyID) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, id, unix.EPOLLIN)
}

// addListener asks for an exclusive wake-up: one new connection should not wake
// every loop.
func (p *poller) addListener(fd int, id readyID) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, id, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
}

func (p *poller) want(fd int, id readyID, read, write bool) error {
	var events uint32
	if read {
		events |= unix.EPOLLIN
	}
	if write {
		events |= unix.EPOLLOUT
	}
	return p.control(unix.EPOLL_CTL_MOD, fd, id, events)
}

func (p *poller) remove(fd int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil)
}

func (p *poller) wait(evs []ready, d time.Duration, hold bool) (int, error) {
	var (
		n       uintptr
		errno   unix.Errno
		timeout = -1
	)
	switch {
	case d == 0:
		timeout, hold = 0, true // it returns at once
	case hold && (d < 0 || d > holdMax):
		d = holdMax
	}
	if d > 0 {
		const ms = time.Millisecond
		if err := p.arm((d + ms - 1) / ms * ms); err != nil {
			return 0, err
		}
	}
	if hold {
		// The scheduler does not know of it. To stop the world it sends a signal, which
		// interrupts the wait; where it must not send any, the timer ends it.
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events)), uintptr(p.room(evs)), uintptr(timeout), 0, 0)
	} else {
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events)), uintptr(p.room(evs)), uintptr(timeout), 0, 0)
	}
	return p.reports(evs, n, errno)
}

// room is how many reports one call may bring.
func (p *poller) room(evs []ready) int { return min(len(evs), len(p.events)) }

// reports fills evs with what a call has brought.
func (p *poller) reports(evs []ready, n uintptr, errno unix.Errno) (int, error) {
	if errno == unix.EINTR {
		return 0, nil
	}
	if errno != 0 {
		return 0, errno
	}
	out := 0
	for i := range int(n) {
		ev := &p.events[i]
		id := *(*readyID)(unsafe.Pointer(&ev.Fd))
		switch id {
		case wakeID:
			var b [8]byte
			unix.Read(p.eventfd, b[:])
			continue
		case timerID:
			continue
		}
		evs[out] = ready{
			id:       id,
			readable: ev.Events&^unix.EPOLLOUT != 0,
			writable: ev.Events&unix.EPOLLOUT != 0,
		}
		out++
	}
	return out, nil
}

func (p *poller) wake() error {
	one := [8]byte{1}
	_, err := unix.Write(p.eventfd, one[:])
	if err == unix.EAGAIN {
		return nil // the counter is full, so it is awake already
	}
	return err
}

func (p *poller) close() error {
	unix.Close(p.timerfd)
	unix.Close(p.eventfd)
	return unix.Close(p.fd)
}

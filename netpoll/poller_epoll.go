//go:build linux

package netpoll

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A poller is an epoll instance and the eventfd that wakes it.
type poller struct {
	fd      int
	eventfd int
	events  [readyMax]unix.EpollEvent
}

func (p *poller) open() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	efd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(fd)
		return err
	}
	p.fd, p.eventfd = fd, efd
	return p.control(unix.EPOLL_CTL_ADD, efd, wakeID, unix.EPOLLIN)
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

func (p *poller) wait(evs []ready, d time.Duration) (int, error) {
	var (
		n     uintptr
		errno unix.Errno
	)
	if d == 0 {
		// A poll returns at once, so the scheduler need not know of it: 40 ns less.
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events)), uintptr(p.room(evs)), 0, 0, 0)
	} else {
		ms := -1
		if d > 0 {
			ms = int(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
		}
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events)), uintptr(p.room(evs)), uintptr(ms), 0, 0)
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
		if id == wakeID {
			var b [8]byte
			unix.Read(p.eventfd, b[:])
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
	unix.Close(p.eventfd)
	return unix.Close(p.fd)
}

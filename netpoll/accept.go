package netpoll

import "net/netip"

// Listen makes the loop accept from fd, a listening socket that does not block.
// The caller keeps it. To be called on the loop, or before Run.
func (l *Loop) Listen(fd int) error {
	l.listeners = append(l.listeners, fd)
	return l.poller.addListener(fd, listenerReadyID(len(l.listeners)-1))
}

// Unlisten ends what Listen began, for all listening sockets.
func (l *Loop) Unlisten() {
	for _, fd := range l.listeners {
		l.poller.remove(fd)
	}
	l.listeners = l.listeners[:0]
}

// acceptMax is how many connections a loop accepts in a turn before it looks
// after the ones it has.
const acceptMax = 64

func (l *Loop) accept(fd int) {
	for range acceptMax {
		nfd, peer, err := acceptSocket(fd)
		switch {
		case err == nil:
			l.stats.Accepts++
			l.open(nfd, peer)
		case isExhausted(err):
			l.refuseOne(fd)
			return
		case isPassing(err):
		default:
			return
		}
	}
}

// refuseOne closes a waiting connection although no descriptor is left for it:
// it would keep the listening socket readable for ever.
func (l *Loop) refuseOne(fd int) {
	if l.reserve >= 0 {
		closeSocket(l.reserve)
	}
	if nfd, _, err := acceptSocket(fd); err == nil {
		closeSocket(nfd)
	}
	l.reserve = openReserve()
}

// Adopt takes over a connection with what was received of it, which begins with
// its head. The loop owns fd from now on, and received. Any goroutine may call it.
func (l *Loop) Adopt(fd int, peer netip.AddrPort, received []byte) {
	if !l.Post(func() { l.adopt(fd, peer, received) }) {
		closeSocket(fd)
	}
}

func (l *Loop) adopt(fd int, peer netip.AddrPort, received []byte) {
	c := l.open(fd, peer)
	if c == nil {
		return
	}
	c.flags |= moved
	c.heard = l.tick
	c.received = uint64(len(received))
	c.feed(received)
	c.settle()
}

// open gives a fresh socket a slot.
func (l *Loop) open(fd int, peer netip.AddrPort) *Conn {
	c := l.conns.take()
	c.fd, c.peer, c.born = int32(fd), makeAddress(peer), l.tick
	if err := l.poller.add(fd, c.readyID()); err != nil {
		closeSocket(fd)
		c.phase = closed
		l.conns.free(c)
		return nil
	}
	c.arm(l.config.HeadTimeout)
	return c
}

func (l *Loop) letGo(c *Conn) {
	if c.fd >= 0 {
		closeSocket(int(c.fd))
		c.fd = -1
	}
}

package netpoll

import (
	"errors"
	"net/netip"

	"github.com/seed-c6589352/wherry/netpoll/proxyhead"
)

// A listener is a listening socket that a loop watches and somebody else owns.
type listener struct {
	fd     int
	trusts func(netip.Addr) bool // not nil: what it accepts begins with a PROXY header, and only from these
}

// Listen makes the loop accept from fd, a listening socket that does not block.
// The caller keeps it. To be called on the loop, or before Run.
func (l *Loop) Listen(fd int) error { return l.listen(listener{fd: fd}) }

// ListenProxied is Listen for connections that begin with a header of the PROXY
// protocol, which says whose they are ([proxyhead]). One without it, or from an
// address that trusts does not, is closed, and the driver told by Dropped. trusts
// is called on the loop.
func (l *Loop) ListenProxied(fd int, trusts func(netip.Addr) bool) error {
	return l.listen(listener{fd, trusts})
}

func (l *Loop) listen(from listener) error {
	fd := from.fd
	l.listeners = append(l.listeners, from)
	return l.poller.addListener(fd, listenerReadyID(len(l.listeners)-1))
}

// Unlisten ends what Listen began, for all listening sockets.
func (l *Loop) Unlisten() {
	for _, from := range l.listeners {
		l.poller.remove(from.fd)
	}
	l.listeners = l.listeners[:0]
}

// acceptMax is how many connections a loop accepts in a turn before it looks
// after the ones it has.
const acceptMax = 64

func (l *Loop) accept(from listener) {
	for range acceptMax {
		nfd, peer, err := acceptSocket(from.fd)
		switch {
		case err == nil:
			l.stats.Accepts++
			if c := l.open(nfd, peer); c != nil && from.trusts != nil {
				c.expectProxy(from.trusts(peer.Addr()))
			}
		case isExhausted(err):
			l.refuseOne(from.fd)
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

// ErrUntrusted says of a connection to a listener for proxies that it comes from
// an address that is none of theirs.
var ErrUntrusted = errors.New("the connection is not from a trusted proxy")

// expectProxy makes a fresh connection begin with a PROXY header, or drops it.
func (c *Conn) expectProxy(trusted bool) {
	c.flags |= proxied
	if !trusted {
		c.dropProxied(ErrUntrusted)
	}
}

// feedProxy takes the PROXY header off the front of b, all that came so far. It
// reports false while there is no more to be done.
func (c *Conn) feedProxy(b []byte) (rest []byte, ok bool) {
	size, client, err := proxyhead.Parse(b)
	switch {
	case err != nil:
		c.dropProxied(err)
		return nil, false
	case size == 0:
		c.keep(b)
		return nil, false
	}
	if client.IsValid() {
		c.SetPeer(client)
	}
	c.flags &^= proxied
	return b[size:], size < len(b)
}

// dropProxied closes a connection of which nobody knows whose it is. There is
// nothing to answer: it need not be HTTP.
func (c *Conn) dropProxied(err error) {
	c.loop.driver.Dropped(c, err)
	c.drop()
}

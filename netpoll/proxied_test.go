package netpoll

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/netpoll/proxyhead"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// proxiedWorld has one listener, for proxies of the machine's own if trusted.
func proxiedWorld(t *testing.T, a *app, trusted bool) *world {
	w := newWorld(t, a)
	fd, addr, err := ListenSocket("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.fd, w.addr = fd, addr
	trusts := func(a netip.Addr) bool { return a.IsLoopback() && trusted }
	if err := w.loop.ListenProxied(fd, trusts); err != nil {
		t.Fatal(err)
	}
	return w
}

const proxyLine = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"

// A header is taken off wherever its bytes and those of the request are cut.
func TestProxyHeaderAtEverySplit(t *testing.T) {
	wire := proxyLine + clientHead
	a := &app{}
	var peers []netip.AddrPort
	a.connect = func(s *session) {
		peers = append(peers, s.c.Peer())
		s.c.Accept(nil, nil)
	}
	w := proxiedWorld(t, a, true)
	for n := range wire {
		p := w.tcp()
		p.write(wire[:n])
		w.quiet()
		p.write(wire[n:])
		p.expectBytes(serverHead)
		p.close()
	}
	for _, peer := range peers {
		if want := netip.MustParseAddrPort("192.0.2.1:56324"); peer != want {
			t.Fatalf("the peer is %v, want %v", peer, want)
		}
	}
	if len(peers) != len(wire) || len(a.dropped) != 0 {
		t.Errorf("%d handshakes of %d, dropped %v", len(peers), len(wire), a.dropped)
	}
}

// A connection that moves says to the next loop whose it is, and not again.
func TestProxyHeaderIsNotMoved(t *testing.T) {
	a := &app{}
	w := proxiedWorld(t, a, true)
	var received string
	a.route = func(c *Conn, h *wshead.Head) {
		if !c.Moved() {
			received = string(w.loop.received)
			c.Move(w.loop)
			return
		}
		a.await(c)
	}
	p := w.tcp()
	p.write(proxyLine + clientHead)
	p.expectBytes(serverHead)
	if peer := a.only().c.Peer().String(); peer != "192.0.2.1:56324" || received != clientHead {
		t.Errorf("the peer is %s, and %q was moved", peer, received)
	}
}

func TestProxyHeaderRefused(t *testing.T) {
	for _, tc := range []struct {
		name, wire string
		trusted    bool
		late       bool
		want       error
	}{
		{"missing", clientHead, true, false, proxyhead.ErrMissing},
		{"malformed", "PROXY TCP4 x\r\n" + clientHead, true, false, proxyhead.ErrMalformed},
		{"untrusted", proxyLine + clientHead, false, false, ErrUntrusted},
		{"late", proxyLine[:10], true, true, proxyhead.ErrMissing},
		{"silent", "", true, true, proxyhead.ErrMissing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := &app{}
			w := proxiedWorld(t, a, tc.trusted)
			p := w.tcp()
			p.write(tc.wire)
			if tc.late {
				w.until("it is accepted", func() bool { return w.loop.conns.used > 0 })
				w.pass(6 * time.Second)
			}
			w.until("it is dropped", func() bool { return len(a.dropped) == 1 && w.loop.conns.used == 0 })
			if !errors.Is(a.dropped[0], tc.want) || len(a.sessions) != 0 || len(a.refused) != 0 {
				t.Errorf("dropped with %v, and %d handshakes, refused %v; want %v", a.dropped, len(a.sessions), a.refused, tc.want)
			}
		})
	}
}

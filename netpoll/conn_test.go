package netpoll

import (
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/gobwas/ws"
)

// TestConnSize holds the cost of an idle connection: this, and nothing else.
func TestConnSize(t *testing.T) {
	const budget = 192
	if size := unsafe.Sizeof(Conn{}); size > budget {
		t.Errorf("a Conn takes %d bytes; its budget is %d", size, budget)
	}
	if size := unsafe.Sizeof([chunkConns]Conn{}); size > 8<<10 {
		t.Errorf("a chunk of %d connections takes %d bytes", chunkConns, size)
	}
}

func TestPhasesMoveRight(t *testing.T) {
	phases := []phase{opening, waiting, open, closing, closed}
	for _, from := range phases {
		for _, to := range phases {
			c := Conn{phase: from}
			panicked := func() (panicked bool) {
				defer func() { panicked = recover() != nil }()
				c.become(to)
				return false
			}()
			if want := to <= from; panicked != want {
				t.Errorf("from %v to %v: panicked %v, want %v", from, to, panicked, want)
			}
			if !panicked && c.phase != to {
				t.Errorf("from %v to %v: it is %v", from, to, c.phase)
			}
		}
	}
}

func TestAddress(t *testing.T) {
	for _, s := range []string{"127.0.0.1:80", "[::1]:65535", "[2001:db8::1]:1", "0.0.0.0:0"} {
		want := netip.MustParseAddrPort(s)
		if got := makeAddress(want).addrPort(); got != want {
			t.Errorf("the address %v came back as %v", want, got)
		}
	}
	if got := makeAddress(netip.AddrPort{}).addrPort(); got != (netip.AddrPort{}) {
		t.Errorf("no address came back as %v", got)
	}
}

func TestTrimReason(t *testing.T) {
	for n := range 140 {
		for _, s := range []string{strings.Repeat("a", n), strings.Repeat("€", n), "a" + strings.Repeat("ß", n)} {
			got := string(trimReason(s))
			if len(got) > 123 || !utf8.ValidString(got) || !strings.HasPrefix(s, got) || len(s) <= 123 && got != s {
				t.Errorf("trimReason(%q) = %q", s, got)
			}
		}
	}
}

func TestTrafficAndAge(t *testing.T) {
	w := newWorld(t, &app{})
	p := w.open()
	wire := join(text("hello"), binary(pattern(100_000)), ping("x"))
	p.send(wire)
	p.expect(ws.OpPong, "x")
	w.quiet()
	c := w.app.only().c
	received, sent := c.Traffic()
	wantReceived := uint64(len(clientHead) + len(wire))
	wantSent := uint64(len(serverHead) + len("\x8a\x01x\x81\x05hello") + 10 + 100_000)
	if received != wantReceived || sent != wantSent {
		t.Errorf("Traffic = %d, %d, want %d, %d", received, sent, wantReceived, wantSent)
	}
	w.pass(time.Second)
	if age := c.Age(); age < time.Second-tickLength || age > time.Second+tickLength {
		t.Errorf("Age after a second = %v", age)
	}
}

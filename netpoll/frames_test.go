package netpoll

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// Messages of all sizes come back the same, however their frames are cut into
// reads: whole, in a spill, in a body that grows and in one that is read into.
func TestEchoSizesAndCuts(t *testing.T) {
	sizes := []int{0, 1, 7, 125, 126, 511, 512, 513, 4096, 65535, 65536, 100_000, 256 << 10, 1 << 20}
	chunks := []int{1, 3, 100, 1000, 5000, 40_000, 300_000, 2 << 20}
	w := newWorld(t, &app{settings: Settings{SendBytes: 4 << 20}})
	p := w.open()
	for _, size := range sizes {
		payload := pattern(size)
		wire := append(binary(payload), text("next")...)
		for _, chunk := range chunks {
			if len(wire)/chunk > 2000 {
				continue
			}
			for rest := wire; len(rest) > 0; w.turn() {
				n := min(chunk, len(rest))
				p.send(rest[:n])
				rest = rest[n:]
			}
			p.expect(ws.OpBinary, payload)
			p.expect(ws.OpText, "next")
		}
	}
	w.quiet()
	if c := w.app.only().c; c.more != nil || c.out != nil {
		t.Error("an idle connection still owns something")
	}
}

// Short messages cut at every place, with their neighbours in the same segment.
func TestFramesCutAnywhere(t *testing.T) {
	w := newWorld(t, &app{})
	p := w.open()
	wire := join(binary("one"), clientFrame(false, ws.OpText, "tw"), clientFrame(true, ws.OpContinuation, "o€"),
		binary(""), binary(strings.Repeat("t", 130)))
	for cut := range len(wire) + 1 {
		p.send(wire[:cut])
		w.turn()
		p.send(wire[cut:])
		p.expect(ws.OpBinary, "one")
		p.expect(ws.OpText, "two€")
		p.expect(ws.OpBinary, "")
		p.expect(ws.OpBinary, strings.Repeat("t", 130))
	}
}

func TestFragments(t *testing.T) {
	for _, sizes := range [][]int{{0, 0, 0}, {1, 0, 1}, {600, 5000, 1}, {40_000, 40_000}, {100_000, 10, 300_000}, {1, 200_000}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			w := newWorld(t, &app{})
			p := w.open()
			whole := ""
			for i, size := range sizes {
				op := ws.OpContinuation
				if i == 0 {
					op = ws.OpBinary
				}
				payload := pattern(size)
				whole += payload
				p.send(clientFrame(false, op, payload))
				p.send(ping("between")) // control frames may come inside a message
				p.expect(ws.OpPong, "between")
			}
			p.send(clientFrame(true, ws.OpContinuation, "."))
			p.expect(ws.OpBinary, whole+".")
		})
	}
}

// What a peer does wrong ends its connection: what it did right before is
// answered first, then comes the close frame, then the end.
func TestFaults(t *testing.T) {
	cases := []struct {
		name   string
		wire   []byte
		code   ws.StatusCode
		reason string
	}{
		{"unmasked", ws.MustCompileFrame(ws.NewTextFrame([]byte("x"))), 1002, "frame not masked"},
		{"reserved bit", []byte{0xc1, 0x80, 0, 0, 0, 0}, 1002, "reserved bit set"},
		{"reserved opcode", []byte{0x83, 0x80, 0, 0, 0, 0}, 1002, "reserved opcode"},
		{"stray continuation", clientFrame(true, ws.OpContinuation, "x"), 1002, "continuation without a message"},
		{"interleaved", join(clientFrame(false, ws.OpText, "x"), text("y")), 1002, "message inside a fragmented message"},
		{"fragmented ping", clientFrame(false, ws.OpPing, ""), 1002, "fragmented control frame"},
		{"long ping", []byte{0x89, 0xfe, 0, 126, 0, 0, 0, 0}, 1002, "control frame over 125 bytes"},
		{"length form", []byte{0x82, 0xfe, 0, 1, 0, 0, 0, 0, 0}, 1002, "length not in its shortest form"},
		{"63 bits", []byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}, 1002, "length over 63 bits"},
		{"close of one byte", []byte{0x88, 0x81, 0, 0, 0, 0, 3}, 1002, "close frame of one byte"},
		{"close code", closeFrame(1005, ""), 1002, "illegal close code"},
		{"close reason", closeFrame(1000, "\xff"), 1007, "close reason is not UTF-8"},
		{"text", text("a\xff"), 1007, "text is not UTF-8"},
		{"text that ends early", text("a\xe2\x82"), 1007, "text is not UTF-8"},
		{"text in fragments", join(clientFrame(false, ws.OpText, "\xe2"), clientFrame(true, ws.OpContinuation, "\x28\xa1")), 1007, "text is not UTF-8"},
		{"too big", []byte{0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1}, 1009, "message too big"},
		{"too big in fragments", join(clientFrame(false, ws.OpBinary, pattern(60_000)), []byte{0x80, 0xfe, 0x40, 0}), 1009, "message too big"},
	}
	for _, tc := range cases {
		for _, bytewise := range []bool{false, true} {
			t.Run(fmt.Sprint(tc.name, " bytewise ", bytewise), func(t *testing.T) {
				a := &app{settings: Settings{MessageBytes: 1 << 16}}
				w := newWorld(t, a)
				p := w.openTCP()
				wire := join(text("before"), tc.wire, []byte("what follows is not looked at"))
				if bytewise && len(wire) < 1000 {
					for _, b := range wire {
						p.send([]byte{b})
						w.turn()
					}
				} else {
					p.send(wire)
				}
				p.expect(ws.OpText, "before")
				p.expectClose(tc.code, tc.reason)
				wantEnd(t, a.only(), End{Code: tc.code, Cause: ByHost, Opened: true}, tc.reason)
				if err := a.only().c.phase; err != closing && err != closed {
					t.Errorf("the phase is %v", err)
				}
				p.close()
				w.until("the slot is free", func() bool { return w.loop.conns.used == 0 })
			})
		}
	}
}

// A text is refused at its first bad byte, long before its frame ends.
func TestBadTextIsFoundEarly(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.openTCP()
	wire := text(strings.Repeat("€", 1000) + "\xff" + strings.Repeat("x", 100_000))
	p.send(wire[:10_000])
	p.expectClose(1007, "text is not UTF-8")
}

// A message for which the handler has no room ends the connection with 1013.
func TestNoRoom(t *testing.T) {
	for _, size := range []int{10, 100_000} {
		a := &app{}
		a.message = func(s *session, m *Incoming) (error, bool) {
			if s.received == 2 {
				return ErrNoRoom, true
			}
			return nil, false
		}
		w := newWorld(t, a)
		p := w.openTCP()
		for range 3 {
			p.send(binary(pattern(size)))
		}
		p.expect(ws.OpBinary, pattern(size))
		p.expectClose(StatusTryAgainLater, "no room for the message")
		if s := a.only(); s.received != 2 {
			t.Errorf("%d messages were handed over, want 2", s.received)
		}
	}
}

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

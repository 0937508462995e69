package netpoll

import (
	"fmt"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// TestEchoBudget holds a turn that echoes to its budget: it allocates nothing,
// and one read and one write do for all the messages that came together.
func TestEchoBudget(t *testing.T) {
	cases := []struct{ size, depth int }{
		{0, 1}, {64, 1}, {4 << 10, 1}, {64 << 10, 1},
		{64, 16}, {4 << 10, 16},
	}
	for _, tc := range cases {
		t.Run(fmt.Sprintf("%d bytes, %d in flight", tc.size, tc.depth), func(t *testing.T) {
			w := newWorld(t, &app{})
			p := w.open()
			w.quiet()
			wire, back := []byte{}, 0
			for range tc.depth {
				wire = append(wire, binary(pattern(tc.size))...)
				back += wsframe.HeaderSize(tc.size) + tc.size
			}
			in := make([]byte, back+1)
			echo := func() {
				if n, err := send(p.fd, wire); n != len(wire) {
					t.Fatalf("wrote %d of %d bytes: %v", n, len(wire), err)
				}
				w.loop.turn(false)
				if n, err := recv(p.fd, in); n != back {
					t.Fatalf("read %d of %d bytes: %v", n, back, err)
				}
			}
			echo() // so that everything has grown
			before := w.loop.stats
			echo()
			after := w.loop.stats
			if r, wr := after.Reads-before.Reads, after.Writes-before.Writes; r != 1 || wr != 1 {
				t.Errorf("took %d reads and %d writes, want 1 and 1", r, wr)
			}
			if n := testing.AllocsPerRun(100, echo); n != 0 {
				t.Errorf("allocates %v times a turn; the budget is 0", n)
			}
		})
	}
}

// A large message that comes in pieces, and one that the handler has memory for,
// allocate nothing either.
func TestLargeEchoBudget(t *testing.T) {
	const size = 300_000
	memory := make([]byte, size)
	for name, reserve := range map[string]func(int) []byte{
		"in our memory":    nil,
		"in the handler's": func(n int) []byte { return memory[:n] },
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{reserve: reserve}
			a.receive = func(*session, ws.OpCode, []byte) {}
			w := newWorld(t, a)
			p := w.open()
			w.quiet()
			wire := binary(pattern(size))
			s := a.only()
			receive := func() {
				had := s.received
				for rest := wire; s.received == had; w.loop.turn(false) {
					n, _ := send(p.fd, rest[:min(len(rest), 100_000)])
					rest = rest[n:]
				}
			}
			receive()
			before := w.loop.stats
			receive()
			if reads := w.loop.stats.Reads - before.Reads; reads > 6 {
				t.Errorf("took %d reads", reads)
			}
			if n := testing.AllocsPerRun(20, receive); n != 0 {
				t.Errorf("allocates %v times; the budget is 0", n)
			}
		})
	}
}

// Control frames and fragments come with no allocations, too.
func TestControlBudget(t *testing.T) {
	w := newWorld(t, &app{})
	p := w.open()
	w.quiet()
	wire := join(ping("12345"), clientFrame(false, ws.OpText, "frag"), clientFrame(true, ws.OpContinuation, "ment"))
	half := len(wire) / 2
	in := make([]byte, 1000)
	turns := func() {
		send(p.fd, wire[:half])
		w.loop.turn(false)
		send(p.fd, wire[half:])
		w.loop.turn(false)
		if n, err := recv(p.fd, in); n == 0 {
			t.Fatal("nothing came back: ", err)
		}
	}
	turns()
	if n := testing.AllocsPerRun(100, turns); n != 0 {
		t.Errorf("allocates %v times; the budget is 0", n)
	}
}

// An idle connection owns no buffer, and a turn without work is one poll.
func TestIdleBudget(t *testing.T) {
	w := newWorld(t, &app{})
	for range 50 {
		p := w.open()
		p.send(text("x"))
		p.expect(ws.OpText, "x")
	}
	w.quiet()
	for _, s := range w.app.sessions {
		if s.c.more != nil || s.c.out != nil {
			t.Fatal("an idle connection still owns something")
		}
	}
	before := w.loop.stats
	if n := testing.AllocsPerRun(10, func() { w.loop.turn(false) }); n != 0 {
		t.Errorf("an idle turn allocates %v times", n)
	}
	after := w.loop.stats
	if after.Reads != before.Reads || after.Writes != before.Writes || after.Waits-before.Waits != after.Turns-before.Turns {
		t.Errorf("idle turns took %+v system calls, before %+v", after, before)
	}
}

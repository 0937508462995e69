package netpoll

import (
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A connection that the handler halts is not read, and not pinged for its
// silence; when it goes on nothing is lost.
func TestHalt(t *testing.T) {
	halted := false
	a := &app{
		settings: Settings{PingInterval: 2 * time.Second, PingTimeout: 2 * time.Second},
		halt:     func(*session) bool { return halted },
	}
	w := newWorld(t, a)
	p := w.open()
	p.send(text("before"))
	p.expect(ws.OpText, "before")

	halted = true
	p.send(text("one"))
	p.send(text("two"))
	w.turn()
	reads := w.loop.stats.Reads
	w.pass(10 * time.Second)
	p.expectNothing()
	if n := w.loop.stats.Reads - reads; n != 0 {
		t.Errorf("%d reads of a connection that is halted", n)
	}

	halted = false
	a.only().c.Resume()
	p.expect(ws.OpText, "one")
	p.expect(ws.OpText, "two")
	a.only().c.Resume() // it is not halted
	p.send(text("after"))
	p.expect(ws.OpText, "after")
}

// A halted connection can end: its peer may vanish, and its handler may close it,
// for which the peer's part is read.
func TestHaltEnds(t *testing.T) {
	a := &app{halt: func(*session) bool { return true }}
	w := newWorld(t, a)
	p := w.openTCP()
	p.send(text("unread"))
	w.turn()
	p.reset()
	w.until("the reset is noticed", func() bool { return a.sessions[0].ended })
	wantEnd(t, a.sessions[0], End{Code: 1006, Cause: ByPeer, Opened: true}, "")

	p = w.openTCP()
	p.send(text("unread"))
	w.turn()
	a.sessions[1].c.Close(1000, "enough", ByHandler)
	p.expect(ws.OpClose, string(ws.NewCloseFrameBody(1000, "enough")))
	p.send(closeFrame(1000, ""))
	w.until("the peer's close frame is read", func() bool { return a.sessions[1].ended })
	wantEnd(t, a.sessions[1], End{Code: 1000, Cause: ByHandler, Clean: true, Opened: true}, "enough")
}

// What has come of a message survives the memory that was lent for it.
func TestKeep(t *testing.T) {
	const size = 400_000
	var mem arena
	a := &app{reserve: mem.reserve}
	w := newWorld(t, a)
	p := w.open()
	wire := binary(pattern(size))
	p.send(wire[:size/2])
	w.quiet()
	if len(mem.asked) != 1 {
		t.Fatalf("memory was asked for %d times, want once", len(mem.asked))
	}
	c := a.only().c
	a.settle(c.more.body.buf, "Keep")
	c.Keep()
	clear(mem.memory[:])
	c.Keep() // a second time there is nothing to do
	p.send(wire[size/2:])
	p.expect(ws.OpBinary, pattern(size))
	if a.abandoned != 0 {
		t.Error("memory was abandoned that the lender has already")
	}
}

// Wake shortens a wait, and asks for one Deliver.
func TestWake(t *testing.T) {
	w := newWorld(t, &app{})
	l := w.loop
	if d := l.patience(); d >= 0 {
		t.Errorf("a loop without connections waits for %v, not for ever", d)
	}
	l.Wake(30 * time.Millisecond)
	l.Wake(20 * time.Millisecond)
	l.Wake(50 * time.Millisecond)
	if d := l.patience(); d != 20*time.Millisecond {
		t.Errorf("it waits for %v, want 20ms", d)
	}
	w.now += 25 * time.Millisecond
	if d := l.patience(); d != 0 {
		t.Errorf("late, it waits for %v", d)
	}
	w.turn()
	if d := l.patience(); d >= 0 {
		t.Errorf("after the alarm it waits for %v", d)
	}
}

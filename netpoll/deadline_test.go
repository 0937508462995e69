package netpoll

import (
	"math"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestKeepalive(t *testing.T) {
	a := &app{settings: Settings{PingInterval: 2 * time.Second, PingTimeout: 3 * time.Second}}
	w := newWorld(t, a)
	p := w.openTCP()
	for range 3 { // a peer that answers lives
		w.pass(1800 * time.Millisecond)
		p.expectNothing()
		w.pass(300 * time.Millisecond)
		p.expect(ws.OpPing, "")
		w.pass(2500 * time.Millisecond)
		p.expectNothing() // one ping is enough
		p.send(clientFrame(true, ws.OpPong, ""))
		w.turn()
	}
	for range 10 { // and so does one that sends anything
		w.pass(time.Second)
		p.send(text("x"))
		p.expect(ws.OpText, "x")
	}
	w.pass(2200 * time.Millisecond)
	p.expect(ws.OpPing, "")
	w.pass(3200 * time.Millisecond)
	p.expectClose(1011, "keepalive ping timeout")
	wantEnd(t, a.only(), End{Code: 1011, Cause: ByHost, Opened: true}, "keepalive ping timeout")
}

// A loop that was busy for long gives its peers the time that a ping takes all
// the same.
func TestKeepaliveAfterALongTurn(t *testing.T) {
	a := &app{settings: Settings{PingInterval: 2 * time.Second, PingTimeout: 3 * time.Second}}
	w := newWorld(t, a)
	p := w.open()
	w.now += time.Minute
	p.expect(ws.OpPing, "")
	w.pass(2500 * time.Millisecond)
	p.expectNothing()
	p.send(clientFrame(true, ws.OpPong, ""))
	w.pass(time.Second)
	p.expectNothing()
}

func TestIdleTimeout(t *testing.T) {
	a := &app{settings: Settings{IdleTimeout: 5 * time.Second}}
	w := newWorld(t, a)
	p := w.openTCP()
	w.pass(4 * time.Second)
	p.send(text("in")) // echoed: a message in both directions
	p.expect(ws.OpText, "in")
	w.pass(4 * time.Second)
	a.only().c.Send(ws.OpText, []byte("out"))
	p.expect(ws.OpText, "out")
	w.pass(4 * time.Second)
	p.send(ping("")) // no message
	p.expect(ws.OpPong, "")
	p.expectNothing()
	w.pass(1200 * time.Millisecond)
	p.expect(ws.OpClose, string(ws.NewCloseFrameBody(1001, "idle timeout")))
	p.send(closeFrame(1001, ""))
	p.expectEnd()
	wantEnd(t, a.only(), End{Code: 1001, Cause: ByHost, Clean: true, Opened: true}, "idle timeout")
}

// Deadlines that are off, and those that say "for ever", never pass.
func TestNoDeadlines(t *testing.T) {
	for _, d := range []time.Duration{-1, math.MaxInt64} {
		a := &app{settings: Settings{ConnectTimeout: d, IdleTimeout: d, PingInterval: d, PingTimeout: d, CloseTimeout: d, StallTimeout: d}}
		w := newWorld(t, a)
		p := w.open()
		w.now += 24 * time.Hour
		p.expectNothing()
		p.send(text("x"))
		p.expect(ws.OpText, "x")
	}
}

func TestSettingsDefaults(t *testing.T) {
	got := Settings{MessageBytes: 7, IdleTimeout: -1, PingInterval: -time.Second, PingTimeout: math.MaxInt64}.WithDefaults()
	want := Settings{
		MessageBytes: 7, SendBytes: 1 << 20,
		ConnectTimeout: 5 * time.Second, PingTimeout: deadlineMax,
		CloseTimeout: 10 * time.Second, StallTimeout: 30 * time.Second,
	}
	if got != want {
		t.Errorf("WithDefaults = %+v, want %+v", got, want)
	}
}

// The clock's ticks wrap: a loop that has run for years keeps its deadlines.
func TestTicksWrap(t *testing.T) {
	a := &app{settings: Settings{PingInterval: 2 * time.Second}}
	w := newWorld(t, a)
	w.now = (math.MaxUint32 - 10) * tickLength
	w.turn()
	p := w.open()
	w.pass(1800 * time.Millisecond)
	p.expectNothing()
	w.pass(400 * time.Millisecond)
	p.expect(ws.OpPing, "")
}

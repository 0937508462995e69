package netpoll

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// Thousands of connections come and go in every way. Nothing is left of them.
func TestChurn(t *testing.T) {
	ways := []func(*peer){
		func(p *peer) { p.close() },
		func(p *peer) { p.reset() },
		func(p *peer) { p.write("GET / HTTP/1.1\r\nHo"); p.close() },
		func(p *peer) { p.write("nonsense\n") },
		func(p *peer) { p.write(clientHead); p.close() },
		func(p *peer) { p.write(clientHead); p.reset() },
		func(p *peer) { p.write(clientHead); p.send(text("x")); p.send(closeFrame(1000, "")) },
		func(p *peer) { p.write(clientHead); p.send([]byte("\xff")) },
		func(p *peer) { p.write(clientHead); p.send(binary(pattern(50_000))[:30_000]); endStream(p.fd) },
		func(p *peer) { p.write(clientHead); p.send(binary(pattern(100_000))); p.slow = true },
		func(p *peer) { p.write(clientHead); p.send(ping("x")); p.send(text("x")[:3]) },
	}
	const total, atOnce = 3000, 100
	a := &app{settings: Settings{StallTimeout: time.Second, IdleTimeout: 2 * time.Second, CloseTimeout: time.Second}}
	w := newWorld(t, a)
	w.listen()
	before := descriptors(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	opened := 0
	for opened < total || len(w.peers) > 0 {
		for opened < total && len(w.peers) < atOnce {
			ways[opened%len(ways)](w.tcp())
			opened++
		}
		w.now += tickLength
		w.turn()
		for i := len(w.peers) - 1; i >= 0; i-- {
			p := w.peers[i]
			if p.ended != nil || rnd.IntN(200) == 0 {
				p.close()
			}
			if p.fd < 0 {
				w.peers[i] = w.peers[len(w.peers)-1]
				w.peers = w.peers[:len(w.peers)-1]
			}
		}
	}
	w.until("all have gone", func() bool { return w.loop.conns.used == 0 })
	w.checkEmpty()
	l := w.loop
	if slots := len(l.conns.chunks) * chunkConns; slots > 4*atOnce {
		t.Errorf("%d slots for at most %d connections at once", slots, atOnce)
	}
	if len(l.extras) > freeMax || len(l.queues) > freeMax {
		t.Errorf("%d extras and %d queues are kept", len(l.extras), len(l.queues))
	}
	held := 0
	for _, free := range l.pool.free {
		for _, b := range free {
			held += cap(b)
		}
	}
	if held > poolClasses*poolRetain {
		t.Errorf("the pool holds %d bytes", held)
	}
	if int(l.stats.Accepts) != total {
		t.Errorf("%d accepted, want %d", l.stats.Accepts, total)
	}
	if now := descriptors(t); now != before {
		t.Errorf("%d descriptors are open, before there were %d", now, before)
	}
}

// A stale report never reaches the tenant that took the slot: a connection that
// ends and one that comes in the same turn.
func TestSlotIsNotReusedWithinATurn(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	first := w.open()
	c := a.only().c
	stale := c.readyID()
	first.close()
	second := w.pipe() // adopted in the turn in which the first ends
	second.shake()
	if a.sessions[1].c == c {
		t.Error("the slot was taken again before the turn had ended")
	}
	third := w.open()
	if a.sessions[2].c != c {
		t.Fatal("the slot was not taken again: the test tests nothing")
	}
	w.loop.handle(ready{id: stale, readable: true, writable: true})
	third.send(text("x"))
	third.expect(ws.OpText, "x")
}

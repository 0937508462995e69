package netpoll

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// Any number of messages in a turn is one write.
func TestCoalescing(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.open()
	w.quiet()
	for _, n := range []int{1, 16, 100} {
		before := w.loop.stats
		for i := range n {
			a.only().c.Send(ws.OpText, fmt.Appendf(nil, "message %d", i))
		}
		w.turn()
		if writes := w.loop.stats.Writes - before.Writes; writes != 1 {
			t.Errorf("%d messages took %d writes, want 1", n, writes)
		}
		for i := range n {
			p.expect(ws.OpText, fmt.Sprintf("message %d", i))
		}
	}
}

// A large message goes out at once, from where it lies, in one write together
// with what is queued before it.
func TestLargeMessageIsWrittenAtOnce(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.open()
	c := a.only().c
	w.quiet()
	before := w.loop.stats
	c.Send(ws.OpText, []byte("small"))
	payload := []byte(pattern(64 << 10))
	c.Send(ws.OpBinary, payload)
	poison(payload) // it is ours again
	c.Send(ws.OpText, []byte("behind"))
	if writes := w.loop.stats.Writes - before.Writes; writes != 1 {
		t.Errorf("took %d writes, want 1", writes)
	}
	w.turn()
	if writes := w.loop.stats.Writes - before.Writes; writes != 2 {
		t.Errorf("took %d writes, want 2", writes)
	}
	p.expect(ws.OpText, "small")
	p.expect(ws.OpBinary, pattern(64<<10))
	p.expect(ws.OpText, "behind")
}

// Sends of all kinds and sizes arrive in order at a peer that reads slowly.
func TestOrderUnderSlowReader(t *testing.T) {
	a := &app{settings: Settings{SendBytes: 16 << 20}}
	w := newWorld(t, a)
	p := w.open()
	p.slow = true
	c := a.only().c
	sizes := []int{0, 5, 200_000, 16 << 10, 16<<10 - 1, 300, 1 << 20, 8 << 10, 8 << 10, 100, 70_000}
	shared := wsframe.AppendFrame(nil, ws.OpBinary, pattern(20_000))
	const rounds = 8
	for range rounds {
		for _, size := range sizes {
			payload := []byte(pattern(size))
			if err := c.Send(ws.OpBinary, payload); err != nil {
				t.Fatal(err)
			}
			poison(payload)
		}
		c.SendFrame(shared)
		c.SendFrame([]byte{0x81, 1, 'x'})
		w.turn()
	}
	if !c.is(wantWrite) {
		t.Fatal("the kernel took everything: the test tests nothing")
	}
	p.slow = false
	for range rounds {
		for _, size := range sizes {
			p.expect(ws.OpBinary, pattern(size))
		}
		p.expect(ws.OpBinary, pattern(20_000))
		p.expect(ws.OpText, "x")
	}
	w.quiet()
	if c.out != nil || c.more != nil {
		t.Error("an idle connection still owns something")
	}
}

// blocked returns a connection whose peer does not read and whose socket is full.
func blocked(w *world) (*peer, *Conn) {
	w.t.Helper()
	p := w.open()
	p.slow = true
	c := w.app.sessions[len(w.app.sessions)-1].c
	for !c.is(wantWrite) {
		if err := c.Send(ws.OpBinary, make([]byte, 10_000)); err != nil {
			w.t.Fatal(err)
		}
		w.turn()
	}
	return p, c
}

func TestWouldBlockAndDrained(t *testing.T) {
	a := &app{settings: Settings{SendBytes: 100_000}}
	w := newWorld(t, a)
	p, c := blocked(w)
	var err error
	for range 100 {
		if err = c.Send(ws.OpBinary, make([]byte, 10_000)); err != nil {
			break
		}
	}
	if err != ErrWouldBlock {
		t.Fatalf("Send to a peer that does not read = %v, want ErrWouldBlock", err)
	}
	if err := c.SendFrame(make([]byte, 100)); err != ErrWouldBlock {
		t.Errorf("SendFrame = %v, want ErrWouldBlock", err)
	}
	if c.out.bytes > 100_000+10_010 {
		t.Errorf("%d bytes are queued, and the mark is at 100000", c.out.bytes)
	}
	s := a.only()
	w.quiet()
	if s.drained != 0 {
		t.Error("Drained was called although nothing drained")
	}
	bytes := 0
	a.drained = func(*session) { bytes = queued(c) }
	p.slow = false
	w.until("the backlog is drained", func() bool { return s.drained > 0 })
	w.quiet()
	if s.drained != 1 || bytes > 100_000/4 {
		t.Errorf("Drained was called %d times, at %d bytes; want once, at a quarter of 100000", s.drained, bytes)
	}
	// A backlog that stays under the mark drains unnoticed.
	p.slow = true
	for !c.is(wantWrite) {
		if err := c.Send(ws.OpBinary, make([]byte, 10_000)); err != nil {
			t.Fatalf("Send after Drained = %v", err)
		}
		w.turn()
	}
	p.slow = false
	w.until("the backlog is drained", func() bool { return c.out == nil })
	if s.drained != 1 {
		t.Error("Drained was called for a backlog that was never refused")
	}
}

// However messages are sent, a backlog is never over its limit by more than the
// message that passed it.
func TestBacklogCap(t *testing.T) {
	const limit = 64 << 10
	sizes := []int{0, 1, 125, 126, 4000, 16<<10 - 1, 16 << 10, 65535, 65536, 100_000, 300_000}
	for name, compressed := range map[string]bool{"plain": false, "deflate": true} {
		t.Run(name, func(t *testing.T) {
			a := &app{settings: Settings{SendBytes: limit}}
			if compressed {
				a.settings.Deflate = &wsdeflate.Config{}
			}
			w := newWorld(t, a)
			var p *peer
			if compressed {
				p = w.openDeflate(&deflater{})
			} else {
				p = w.open()
			}
			p.slow = true
			c := a.only().c
			random := rand.New(rand.NewPCG(1, 2))
			refused := 0
			for refused < 1000 {
				payload := make([]byte, sizes[random.IntN(len(sizes))])
				for i := range payload {
					payload[i] = byte(random.Uint32()) // does not compress
				}
				before, most := queued(c), wsframe.HeaderSize(len(payload))+len(payload)
				var err error
				switch random.IntN(3) {
				case 0:
					err = c.SendFrame(wsframe.AppendFrame(nil, ws.OpBinary, payload))
				case 1:
					w.turn()
					err = c.Send(ws.OpBinary, payload)
				default:
					err = c.Send(ws.OpBinary, payload)
				}
				switch {
				case err == ErrWouldBlock:
					refused++
					if queued(c) <= limit || queued(c) > before {
						t.Fatalf("refused %d bytes at a backlog of %d, which was %d", len(payload), queued(c), before)
					}
				case err != nil:
					t.Fatal(err)
				case queued(c) > limit+most:
					t.Fatalf("a backlog of %d after a frame of %d; it was %d, and the limit is %d", queued(c), most, before, limit)
				}
			}
		})
	}
}

func queued(c *Conn) int {
	if c.out == nil {
		return 0
	}
	return c.out.bytes
}

// While the backlog does not drain, of any number of pings only the newest is
// answered, and they take no memory.
func TestPongFlood(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p, c := blocked(w)
	before := c.out.bytes
	for i := range 50_000 {
		p.send(ping(fmt.Sprint(i)))
		if i%1000 == 0 {
			w.turn()
		}
	}
	w.quiet()
	if c.out.bytes > before || len(c.out.segments) > 1000 {
		t.Errorf("the queue grew from %d to %d bytes", before, c.out.bytes)
	}
	p.slow = false
	var pongs []string
	w.until("the newest pong came", func() bool {
		for op, payload, ok := p.next(); ok; op, payload, ok = p.next() {
			if op == ws.OpPong {
				pongs = append(pongs, string(payload))
			}
		}
		return len(pongs) > 0 && pongs[len(pongs)-1] == "49999"
	})
	if len(pongs) != 1 {
		t.Errorf("%d pongs came, want the newest", len(pongs))
	}
	w.quiet()
	if c.more != nil {
		t.Error("an idle connection still owns something")
	}
}

// Pings that come faster than a turn ends do not fill memory either.
func TestPongFloodInOneRead(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.open()
	p.slow = true
	flood := []byte{}
	for range 20_000 {
		flood = append(flood, ping(pattern(125))...)
	}
	p.send(flood)
	most := 0
	for range 40 {
		w.turn()
		most = max(most, queued(a.only().c))
	}
	if most > 2*flushBytes {
		t.Errorf("%d bytes of pongs are queued", most)
	}
}

// A pong that waited for room never follows a close frame.
func TestNoPongBehindClose(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p, c := blocked(w)
	p.send(ping("late"))
	w.quiet()
	c.Close(1000, "bye", ByHandler)
	p.slow = false
	var last ws.OpCode
	w.until("the close frame came", func() bool {
		for op, _, ok := p.next(); ok; op, _, ok = p.next() {
			last = op
		}
		return last == ws.OpClose
	})
	p.expectNothing()
	p.send(closeFrame(1000, ""))
	p.expectEnd()
}

// Nobody hears Drained after Closed.
func TestNoDrainedBehindClosed(t *testing.T) {
	a := &app{keep: true, settings: Settings{SendBytes: 100_000}}
	w := newWorld(t, a)
	p, c := blocked(w)
	for c.Send(ws.OpBinary, make([]byte, 10_000)) == nil {
	}
	p.send([]byte("\xff"))
	s := a.only()
	w.until("the end is reported", func() bool { return s.ended })
	p.slow = false
	w.quiet() // the app notices a Drained
	a.release(s)
	w.until("the stream ended", func() bool { return p.ended != nil })
}

func TestStall(t *testing.T) {
	a := &app{settings: Settings{StallTimeout: 5 * time.Second, SendBytes: 10 << 20}}
	w := newWorld(t, a)
	p := w.openTCP()
	p.slow = true
	s := a.only()
	for !s.c.is(wantWrite) {
		s.c.Send(ws.OpBinary, make([]byte, 1<<20))
	}
	p.send(text("I am alive, I only do not read"))
	w.pass(4900 * time.Millisecond)
	if s.ended {
		t.Fatal("it ended too early")
	}
	w.pass(400 * time.Millisecond)
	w.until("the end is reported", func() bool { return s.ended })
	wantEnd(t, s, End{Code: ws.StatusAbnormalClosure, Cause: ByPeer, Opened: true}, "")
	p.slow = false
	w.until("the stream ended", func() bool { return p.ended != nil })
	if p.ended == errEnd {
		t.Error("the stream ended, and should have been reset")
	}
}

// A slow reader that makes progress is not stalled.
func TestSlowIsNotStalled(t *testing.T) {
	a := &app{settings: Settings{StallTimeout: 2 * time.Second, SendBytes: 10 << 20}}
	w := newWorld(t, a)
	p, c := blocked(w)
	c.Send(ws.OpBinary, make([]byte, 2<<20))
	for range 8 {
		w.pass(time.Second)
		var b [100 << 10]byte
		recv(p.fd, b[:])
	}
	if a.only().ended {
		t.Error("it ended although it made progress")
	}
}

// One frame goes to many connections, among bytes of their own.
func TestSharedFrame(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	var peers []*peer
	for range 10 {
		peers = append(peers, w.open())
	}
	for _, size := range []int{10, SharedMin, 100_000} {
		frame := wsframe.AppendFrame(nil, ws.OpBinary, pattern(size))
		for round := range 5 {
			for i, s := range a.sessions {
				own := fmt.Appendf(nil, "own %d %d", i, round)
				s.c.Send(ws.OpText, own)
				if err := s.c.SendFrame(frame); err != nil {
					t.Fatal(err)
				}
				s.c.Send(ws.OpText, own)
			}
		}
		for round := range 5 {
			for i, p := range peers {
				own := fmt.Sprintf("own %d %d", i, round)
				p.expect(ws.OpText, own)
				p.expect(ws.OpBinary, pattern(size))
				p.expect(ws.OpText, own)
			}
		}
		if string(frame[len(frame)-size:]) != pattern(size) {
			t.Fatal("the shared frame was changed")
		}
	}
}

// A queue that is never empty forgets what it has written.
func TestQueueThatIsNeverEmpty(t *testing.T) {
	a := &app{settings: Settings{SendBytes: 1 << 20}}
	w := newWorld(t, a)
	p, c := blocked(w)
	for range 2000 {
		for queued(c) < 200_000 {
			c.Send(ws.OpBinary, make([]byte, 8_000))
		}
		var b [16 << 10]byte
		recv(p.fd, b[:])
		w.turn()
		if c.out == nil {
			t.Fatal("the queue ran empty: the test tests nothing")
		}
	}
	if n := len(c.out.segments); n > 200 {
		t.Errorf("a queue of %d bytes has %d segments", c.out.bytes, n)
	}
}

func TestTailGrowsToSegmentMax(t *testing.T) {
	w := newWorld(t, &app{})
	w.open()
	c := w.app.only().c
	for range 100 {
		c.Send(ws.OpText, make([]byte, 300))
	}
	for i, s := range c.out.segments {
		if cap(s.buf) > segmentMax {
			t.Errorf("segment %d has room for %d bytes", i, cap(s.buf))
		}
	}
	if n := len(c.out.segments); n > 100*302/segmentMax+1 {
		t.Errorf("%d bytes lie in %d segments", c.out.bytes, n)
	}
	w.turn()
}

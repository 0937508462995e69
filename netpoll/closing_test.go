package netpoll

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestPeerCloses(t *testing.T) {
	cases := []struct {
		name   string
		frame  []byte
		code   ws.StatusCode
		reason string
		answer string // payload of our close frame
	}{
		{"no status", clientFrame(true, ws.OpClose, ""), 1005, "", ""},
		{"1000", closeFrame(1000, ""), 1000, "", "\x03\xe8"},
		{"4999 and a reason", closeFrame(4999, "böse"), 4999, "böse", "\x13\x87böse"},
		{"the longest reason", closeFrame(1001, strings.Repeat("x", 123)), 1001, strings.Repeat("x", 123), "\x03\xe9" + strings.Repeat("x", 123)},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			a := &app{}
			w := newWorld(t, a)
			p := w.openTCP()
			// All in one segment: the messages are answered before the close is.
			p.send(join(text("a"), text("b"), tc.frame, []byte("nobody looks at this")))
			p.expect(ws.OpText, "a")
			p.expect(ws.OpText, "b")
			p.expect(ws.OpClose, tc.answer)
			wantEnd(t, a.only(), End{Code: tc.code, Cause: ByPeer, Clean: true, Opened: true}, tc.reason)
			w.until("the slot is free", func() bool { return w.loop.conns.used == 0 })
		})
	}
}

func TestHandlerCloses(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.openTCP()
	s := a.only()
	s.c.Send(ws.OpText, []byte("queued"))
	if err := s.c.Close(4000, strings.Repeat("€", 50), ByHandler); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Close":     s.c.Close(1000, "", ByHandler),
		"Fail":      s.c.Fail(1011, ""),
		"Send":      s.c.Send(ws.OpText, nil),
		"SendFrame": s.c.SendFrame(nil),
	} {
		if err != ErrClosed {
			t.Errorf("%s after Close = %v, want ErrClosed", name, err)
		}
	}
	reason := strings.Repeat("€", 41) // all that fits
	p.expect(ws.OpText, "queued")
	p.expect(ws.OpClose, string(ws.NewCloseFrameBody(4000, reason)))
	p.send(join(text("ignored"), clientFrame(false, ws.OpText, "this too"), ping("and this")))
	p.expectNothing()
	if s.ended || s.received != 0 {
		t.Errorf("before the peer's close frame: ended %v, %d messages", s.ended, s.received)
	}
	p.send(clientFrame(true, ws.OpContinuation, ""))
	p.send(closeFrame(4000, reason))
	p.expectEnd()
	wantEnd(t, s, End{Code: 4000, Cause: ByHandler, Clean: true, Opened: true}, reason)
}

func TestBothCloseAtOnce(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.openTCP()
	a.only().c.Close(1001, "ours", ByHandler)
	p.send(closeFrame(1000, "theirs"))
	p.expectClose(1001, "ours")
	wantEnd(t, a.only(), End{Code: 1001, Cause: ByHandler, Clean: true, Opened: true}, "ours")
}

// Close in Deliver, with the peer's close frame in the same read.
func TestCloseAnsweredInTheSameTurn(t *testing.T) {
	a := &app{}
	a.receive = func(s *session, _ ws.OpCode, _ []byte) {
		if err := s.c.Close(1001, "ours", ByHandler); err != ErrClosed {
			t.Errorf("Close of a connection that was reported closed = %v, want ErrClosed", err)
		}
		if err := s.c.Send(ws.OpText, []byte("bye")); err != nil {
			t.Errorf("Send before Release = %v", err) // what was staged before is answered
		}
	}
	w := newWorld(t, a)
	p := w.openTCP()
	p.send(join(text("x"), closeFrame(1000, "theirs")))
	p.expect(ws.OpText, "bye")
	p.expectClose(1000, "theirs")
	wantEnd(t, a.only(), End{Code: 1000, Cause: ByPeer, Clean: true, Opened: true}, "theirs")
}

func TestCloseTimeout(t *testing.T) {
	a := &app{settings: Settings{CloseTimeout: 3 * time.Second}}
	w := newWorld(t, a)
	p := w.openTCP()
	a.only().c.Close(1000, "bye", ByHandler)
	p.expect(ws.OpClose, string(ws.NewCloseFrameBody(1000, "bye")))
	w.pass(2800 * time.Millisecond)
	p.send(ping("I am still here")) // the deadline is absolute
	p.expectNothing()
	w.pass(300 * time.Millisecond)
	w.until("the end is reported", func() bool { return a.only().ended })
	wantEnd(t, a.only(), End{Code: 1000, Cause: ByHandler, Opened: true}, "bye")
	p.pump()
	if p.ended == nil {
		t.Error("the stream goes on")
	}
}

func TestCloseTimeoutOff(t *testing.T) {
	a := &app{settings: Settings{CloseTimeout: -1}}
	w := newWorld(t, a)
	p := w.openTCP()
	a.only().c.Close(1000, "bye", ByHandler)
	p.expect(ws.OpClose, string(ws.NewCloseFrameBody(1000, "bye")))
	w.pass(time.Minute)
	p.expectNothing()
	p.send(closeFrame(1000, "bye"))
	p.expectEnd()
}

// The stream ends without a close frame, in every way and with anything unread.
func TestAbnormalEnd(t *testing.T) {
	leave := map[string]func(*peer){
		"end":   (*peer).close,
		"reset": (*peer).reset,
		"half":  func(p *peer) { endStream(p.fd) },
	}
	before := map[string][]byte{
		"nothing":           nil,
		"a message":         text("x"),
		"half a header":     {0x81},
		"half a message":    text("some text")[:8],
		"a fragment":        clientFrame(false, ws.OpText, "frag"),
		"half a large body": binary(pattern(100_000))[:70_000],
	}
	for how, leave := range leave {
		for what, wire := range before {
			t.Run(how+" after "+what, func(t *testing.T) {
				a := &app{}
				w := newWorld(t, a)
				p := w.openTCP()
				p.send(wire)
				w.quiet()
				leave(p)
				s := a.only()
				w.until("the end is reported", func() bool { return s.ended })
				wantEnd(t, s, End{Code: ws.StatusAbnormalClosure, Cause: ByPeer, Opened: true}, "")
				w.turn()
				w.checkEmpty()
			})
		}
	}
}

// What follows our close frame is garbage: the peer still gets all we sent, and
// the end of the stream instead of a reset.
func TestGarbageWhileClosing(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.openTCP()
	a.only().c.Close(1000, "bye", ByHandler)
	p.send(join([]byte{0xff, 0xff}, []byte(pattern(100_000))))
	p.expectClose(1000, "bye")
	wantEnd(t, a.only(), End{Code: 1000, Cause: ByHandler, Opened: true}, "bye")
}

func TestFail(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.openTCP()
	s := a.only()
	s.c.Send(ws.OpText, []byte("before"))
	if err := s.c.Fail(1011, "broken"); err != nil || !s.ended {
		t.Errorf("Fail = %v, reported: %v", err, s.ended)
	}
	if err := s.c.Fail(1011, "again"); err != ErrClosed {
		t.Errorf("second Fail = %v, want ErrClosed", err)
	}
	p.expect(ws.OpText, "before")
	p.expectClose(1011, "broken")
	wantEnd(t, s, End{Code: 1011, Cause: ByHost, Opened: true}, "broken")
}

// A connection that was reported closed stays until the handler releases it,
// however many turns that takes and whatever the peer does meanwhile.
func TestReleaseLater(t *testing.T) {
	for _, meanwhile := range []string{"nothing", "bytes", "end", "reset"} {
		t.Run(meanwhile, func(t *testing.T) {
			a := &app{keep: true}
			w := newWorld(t, a)
			p := w.openTCP()
			s := a.only()
			p.send(join(text("x"), []byte("\xff is no frame")))
			w.until("the end is reported", func() bool { return s.ended })
			switch meanwhile {
			case "bytes":
				p.send([]byte(pattern(100_000)))
			case "end":
				p.close()
			case "reset":
				p.reset()
			}
			w.pass(time.Minute)
			if w.loop.conns.used != 1 {
				t.Fatal("the slot was taken from the handler")
			}
			a.release(s)
			if meanwhile == "nothing" || meanwhile == "bytes" {
				p.expect(ws.OpText, "x")
				p.expectClose(1002, "reserved bit set")
				p.close()
			}
			w.until("the slot is free", func() bool { return w.loop.conns.used == 0 })
			w.checkEmpty()
		})
	}
}

func TestReleaseTooEarlyPanics(t *testing.T) {
	w := newWorld(t, &app{})
	w.open()
	defer func() {
		if recover() == nil {
			t.Error("Release of an open connection does not panic")
		}
	}()
	w.app.only().c.Release()
}

// After a refusal or a fault the peer has a while to read what we sent; then the
// socket is closed, whatever it goes on sending.
func TestLingerIsBounded(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.openTCP()
	p.send([]byte("\xff"))
	p.expectClose(1002, "reserved bit set")
	for range 50 {
		p.send([]byte(pattern(1000)))
		w.pass(tickLength)
		if w.loop.conns.used == 0 {
			return
		}
	}
	t.Error("a peer that goes on sending keeps its connection")
}

// An end that only a write finds out, at the end of a turn, is delivered without
// waiting for anything else to happen.
func TestEndFoundByWriteIsDelivered(t *testing.T) {
	for _, size := range []int{10, 100_000} { // at the end of the turn, and in Deliver
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			a := &app{}
			w := newWorld(t, a)
			p := w.open()
			s := a.only()
			// The peer leaves between the read and the write.
			a.receive = func(s *session, op ws.OpCode, b []byte) {
				p.close()
				s.c.Send(op, []byte(pattern(size)))
			}
			p.send(text("x"))
			w.turn()
			if s.ended && !s.released && !w.loop.more && len(w.loop.dirty) == 0 {
				t.Error("the loop would wait although an end is to be delivered")
			}
			w.until("the end is dealt with", func() bool { return s.released })
		})
	}
}

func TestDrain(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	opened := w.openTCP()
	a.connect = func(*session) {}
	headless := w.tcp()
	headless.write("GET / ")
	waits := w.tcp()
	waits.write(clientHead)
	w.until("the handler knows", func() bool { return len(a.sessions) == 2 })

	emptied := 0
	w.loop.Drain(1001, "going away", func() { emptied++ })
	headless.expectEnd()
	waits.expectResponse("503 Service Unavailable")
	opened.expect(ws.OpClose, string(ws.NewCloseFrameBody(1001, "going away")))
	wantEnd(t, a.sessions[1], End{Code: 1001, Cause: ByHost, Status: 503}, "going away")
	waits.close()
	w.quiet()
	if emptied != 0 {
		t.Error("empty was called while a connection is open")
	}
	opened.send(closeFrame(1001, ""))
	opened.expectEnd()
	w.quiet()
	wantEnd(t, a.sessions[0], End{Code: 1001, Cause: ByHost, Clean: true, Opened: true}, "going away")
	if emptied != 1 {
		t.Errorf("empty was called %d times, want once", emptied)
	}

	w.loop.Drain(1001, "", func() { emptied++ })
	w.quiet()
	if emptied != 2 {
		t.Error("empty was not called without connections")
	}
}

// A drain in parts closes its share of the connections with each, spread evenly
// from the first on, and leaves the others as they are.
func TestDrainParts(t *testing.T) {
	for _, tc := range []struct {
		conns, parts int
		closed       []int // after each part
	}{
		{0, 2, []int{0, 0}},
		{1, 3, []int{1, 1, 1}},
		{3, 6, []int{1, 1, 2, 2, 3, 3}},
		{5, 2, []int{3, 5}},
		{5, 1, []int{5}},
		{60, 3, []int{20, 40, 60}}, // more than a chunk of the table
	} {
		a := &app{}
		w := newWorld(t, a)
		var peers []*peer
		for range tc.conns {
			peers = append(peers, w.open())
		}
		connect := a.connect
		a.connect = func(*session) {}
		waits := w.tcp()
		waits.write(clientHead)
		w.until("the handler knows", func() bool { return len(a.sessions) == tc.conns+1 })
		a.connect = connect

		w.loop.StartDrain(1012, "back soon")
		waits.expectResponse("503 Service Unavailable")
		for i, want := range tc.closed {
			w.loop.DrainPart(i+1, tc.parts, 1012, "back soon")
			w.turn()
			closed := 0
			for _, s := range a.sessions[:tc.conns] {
				if s.c.phase == closing {
					closed++
				}
			}
			if closed != want {
				t.Errorf("%d of %d are closed after part %d of %d, want %d", closed, tc.conns, i+1, tc.parts, want)
			}
			for _, p := range peers[closed:] {
				p.send(clientFrame(true, ws.OpText, "still here"))
				p.expect(ws.OpText, "still here")
			}
		}
		for _, p := range peers {
			p.expect(ws.OpClose, string(ws.NewCloseFrameBody(1012, "back soon")))
		}
	}
}

// The close frame of a peer that left without reading what it was sent still says
// how the connection ended.
func TestCloseFrameInFrontOfReset(t *testing.T) {
	a := &app{settings: Settings{SendBytes: 64 << 20}}
	w := newWorld(t, a)
	p := w.openTCP()
	p.slow = true
	s := a.only()
	for !s.c.is(wantWrite) {
		s.c.Send(ws.OpBinary, make([]byte, 1<<20))
	}
	p.send(closeFrame(1000, "done"))
	p.close()
	w.until("the end is reported", func() bool { return s.ended })
	wantEnd(t, s, End{Code: 1000, Cause: ByPeer, Clean: true, Opened: true}, "done")
}

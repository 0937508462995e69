package netpoll

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// Every way to cut a head with two frames behind it into two reads: the frames
// are delivered after the accept, also when that comes in a later turn.
func TestHandshakeAndFramesCutAnywhere(t *testing.T) {
	wire := clientHead + string(text("early")) + string(binary("bird"))
	for _, later := range []bool{false, true} {
		a := &app{}
		if later {
			a.connect = func(*session) {}
		}
		w := newWorld(t, a)
		for cut := range len(wire) + 1 {
			p := w.pipe()
			p.write(wire[:cut])
			w.turn()
			w.turn()
			p.write(wire[cut:])
			w.turn()
			if later {
				p.expectNothing()
				a.sessions[cut].c.Accept(nil, nil)
			}
			p.expectBytes(serverHead)
			p.expect(ws.OpText, "early")
			p.expect(ws.OpBinary, "bird")
			p.close()
			w.turn()
		}
	}
}

func TestHandshakeByteByByte(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.pipe()
	for _, b := range []byte(clientHead + string(text("x"))) {
		p.send([]byte{b})
		w.turn()
	}
	p.expectBytes(serverHead)
	p.expect(ws.OpText, "x")
	if got := a.only().c.more; got != nil {
		t.Errorf("an idle connection still has %+v", got)
	}
}

func TestHandshakeRefused(t *testing.T) {
	cases := []struct{ name, head, status string }{
		{"bare LF", "GET / HTTP/1.1\n", "400 Bad Request"},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"},
		{"large", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: "+strings.Repeat("b", 4000)+"\r\n", 5), "431 Request Header Fields Too Large"},
		{"version", strings.Replace(clientHead, ": 13", ": 12", 1), "426 Upgrade Required"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			a := &app{}
			w := newWorld(t, a)
			p := w.tcp()
			p.write(tc.head + strings.Repeat("what follows is ignored", 1000))
			p.expectResponse(tc.status)
			if len(a.refused) != 1 || len(a.sessions) != 0 {
				t.Errorf("the driver heard of %d refusals and %d connections", len(a.refused), len(a.sessions))
			}
			p.close()
			w.until("the slot is free", func() bool { return w.loop.conns.used == 0 })
		})
	}
}

func TestHandshakeRefusedByHandler(t *testing.T) {
	response := string(wshead.AppendResponse(nil, 403, []byte("X-Reason: no\r\n"), []byte("go away")))
	a := &app{}
	a.connect = func(s *session) {
		s.c.Refuse([]byte(response), &End{Code: 4403, Reason: []byte("no"), Cause: ByHandler, Status: 403})
		if err := s.c.Accept(nil, nil); err != ErrClosed {
			t.Errorf("Accept after Refuse = %v, want ErrClosed", err)
		}
		if err := s.c.Refuse([]byte(response), &End{}); err != ErrClosed {
			t.Errorf("second Refuse = %v, want ErrClosed", err)
		}
	}
	w := newWorld(t, a)
	p := w.tcp()
	p.write(clientHead + string(text("early")))
	p.expectEnd()
	if string(p.in) != response {
		t.Errorf("received %q, want %q", p.in, response)
	}
	wantEnd(t, a.only(), End{Code: 4403, Cause: ByHandler, Status: 403}, "no")
}

// A head may be as large as its limit says, in any number of pieces: what is kept
// of it always fits in front of the receive buffer.
func TestLargeHeadInPieces(t *testing.T) {
	a := &app{}
	w := newWorldWith(t, a, Config{Head: wshead.Limits{HeadBytes: 1 << 20}})
	p := w.pipe()
	field := "A: " + strings.Repeat("b", 7000) + "\r\n"
	head := strings.Replace(clientHead, "\r\n\r\n", "\r\n"+strings.Repeat(field, 4)+"\r\n", 1)
	for len(head) > 0 {
		n := min(len(head), 5000)
		p.write(head[:n])
		head = head[n:]
		w.turn()
	}
	p.expectBytes(serverHead)

	p = w.pipe()
	p.write("GET / HTTP/1.1\r\n")
	for p.ended == nil {
		p.write(field)
		w.turn()
	}
	p.expectResponse("431 Request Header Fields Too Large")
}

func TestHeadDeadline(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	p := w.tcp()
	p.write("GET / HT")
	w.turn()
	w.pass(4900 * time.Millisecond)
	p.write("TP/1.1\r\n") // progress does not help: the deadline is absolute
	p.expectNothing()
	w.pass(200 * time.Millisecond)
	p.expectResponse("408 Request Timeout")
	if len(a.refused) != 1 || a.refused[0] != wshead.HeadTimeout {
		t.Errorf("refused %v, want HeadTimeout once", a.refused)
	}
}

func TestConnectDeadline(t *testing.T) {
	a := &app{settings: Settings{ConnectTimeout: 2 * time.Second}}
	a.connect = func(*session) {}
	w := newWorld(t, a)
	p := w.tcp()
	p.write(clientHead)
	w.until("the handler knows", func() bool { return len(a.sessions) == 1 })
	w.pass(1900 * time.Millisecond)
	p.expectNothing()
	w.pass(300 * time.Millisecond)
	p.expectResponse("503 Service Unavailable")
	wantEnd(t, a.only(), End{Code: StatusTryAgainLater, Cause: ByHost, Status: 503}, "no answer to the handshake")
}

func TestConnectDeadlineOff(t *testing.T) {
	a := &app{settings: Settings{ConnectTimeout: -1}}
	a.connect = func(*session) {}
	w := newWorld(t, a)
	p := w.pipe()
	p.write(clientHead)
	w.until("the handler knows", func() bool { return len(a.sessions) == 1 })
	w.pass(time.Minute)
	p.expectNothing()
	a.only().c.Accept(nil, nil)
	p.expectBytes(serverHead)
}

// The time that the handler takes for its answer is not the peer's silence.
func TestLateAcceptIsNoMissedPing(t *testing.T) {
	a := &app{settings: Settings{PingInterval: time.Second, PingTimeout: time.Second, ConnectTimeout: time.Minute}}
	a.connect = func(*session) {}
	w := newWorld(t, a)
	p := w.pipe()
	p.write(clientHead)
	w.until("the handler knows", func() bool { return len(a.sessions) == 1 })
	w.pass(10 * time.Second)
	a.only().c.Accept(nil, nil)
	p.expectBytes(serverHead)
	p.expectNothing()
}

func TestClientLeavesBeforeTheAnswer(t *testing.T) {
	for name, leave := range map[string]func(*peer){
		"end":   (*peer).close,
		"reset": (*peer).reset,
		"half":  func(p *peer) { endStream(p.fd) },
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{}
			a.connect = func(*session) {}
			w := newWorld(t, a)
			p := w.tcp()
			p.write(clientHead + string(text("early")))
			w.until("the handler knows", func() bool { return len(a.sessions) == 1 })
			leave(p)
			s := a.only()
			w.until("the end is reported", func() bool { return s.ended })
			wantEnd(t, s, End{Code: ws.StatusAbnormalClosure, Cause: ByPeer}, "")
		})
	}
}

// An answer to a client that has left is ErrClosed, between Closed and Release.
func TestAnswerAfterClientLeft(t *testing.T) {
	a := &app{keep: true}
	a.connect = func(*session) {}
	w := newWorld(t, a)
	p := w.pipe()
	p.write(clientHead)
	w.until("the handler knows", func() bool { return len(a.sessions) == 1 })
	p.close()
	s := a.only()
	w.until("the end is reported", func() bool { return s.ended })
	for name, err := range map[string]error{
		"Accept": s.c.Accept(nil, nil),
		"Refuse": s.c.Refuse(nil, &End{}),
		"Send":   s.c.Send(ws.OpText, nil),
		"Close":  s.c.Close(1000, "", ByHandler),
		"Fail":   s.c.Fail(1011, ""),
	} {
		if err != ErrClosed {
			t.Errorf("%s = %v, want ErrClosed", name, err)
		}
	}
	a.release(s)
	w.turn()
	w.checkEmpty()
}

func TestSubprotocol(t *testing.T) {
	long := strings.Repeat("protocol-that-is-long, ", 100)
	cases := []struct {
		offer, choice string
		want          error
	}{
		{"", "", nil},
		{"chat", "", nil},
		{"chat", "chat", nil},
		{"chat, superchat", "superchat", nil},
		{"superchat", "chat", ErrProtocol},
		{"superchat", "super", ErrProtocol},
		{"chat, superchat", "chat,superchat", ErrProtocol},
		{"chat", "Chat", ErrProtocol},
		{"", "chat", ErrProtocol},
		{long + "last", "last", nil},
	}
	for _, tc := range cases {
		a := &app{}
		a.connect = func(s *session) {
			if err := s.c.Accept([]byte(tc.choice), []byte("X-More: 1\r\n")); err != tc.want {
				t.Errorf("offered %.30q, accepted %q: %v, want %v", tc.offer, tc.choice, err, tc.want)
			} else if err != nil {
				s.c.Accept(nil, nil)
			}
		}
		w := newWorld(t, a)
		p := w.pipe()
		head := clientHead
		if tc.offer != "" {
			head = strings.Replace(head, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: "+tc.offer+"\r\n\r\n", 1)
		}
		p.write(head)
		w.until("an answer came", func() bool { return strings.Contains(string(p.in), "\r\n\r\n") })
		sent := strings.Contains(string(p.in), "Sec-WebSocket-Protocol: "+tc.choice+"\r\n")
		if want := tc.choice != "" && tc.want == nil; sent != want {
			t.Errorf("offered %.30q, accepted %q: the response is %q", tc.offer, tc.choice, p.in)
		}
	}
}

// A list of protocols that outgrew its buffer must not leave the pool with one
// that is smaller than its class says: the next body in it was a panic.
func TestLongProtocolsDoNotSpoilThePool(t *testing.T) {
	a := &app{}
	w := newWorld(t, a)
	for range 3 {
		p := w.pipe()
		p.write(strings.Replace(clientHead, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: "+strings.Repeat("abcdefg,", 90)+"z\r\n\r\n", 1))
		p.expectBytes(serverHead)
		p.send(clientFrame(false, ws.OpBinary, pattern(1500)))
		p.send(clientFrame(true, ws.OpContinuation, "end"))
		p.expect(ws.OpBinary, pattern(1500)+"end")
	}
}

// What comes before the answer is bounded: reading stops, and goes on after it.
func TestEarlyBytesPauseReading(t *testing.T) {
	for _, receiveBytes := range []int{16 << 10, 256 << 10} {
		a := &app{}
		a.connect = func(*session) {}
		w := newWorldWith(t, a, Config{ReceiveBytes: receiveBytes})
		p := w.pipe()
		const n = 300
		payload := pattern(1000)
		wire := []byte(clientHead)
		for range n {
			wire = append(wire, binary(payload)...)
		}
		p.send(wire)
		w.quiet()
		c := a.only().c
		if spill := len(c.more.spill); spill <= earlyMax || spill > 2*earlyMax || !c.is(readOff) {
			t.Errorf("%d bytes are kept, reading is off: %v", spill, c.is(readOff))
		}
		c.Accept(nil, nil)
		p.expectBytes(serverHead)
		for range n {
			p.expect(ws.OpBinary, payload)
		}
		w.quiet()
		if c.more != nil || c.out != nil {
			t.Error("an idle connection still owns something")
		}
	}
}

// A handler that delivers in the middle of a read may accept a connection whose
// turn to be read comes later, with more early bytes than fit in front of the
// receive buffer.
func TestAcceptInTheMiddleOfATurn(t *testing.T) {
	a := &app{}
	a.connect = func(*session) {}
	w := newWorld(t, a)
	p := w.pipe()
	p.write(clientHead)
	payload := pattern(1000)
	for range 60 {
		p.send(binary(payload))
	}
	w.quiet()
	c := a.only().c
	p.send(binary("last"))
	c.Accept(nil, nil) // before the loop handles what the poller reports
	p.expectBytes(serverHead)
	for range 60 {
		p.expect(ws.OpBinary, payload)
	}
	p.expect(ws.OpBinary, "last")
}

// wantEnd checks how a session ended, and that it did.
func wantEnd(t *testing.T, s *session, want End, reason string) {
	t.Helper()
	want.Reason = []byte(reason)
	switch {
	case !s.ended:
		t.Errorf("the handler was not told of the end")
	case !reflect.DeepEqual(s.end, want):
		t.Errorf("ended with %+v %q, want %+v %q", s.end, s.end.Reason, want, reason)
	}
}

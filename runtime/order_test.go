package runtime_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// A gate is a tenant that holds up the loop: what others send meanwhile is there
// all at once when it opens.
type gate struct {
	entered chan struct{}
	open    chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}), make(chan struct{})} }

func (g *gate) tenant() runtime.Tenant {
	h := nativeHandler{message: func(runtime.Conn, bool, []byte) {
		g.entered <- struct{}{}
		<-g.open
	}}
	return runtime.Tenant{Name: "gate", Handler: h.handle}
}

// hold stops the loop until the function that it returns is called.
func (g *gate) hold(t *testing.T, c *client) (release func()) {
	t.Helper()
	c.say("hold")
	await(t, g.entered, "loop at the gate")
	return func() { g.open <- struct{}{} }
}

// serveGated is a server of one loop with a puppet at /puppet and the gate.
func serveGated(t *testing.T, guest string, limits runtime.Limits) (*testServer, *gate) {
	g := newGate()
	return serve(t, runtime.Config{
		Tenants: []runtime.Tenant{g.tenant(), {Name: "puppet", Module: readGuest(t, guest), Limits: limits}},
		Routes:  []runtime.Route{{Pattern: "/gate", Tenant: "gate"}, {Pattern: "/puppet", Tenant: "puppet"}},
		Loops:   1,
	}), g
}

// clientFrame is a masked frame as a client sends it.
func clientFrame(op ws.OpCode, payload []byte) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, payload)))
}

// write sends raw bytes.
func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// A turn that is taken in the middle of a read, because the inbox is full, may
// end the very connection whose message is to be staged next. The message must
// go nowhere: its close event is the last that the guest sees of a connection.
// It once brought the host down, where the message lay in memory of the guest's
// that had been given back meanwhile.
func TestEarlyTurnEndsConnection(t *testing.T) {
	for _, end := range []struct {
		name   string
		script func(conn uint64) []byte
		code   ws.StatusCode
		reason string
	}{
		{"closed", func(conn uint64) []byte {
			return script(command{Record: abi.Record{Kind: abi.Close, Conn: conn, Code: 4000}}, command{Record: record(abi.Ready)})
		}, 4000, ""},
		{"too slow", func(uint64) []byte {
			return script(command{Record: abi.Record{Kind: puppetRepeat, Code: 500}}, command{Record: abi.Record{Kind: abi.Publish, Code: 8, Len: 60_000}})
		}, 1008, "too slow: backlog over its limit"},
	} {
		for _, late := range []struct {
			name  string
			bytes int // of the message that comes too late
			first int // how many of them come before the rest
		}{
			{"small", 16, 0},
			{"in a spill", 16 << 10, 8 << 10},
			{"in guest memory", 64 << 10, 32 << 10},
		} {
			t.Run(end.name+"/"+late.name, func(t *testing.T) {
				s, g := serveGated(t, "puppet-small", runtime.Limits{SendBytes: 1 << 10})
				o := s.observe(t, "/puppet")
				victim := s.dial(t, "/puppet")
				conn := o.seesKind(abi.Connect).Conn
				filler, keeper := s.dial(t, "/puppet"), s.dial(t, "/gate")
				// The topic is the first 8 bytes of the guest's memory, which are zeros.
				filler.command(command{Record: abi.Record{Kind: abi.Subscribe, Conn: conn, Len: 8}})

				message := clientFrame(ws.OpText, bytes.Repeat([]byte("x"), late.bytes))
				victim.write(message[:late.first])
				filler.echoes(ws.OpText, []byte("the loop has read that"))

				release := g.hold(t, keeper)
				filler.write(fullInbox(end.script(conn)))
				victim.write(message[late.first:])
				release()

				filler.expect("") // by now the turn is over; the victim has read nothing meanwhile
				filler.echoes(ws.OpText, []byte("still here"))
				victim.expectClose(end.code, end.reason)
				filler.say("end")
				closed := false
				for e := o.sees(); e.Len != 3; e = o.sees() {
					if e.Conn == conn && closed {
						t.Fatalf("the guest sees %v behind the close event", e)
					}
					closed = closed || e.Conn == conn && e.Kind == abi.Close
				}
				if !closed {
					t.Error("the guest has not seen the close event")
				}
			})
		}
	}
}

// fullInbox is a script of two records, and what else fills the smallest inbox to
// its last byte.
func fullInbox(first []byte) []byte {
	left := abi.MinInboxBytes - abi.RecordSize - len(first)
	b := clientFrame(ws.OpBinary, first)
	for ; left >= 2*abi.RecordSize; left -= 2 * abi.RecordSize {
		b = append(b, clientFrame(ws.OpBinary, script(command{Record: record(abi.Ready)}))...)
	}
	for ; left >= abi.RecordSize; left -= abi.RecordSize {
		b = append(b, clientFrame(ws.OpText, nil)...)
	}
	return b
}

// A guest that always has a fault to come must not keep connections that have
// ended from being let go.
func TestReleaseBesideFaults(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	c := s.dial(t, "/")
	c.command(command{Record: abi.Record{Kind: 99, Token: ^uint64(1)}})
	for range 3 {
		c := s.dial(t, "/")
		c.echoes(ws.OpText, []byte("hello"))
		c.closes(1000, "")
	}
	for s.Stats().Conns != 1 {
		// The slot is freed at the end of the turn in which the stream ended.
		s.dial(t, "/").closes(1000, "")
	}
}

// A guest that flushes commands while it is asked for memory, in the middle of a
// read, is refused. It once had the host go on to read into memory that it might
// not own any more.
func TestFlushOutsideTurn(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "sneaky")}, 1)
	payload := bytes.Repeat([]byte("sneak "), 30_000)
	c := s.dial(t, "/")
	frame := clientFrame(ws.OpText, payload)
	c.write(frame[:len(frame)/2])
	other := s.dial(t, "/")
	other.echoes(ws.OpText, []byte("that has been read"))
	c.write(frame[len(frame)/2:])
	if _, got := c.receive(); !bytes.Equal(got, payload) {
		t.Fatal("the message came back changed")
	}

	// And a trap while the host holds a buffer that is half full.
	c.write(frame[:len(frame)/2])
	other.echoes(ws.OpText, []byte("that has been read"))
	other.send(ws.OpBinary, nil)
	other.expectClose(1011, "handler failed")
	c.write(frame[len(frame)/2:])
	c.expectClose(1011, "handler failed")
	s.dial(t, "/").echoes(ws.OpText, payload)
}

// TestHeadTooLarge: a head for which the guest has no room is refused with 431.
func TestHeadTooLarge(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "sneaky")}, 1)
	r := s.ask(t, upgradeRequest("/")+"X-Large: "+strings.Repeat("x", 6000)+"\r\n\r\n")
	if r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered with %s, want a 431", r.Status)
	}
	s.dial(t, "/").echoes(ws.OpText, []byte("next"))
}

// TestStartTooLarge: what does not fit the inbox is lent a buffer, and without one
// the guest does not start.
func TestStartTooLarge(t *testing.T) {
	config := map[string]string{"large": strings.Repeat("x", 100_000)}
	for _, tc := range []struct {
		name  string
		wasm  []byte
		wants int
	}{
		{"lends a buffer", readGuest(t, "puppet-small"), 101},
		{"has none", guests.EchoWAT(), 503},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serveOne(t, runtime.Tenant{Module: tc.wasm, Config: config}, 1)
			if r := s.ask(t, upgradeRequest("/")+"\r\n"); r.StatusCode != tc.wants {
				t.Errorf("answered with %s, want a %d", r.Status, tc.wants)
			}
		})
	}
}

// upgradeRequest is the head of a handshake but for the empty line.
func upgradeRequest(target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
}

// ask sends a request on a connection of its own and returns the response, whose
// body is there.
func (s *testServer) ask(t *testing.T, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r
}

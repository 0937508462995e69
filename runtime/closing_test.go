package runtime_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// brokenFrame is a frame that is wrong, masked with zeros.
func brokenFrame(head ...byte) []byte { return append(head, 0, 0, 0, 0) }

// TestCloseEvents ends a connection in every way, and looks at the last event
// that the guest sees of it and at what was on the wire.
func TestCloseEvents(t *testing.T) {
	longReason := strings.Repeat("ä", 70) // 140 bytes, of which 122 fit
	for _, tc := range []struct {
		name   string
		act    func(c *client)
		wire   ws.StatusCode // of the close frame that the client gets, 0 for none
		code   uint32        // what the guest is told
		reason string
		flags  abi.Flags
	}{
		{"client closes", func(c *client) { c.sendClose(1000, "bye") }, 1000, 1000, "bye", abi.ByPeer | abi.Clean},
		{"client goes away", func(c *client) { c.sendClose(1001, "") }, 1001, 1001, "", abi.ByPeer | abi.Clean},
		{"client closes with 4999", func(c *client) { c.sendClose(4999, "λ") }, 4999, 4999, "λ", abi.ByPeer | abi.Clean},
		{"client closes without a code", func(c *client) { c.write(brokenFrame(0x88, 0x80)) }, 1005, 1005, "", abi.ByPeer | abi.Clean},
		{"client closes with an illegal code", func(c *client) { c.sendClose(1005, "") }, 1002, 1002, "close code may not be sent", abi.ByHost},
		{"unmasked frame", func(c *client) { c.write([]byte{0x81, 1, 'x'}) }, 1002, 1002, "frame is not masked", abi.ByHost},
		{"reserved opcode", func(c *client) { c.write(brokenFrame(0x83, 0x80)) }, 1002, 1002, "reserved opcode", abi.ByHost},
		{"text that is not UTF-8", func(c *client) { c.write(append(brokenFrame(0x81, 0x81), 0xff)) }, 1007, 1007, "text is not UTF-8", abi.ByHost},
		{"message over the limit", func(c *client) { c.write(brokenFrame(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0)) }, 1009, 1009, "message is too big", abi.ByHost},
		{"FIN", func(c *client) { c.Close() }, 0, 1006, "", abi.ByPeer},
		{"RST", func(c *client) { c.Conn.(*net.TCPConn).SetLinger(0); c.Close() }, 0, 1006, "", abi.ByPeer},
		{"guest closes", func(c *client) { c.command(command{abi.Record{Kind: abi.Close, Code: 3000}, "go"}) }, 3000, 3000, "go", abi.ByGuest | abi.Clean},
		{"guest closes with a long reason", func(c *client) {
			c.command(command{abi.Record{Kind: abi.Close, Code: 1000}, longReason})
		}, 1000, 1000, longReason[:122], abi.ByGuest | abi.Clean},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 2)
			o := s.observe(t, "/")
			c := s.dial(t, "/")
			conn := o.seesKind(abi.Connect).Conn
			tc.act(c)
			if tc.wire != 0 {
				f, err := ws.ReadFrame(c)
				if err != nil || f.Header.OpCode != ws.OpClose {
					t.Fatalf("got %v, %v; want a close frame", f.Header, err)
				}
				code := ws.StatusCode(1005)
				if len(f.Payload) > 0 {
					code, _ = ws.ParseCloseFrameData(f.Payload)
				}
				if code != tc.wire {
					t.Errorf("closed with %d %q, want %d", code, f.Payload[2:], tc.wire)
				}
				if tc.flags&abi.ByGuest != 0 {
					c.sendClose(code, "")
				}
			}
			got := o.seesKind(abi.Close)
			want := abi.Record{Kind: abi.Close, Flags: tc.flags | abi.Opened, Code: tc.code, Conn: conn, Len: got.Len}
			if got.Record != want || (got.reason != tc.reason && tc.flags&abi.ByHost == 0) {
				t.Errorf("the guest sees %v, want %v with %q", got, sighting{Record: want}, tc.reason)
			}
			o.echoes(ws.OpText, []byte("nothing more of it"))
		})
	}
}

// TestRefusals answers a handshake with anything but 101.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name    string
		command command
		status  int
		fields  http.Header // some of the response's
		body    string
		code    uint32 // of the close event
		reason  string
	}{
		{"close", command{abi.Record{Kind: abi.Close, Code: 4321}, "not you"}, 403, nil, "", 4321, "not you"},
		{"close with a code that cannot be sent", command{abi.Record{Kind: abi.Close, Code: 1006}, ""}, 403, nil, "", 1006, ""},
		{"reject", command{abi.Record{Kind: abi.Reject, Code: 404}, ""}, 404, nil, "", 1006, ""},
		{"reject with everything", command{abi.Record{Kind: abi.Reject, Code: 422}, field("content-type", "application/json") + field("x-a", "1") + field("x-a", "2") + field(":body", `{"no":1}`)},
			422, http.Header{"Content-Type": {"application/json"}, "X-A": {"1", "2"}, "Content-Length": {"8"}}, `{"no":1}`, 1006, ""},
		{"reject with a body of 64 KiB", command{abi.Record{Kind: abi.Reject, Code: 599}, field(":body", strings.Repeat("x", 64<<10))}, 599, nil, strings.Repeat("x", 64<<10), 1006, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
			o := s.observe(t, "/")
			c := s.dial(t, "/")
			o.seesKind(abi.Connect)

			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			conn.Write([]byte(upgradeRequest("/?wait") + "\r\n"))
			waits := o.seesKind(abi.Connect).Conn
			tc.command.Conn = waits
			c.command(tc.command)

			r, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if r.StatusCode != tc.status || string(body) != tc.body || err != nil || !r.Close {
				t.Errorf("answered with %s, %d bytes, %v, close %v; want %d, %d bytes", r.Status, len(body), err, r.Close, tc.status, len(tc.body))
			}
			for name, want := range tc.fields {
				if got := r.Header.Values(name); strings.Join(got, "|") != strings.Join(want, "|") {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			got := o.seesKind(abi.Close)
			want := abi.Record{Kind: abi.Close, Flags: abi.ByGuest, Code: tc.code, Conn: waits, Len: uint32(len(tc.reason))}
			if got.Record != want || got.reason != tc.reason {
				t.Errorf("the guest sees %v, want %v with %q", got, sighting{Record: want}, tc.reason)
			}
		})
	}
}

// TestNoAnswer: a handshake that nobody answers is refused with 503.
func TestNoAnswer(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet"), Limits: runtime.Limits{ConnectTimeout: 100 * time.Millisecond}}, 1)
	o := s.observe(t, "/")
	if r := s.ask(t, upgradeRequest("/?wait")+"\r\n"); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered with %s, want a 503", r.Status)
	}
	waits := o.seesKind(abi.Connect).Conn
	if got := o.seesKind(abi.Close); got.Conn != waits || got.Code != 1013 || got.Flags != abi.ByHost {
		t.Errorf("the guest sees %v, want a close with 1013 by the host, never opened", got)
	}
}

// TestLeavesBeforeAnswer: the guest is told 1006, and its accept comes too late.
func TestLeavesBeforeAnswer(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	mine := o.seesKind(abi.Connect).Conn
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.Write([]byte(upgradeRequest("/?wait") + "\r\n"))
	waits := o.seesKind(abi.Connect).Conn
	conn.Close()
	if got := o.sees(); got.Kind != abi.Close || got.Conn != waits || got.Code != 1006 || got.Flags != abi.ByPeer {
		t.Errorf("the guest sees %v, want a close with 1006 by the peer, never opened", got)
	}
	late := badCommand{"late accept", command{abi.Record{Kind: abi.Accept, Conn: waits, Token: 3}, ""}, abi.Closed}
	c.command(late.command)
	o.fault(late, mine)
	if n := s.logged("level=ERROR"); n != 0 {
		t.Errorf("%d errors were logged; a client that leaves is none", n)
	}
}

// TestRepliesBeforeClose: messages and a close in one segment are answered in
// order, the close last.
func TestRepliesBeforeClose(t *testing.T) {
	for name, tenant := range echoTenants(t) {
		t.Run(name, func(t *testing.T) {
			s := serveOne(t, tenant, 1)
			c := s.dial(t, "/")
			wire := clientFrame(ws.OpText, []byte("one"))
			wire = append(wire, clientFrame(ws.OpText, []byte("two"))...)
			wire = append(wire, clientFrame(ws.OpClose, ws.NewCloseFrameBody(1000, ""))...)
			c.write(wire)
			c.expect("one")
			c.expect("two")
			c.readClose(1000, "")
			c.expectEnd()
		})
	}
}

// TestNativeCloseOnce: a native handler hears of the end of every connection that
// it heard of, once, and last.
func TestNativeCloseOnce(t *testing.T) {
	ends := make(chan runtime.End, 8)
	h := nativeHandler{closed: func(_ runtime.Conn, e runtime.End) { ends <- e }}
	s := serveOne(t, runtime.Tenant{Handler: h.handle}, 2)
	s.dial(t, "/").closes(4000, "done")
	if got, want := await(t, ends, "end"), (runtime.End{Code: 4000, Reason: "done", Clean: true, Opened: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	c := s.dial(t, "/")
	c.echoes(ws.OpText, []byte("x"))
	c.Close()
	if got, want := await(t, ends, "end"), (runtime.End{Code: 1006, Opened: true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(ends) != 0 {
		t.Errorf("%d ends too many", len(ends))
	}
}

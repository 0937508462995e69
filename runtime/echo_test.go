package runtime_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// echoTenants are the same program four times.
func echoTenants(t testing.TB) map[string]runtime.Tenant {
	return map[string]runtime.Tenant{
		"c":      {Module: guests.Echo()},
		"wat":    {Module: guests.EchoWAT()},
		"puppet": {Module: readGuest(t, "puppet-small")},
		"native": {Handler: nativeHandler{}.handle},
	}
}

// textOf is UTF-8 of exactly n bytes, most of them in characters of two.
func textOf(n int) []byte {
	return append(bytes.Repeat([]byte("λ"), n/2), strings.Repeat("x", n%2)...)
}

// binaryOf is n bytes that are not UTF-8 from the first on.
func binaryOf(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	r.Read(b)
	if n > 0 {
		b[0] = 0xff
	}
	return b
}

func TestEcho(t *testing.T) {
	sizes := []int{0, 1, 2, 125, 126, 127, 4095, 4096, 16 << 10, 32 << 10, 65535, 65536, 100_000, 262_143, 262_144, 1 << 20}
	for name, tenant := range echoTenants(t) {
		for loops := 1; loops <= 4; loops += 3 {
			t.Run(fmt.Sprintf("%s on %d loops", name, loops), func(t *testing.T) {
				s := serveOne(t, tenant, loops)
				c := s.dial(t, "/")
				for _, n := range sizes {
					if name == "wat" && n > 65536-32 {
						break // its inbox is its limit; see TestMessageLimits
					}
					c.echoes(ws.OpText, textOf(n))
					if name != "puppet" { // to which they are scripts
						c.echoes(ws.OpBinary, binaryOf(n))
					}
				}
				c.closes(1000, "enough")
			})
		}
	}
}

// TestMessageLimits: at the limit a message comes back, one byte more closes with
// 1009.
func TestMessageLimits(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tenant runtime.Tenant
		most   int
	}{
		{"default", runtime.Tenant{Module: guests.Echo()}, 1 << 20},
		{"inbox without alloc", runtime.Tenant{Module: guests.EchoWAT()}, 65536 - 32},
		{"small", runtime.Tenant{Module: guests.Echo(), Limits: runtime.Limits{MessageBytes: 10}}, 10},
		{"16 MiB", runtime.Tenant{Module: guests.Echo(), Limits: runtime.Limits{MessageBytes: 16 << 20}}, 16 << 20},
		{"16 MiB native", runtime.Tenant{Handler: nativeHandler{}.handle, Limits: runtime.Limits{MessageBytes: 16 << 20}}, 16 << 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serveOne(t, tc.tenant, 2)
			c := s.dial(t, "/")
			c.echoes(ws.OpText, textOf(tc.most))
			// It is the header that decides: nothing else is sent.
			ws.WriteHeader(c, ws.Header{Fin: true, OpCode: ws.OpBinary, Masked: true, Length: int64(tc.most + 1)})
			f, err := ws.ReadFrame(c)
			if code, _ := ws.ParseCloseFrameData(f.Payload); err != nil || code != 1009 {
				t.Errorf("got %v, %v; want a close with 1009", f, err)
			}
		})
	}
}

// TestNoMemory: a message for which the guest finds no memory closes its
// connection with 1013, and no other.
func TestNoMemory(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: guests.Echo(), Limits: runtime.Limits{MessageBytes: 32 << 20, MemoryPages: 256}}, 1)
	other := s.dial(t, "/")
	c := s.dial(t, "/")
	frame := clientFrame(ws.OpBinary, make([]byte, 32<<20))
	go c.Write(frame) // cut off by the end of the connection
	c.readClose(1013, "no room for the message")
	other.echoes(ws.OpBinary, binaryOf(1<<20))
}

// TestFragmented sends messages in pieces, with a ping between them.
func TestFragmented(t *testing.T) {
	for name, tenant := range echoTenants(t) {
		t.Run(name, func(t *testing.T) {
			s := serveOne(t, tenant, 1)
			c := s.dial(t, "/")
			for _, tc := range []struct{ bytes, piece int }{{3, 1}, {100, 7}, {5000, 999}, {60_000, 30_000}, {60_000, 1000}} {
				text := textOf(tc.bytes)
				var wire []byte
				for op, rest := ws.OpText, text; len(rest) > 0; op = ws.OpContinuation {
					n := min(tc.piece, len(rest))
					wire = append(wire, ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, n == len(rest), rest[:n])))...)
					rest = rest[n:]
				}
				c.write(wire)
				if _, got := c.receive(); !bytes.Equal(got, text) {
					t.Fatalf("%d bytes in pieces of %d: %d bytes came back", tc.bytes, tc.piece, len(got))
				}
			}
		})
	}
}

// TestEarlyFrames: what comes in the segment of the handshake is delivered after
// accept, wherever the connection moves meanwhile.
func TestEarlyFrames(t *testing.T) {
	for name, tenant := range echoTenants(t) {
		for _, loops := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s on %d loops", name, loops), func(t *testing.T) {
				s := serveOne(t, tenant, loops)
				for range 8 {
					conn, err := net.Dial("tcp", s.addr)
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					conn.SetDeadline(time.Now().Add(patience))
					c := &client{conn, t}
					last := clientFrame(ws.OpText, []byte("three"))
					early := slices.Concat(clientFrame(ws.OpText, []byte("one")), clientFrame(ws.OpText, textOf(30_000)), last[:7])
					c.write(append([]byte(upgradeRequest("/")+"\r\n"), early...))
					c.readHead(t)
					c.expect("one")
					c.expect(string(textOf(30_000)))
					c.write(last[7:])
					c.expect("three")
				}
			})
		}
	}
}

// readHead reads the response of a handshake, byte by byte.
func (c *client) readHead(t *testing.T) string {
	t.Helper()
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		b := make([]byte, 1)
		if _, err := c.Read(b); err != nil {
			t.Fatalf("%v behind %q", err, head)
		}
		head = append(head, b...)
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		t.Fatalf("answered with %q", head)
	}
	return string(head)
}

// TestPipelined has many messages in one segment; each comes back, in order.
func TestPipelined(t *testing.T) {
	for name, tenant := range echoTenants(t) {
		t.Run(name, func(t *testing.T) {
			s := serveOne(t, tenant, 1)
			c := s.dial(t, "/")
			const n = 5000 // several times what the inboxes hold
			var wire []byte
			for i := range n {
				wire = append(wire, clientFrame(ws.OpText, []byte(itoa(i)))...)
			}
			go c.Write(wire)
			for i := range n {
				c.expect(itoa(i))
			}
		})
	}
}

// An instances counts a tenant's native handlers, and on which of them
// connections are.
type instances struct {
	mu    sync.Mutex
	conns []int // of each instance; guarded by mu
}

func (in *instances) tenant() runtime.Tenant {
	return runtime.Tenant{Handler: func() runtime.Handler {
		in.mu.Lock()
		defer in.mu.Unlock()
		id := len(in.conns)
		in.conns = append(in.conns, 0)
		return nativeHandler{connect: func(c runtime.Conn, _ *runtime.Request) {
			c.Accept("")
			in.mu.Lock()
			defer in.mu.Unlock()
			in.conns[id]++
		}}.handle()
	}}
}

func (in *instances) get() []int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.conns)
}

// TestPlacement: with Single there is one instance whatever loop a connection
// arrives on; with PerLoop there is one on each, and none has all the others'.
func TestPlacement(t *testing.T) {
	const loops, conns = 4, 64
	for _, tc := range []struct {
		placement runtime.Placement
		instances int
	}{{runtime.Single, 1}, {runtime.PerLoop, loops}} {
		t.Run(fmt.Sprint(tc.instances), func(t *testing.T) {
			var in instances
			tenant := in.tenant()
			tenant.Name = "test"
			s := serve(t, runtime.Config{
				Tenants: []runtime.Tenant{tenant},
				Routes:  []runtime.Route{{Pattern: "/", Tenant: "test", Placement: tc.placement}, {Pattern: "/same", Tenant: "test", Placement: tc.placement}},
				Loops:   loops,
			})
			for i := range conns {
				s.dial(t, []string{"/", "/same"}[i%2]).echoes(ws.OpText, []byte("hello"))
			}
			got := in.get()
			if len(got) != tc.instances || slices.Min(got) < conns/tc.instances/4 {
				t.Errorf("connections of each instance: %v; want %d instances and none without its part", got, tc.instances)
			}
			if stats := s.Stats(); stats.Conns != conns || stats.Accepts != conns {
				t.Errorf("%+v; want %d connections, each accepted once", stats, conns)
			}
		})
	}
}

// TestRequestFields: a program sees the head's fields in order, lower case, and
// what the route made of it.
func TestRequestFields(t *testing.T) {
	fields := make(chan [][2]string, 1)
	h := nativeHandler{connect: func(c runtime.Conn, r *runtime.Request) {
		var all [][2]string
		r.Fields(func(name, value string) bool {
			all = append(all, [2]string{name, value})
			return true
		})
		all = append(all, [2]string{"by name", r.Field(":param.room") + r.Field("x-none")})
		fields <- all
		c.Accept("b", runtime.Field{Name: "x-first", Value: "1"}, runtime.Field{Name: "x-second", Value: "2"}, runtime.Field{Name: "x-first", Value: "3"})
	}}
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "test", Handler: h.handle}},
		Routes:  []runtime.Route{{Pattern: "/rooms/{Room}", Tenant: "test"}},
	})
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &client{conn, t}
	c.write([]byte(upgradeRequest("/rooms/a%20b?q=%31&r") + "Sec-WebSocket-Protocol: a,b\r\nX-B: 2\r\nX-A: 1\r\nX-b:  3 \r\n\r\n"))
	head := c.readHead(t)
	if want := "x-first: 1\r\nx-second: 2\r\nx-first: 3\r\n"; !strings.Contains(head, want) || !strings.Contains(head, "Sec-WebSocket-Protocol: b\r\n") {
		t.Errorf("answered with %q", head)
	}
	want := [][2]string{
		{":method", "GET"}, {":scheme", "ws"}, {":authority", "example.org"}, {":path", "/rooms/a%20b"}, {":query", "q=%31&r"},
		{":peer", conn.LocalAddr().String()}, {":route", "/rooms/{Room}"}, {":param.room", "a b"}, {":protocols", "a, b"},
		{"host", "example.org"}, {"upgrade", "websocket"}, {"connection", "Upgrade"}, {"sec-websocket-version", "13"},
		{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}, {"sec-websocket-protocol", "a,b"},
		{"x-b", "2"}, {"x-a", "1"}, {"x-b", "3"}, {"by name", "a b"},
	}
	if got := await(t, fields, "connect"); !slices.Equal(got, want) {
		t.Errorf("the handler sees\n%q\nwant\n%q", got, want)
	}
}

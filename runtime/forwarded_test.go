package runtime_test

import (
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/runtime"
)

// whoIs tells a client what the program sees of it.
var whoIs = nativeHandler{connect: func(c runtime.Conn, r *runtime.Request) {
	c.Accept("")
	c.Send(true, []byte(r.Field(":scheme")+" "+r.Field(":peer")))
}}

// whoIsConfig has it at "/", on several loops, so that connections move.
func whoIsConfig(proxies ...string) runtime.Config {
	config := runtime.Config{
		Tenants: []runtime.Tenant{{Name: "who", Handler: whoIs.handle}, {Name: "else", Handler: whoIs.handle}, {Name: "third", Handler: whoIs.handle}},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "who"}, {Pattern: "/else", Tenant: "else"}, {Pattern: "/third", Tenant: "third"}},
		Loops:   3,
	}
	for _, p := range proxies {
		config.TrustedProxies = append(config.TrustedProxies, netip.MustParsePrefix(p))
	}
	return config
}

// begin opens a connection that begins with some bytes.
func (s *testServer) begin(t *testing.T, wire string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte(wire)); err != nil {
		t.Fatal(err)
	}
	return &client{conn, t}
}

// whoAmI makes a handshake with more fields and returns what the program says.
func (s *testServer) whoAmI(t *testing.T, path, fields string) (scheme string, peer netip.AddrPort) {
	t.Helper()
	return s.begin(t, upgradeRequest(path)+fields+"\r\n").whoAmI(t)
}

// whoAmI reads what the program says, and ends the connection.
func (c *client) whoAmI(t *testing.T) (scheme string, peer netip.AddrPort) {
	t.Helper()
	c.readHead(t)
	_, said := c.receive()
	scheme, text, _ := strings.Cut(string(said), " ")
	peer, err := netip.ParseAddrPort(text)
	if err != nil {
		t.Fatalf("the program sees %q", said)
	}
	c.closes(1000, "")
	return scheme, peer
}

const forwardedFields = "X-Forwarded-For: 1.1.1.1, 9.9.9.9\r\nX-Forwarded-Proto: https\r\n"

// TestTrustedProxy: who is behind a trusted proxy is seen by programs of every
// loop and by the log, on the server's own port and in net/http.
func TestTrustedProxy(t *testing.T) {
	s := serve(t, whoIsConfig("127.0.0.0/8"))
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	want := netip.MustParseAddrPort("9.9.9.9:0")
	lines := 0
	for where, addr := range map[string]string{"own port": s.addr, "mounted": mounted.Listener.Addr().String()} {
		there := &testServer{s.Server, addr, s.logs}
		for _, path := range []string{"/", "/else", "/third"} {
			for range 4 { // any loop may accept it
				if scheme, peer := there.whoAmI(t, path, forwardedFields); scheme != "wss" || peer != want {
					t.Errorf("%s: the program sees %s %v, want wss %v", where, scheme, peer, want)
				}
				lines++
			}
		}
		if r := there.ask(t, upgradeRequest("/none")+forwardedFields+"\r\n"); r.StatusCode != 404 {
			t.Errorf("%s: answered with %s", where, r.Status)
		}
		if scheme, peer := there.whoAmI(t, "/", ""); scheme != "ws" || !peer.Addr().IsLoopback() || peer.Port() == 0 {
			t.Errorf("%s: without fields the program sees %s %v", where, scheme, peer)
		}
	}
	if n := s.logged("msg=connection peer=9.9.9.9:0"); n != lines {
		t.Errorf("%d access lines of the client's, want %d", n, lines)
	}
	if n := s.logs.count("error=not_found status=404 peer=9.9.9.9:0"); n != 2 {
		t.Errorf("%d refusals of the client's, want 2", n)
	}
}

// TestUntrustedProxy: what anybody else says is for the program to read, and has
// no effect.
func TestUntrustedProxy(t *testing.T) {
	s := serve(t, whoIsConfig("10.0.0.0/8"))
	for _, path := range []string{"/", "/else", "/third"} {
		if scheme, peer := s.whoAmI(t, path, forwardedFields); scheme != "ws" || !peer.Addr().IsLoopback() {
			t.Errorf("the program sees %s %v", scheme, peer)
		}
	}
	if n := s.logged("9.9.9.9"); n != 0 {
		t.Errorf("the log has what an untrusted peer said, %d times", n)
	}
}

package runtime_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/seed-c6589352/wherry/runtime"
)

// listenProxied starts one more listener, for proxies.
func (s *testServer) listenProxied(t *testing.T) *testServer {
	t.Helper()
	addr, err := s.ListenProxied("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &testServer{s.Server, addr.String(), s.logs}
}

const (
	proxyLine   = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"
	proxyBinary = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb"
	proxyLocal  = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

// TestListenProxied: who is behind a load balancer is seen by programs of every
// loop, by the log and by net/http. Other listeners are as they were.
func TestListenProxied(t *testing.T) {
	config := whoIsConfig("127.0.0.0/8", "192.0.2.0/24")
	config.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) })
	s := serve(t, config)
	proxied := s.listenProxied(t)
	want := netip.MustParseAddrPort("192.0.2.1:56324")
	for _, header := range []string{proxyLine, proxyBinary} {
		for _, path := range []string{"/", "/else", "/third"} {
			if _, peer := proxied.begin(t, header+upgradeRequest(path)+"\r\n").whoAmI(t); peer != want {
				t.Errorf("the program sees %v, want %v", peer, want)
			}
			// A proxy of ours behind the load balancer.
			_, peer := proxied.begin(t, header+upgradeRequest(path)+forwardedFields+"\r\n").whoAmI(t)
			if want := netip.MustParseAddrPort("9.9.9.9:0"); peer != want {
				t.Errorf("behind two the program sees %v, want %v", peer, want)
			}
		}
		r := proxied.ask(t, header+"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if body, _ := io.ReadAll(r.Body); string(body) != want.String() {
			t.Errorf("net/http sees %q, want %v", body, want)
		}
	}
	if _, peer := proxied.begin(t, proxyLocal+upgradeRequest("/")+"\r\n").whoAmI(t); !peer.Addr().IsLoopback() {
		t.Errorf("of a proxy itself the program sees %v", peer)
	}
	if _, peer := s.whoAmI(t, "/", ""); !peer.Addr().IsLoopback() {
		t.Errorf("by the other listener the program sees %v", peer)
	}
	if r := s.ask(t, proxyLine+upgradeRequest("/")+"\r\n"); r.StatusCode == 101 {
		t.Error("a listener that is not for proxies takes a PROXY header")
	}
}

// TestListenProxiedDrops: who does not begin as a trusted proxy does is gone
// without an answer, and the log says why.
func TestListenProxiedDrops(t *testing.T) {
	for _, tc := range []struct{ name, trusted, wire, error string }{
		{"missing", "127.0.0.0/8", upgradeRequest("/") + "\r\n", "proxy_missing"},
		{"malformed", "127.0.0.0/8", "PROXY TCP4 a b c d\r\n" + upgradeRequest("/") + "\r\n", "proxy_malformed"},
		{"untrusted", "10.0.0.0/8", proxyLine + upgradeRequest("/") + "\r\n", "proxy_untrusted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, whoIsConfig(tc.trusted))
			c := s.listenProxied(t).begin(t, tc.wire)
			if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("answered, %v", err)
			}
			if n := s.logged("error=" + tc.error + " "); n != 1 {
				t.Errorf("%d lines with %s, want 1", n, tc.error)
			}
		})
	}
	s := serve(t, whoIsConfig())
	if _, err := s.ListenProxied("tcp", "127.0.0.1:0"); !errors.Is(err, runtime.ErrConfig) {
		t.Errorf("without trusted proxies: %v, want an ErrConfig", err)
	}
}

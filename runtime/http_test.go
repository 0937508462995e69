package runtime_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

func echoConfig() runtime.Config {
	return runtime.Config{
		Tenants: []runtime.Tenant{{Name: "echo", Module: guests.Echo()}},
		Routes:  []runtime.Route{{Pattern: "/echo", Tenant: "echo"}, {Pattern: "/rooms/{room}", Tenant: "echo", Placement: runtime.PerLoop}},
		Loops:   2,
	}
}

// TestPlainHTTP asks for anything but a WebSocket, on the server's own port and
// in somebody else's net/http server: the answers are the same.
func TestPlainHTTP(t *testing.T) {
	config := echoConfig()
	config.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, "a page of "+r.Host)
	})
	s := serve(t, config)
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	for _, tc := range []struct {
		method, path string
		status       int
		fields       map[string]string
		body         string // the beginning of it
	}{
		{"GET", "/echo", 426, map[string]string{"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}, "This is a WebSocket endpoint"},
		{"HEAD", "/echo", 426, nil, ""},
		{"GET", "/rooms/a%2fb", 426, nil, "This is"},
		{"POST", "/echo", 405, map[string]string{"Allow": "GET"}, "A WebSocket handshake is a GET"},
		{"OPTIONS", "/echo", 405, nil, "A WebSocket"},
		{"GET", "/page", 200, nil, "a page of 127.0.0.1"},
		{"GET", "/none", 404, nil, "404 page not found"},
		{"POST", "/none", 404, nil, "404"},
	} {
		for where, url := range map[string]string{"own port": "http://" + s.addr, "mounted": mounted.URL} {
			t.Run(tc.method+" "+tc.path+" "+where, func(t *testing.T) {
				request, err := http.NewRequest(tc.method, url+tc.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(r.Body)
				r.Body.Close()
				if r.StatusCode != tc.status || !strings.HasPrefix(string(body), tc.body) || err != nil {
					t.Errorf("answered with %s, %q, %v; want %d, %q", r.Status, body, err, tc.status, tc.body)
				}
				for name, want := range tc.fields {
					if got := r.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
			})
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestBadUpgrades: a handshake that is wrong is refused alike on the server's own
// port and in net/http, where that lets it through.
func TestBadUpgrades(t *testing.T) {
	s := serve(t, echoConfig())
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	good := upgradeRequest("/echo")
	for _, tc := range []struct {
		name    string
		request string
		status  int
	}{
		{"unknown path", upgradeRequest("/none"), 404},
		{"wrong version", strings.Replace(good, "Version: 13", "Version: 8", 1), 426},
		{"no version", strings.Replace(good, "Sec-WebSocket-Version: 13\r\n", "", 1), 426},
		{"no key", strings.Replace(good, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 1), 400},
		{"short key", strings.Replace(good, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==", 1), 400},
		{"two keys", good + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400},
		{"POST", "POST" + good[3:], 405},
		{"no Connection", strings.Replace(good, "Connection: Upgrade\r\n", "", 1), 400},
		{"HTTP/1.0", strings.Replace(good, "HTTP/1.1", "HTTP/1.0", 1), 400},
		{"body", good + "Content-Length: 5\r\n", 400},
		{"chunked body", good + "Transfer-Encoding: chunked\r\n", 400},
		{"no host", strings.Replace(good, "Host: example.org\r\n", "", 1), 400},
	} {
		for where, addr := range map[string]string{"own port": s.addr, "mounted": mounted.Listener.Addr().String()} {
			t.Run(tc.name+" "+where, func(t *testing.T) {
				there := &testServer{s.Server, addr, s.logs}
				r := there.ask(t, tc.request+"\r\n5\r\n12345\r\n0\r\n\r\n")
				body, _ := io.ReadAll(r.Body)
				if r.StatusCode != tc.status || len(body) == 0 {
					t.Errorf("answered with %s, %q; want a %d that says why", r.Status, body, tc.status)
				}
			})
		}
	}
}

// TestDisabledRoute: a client is told plainly that WebSocket is off there, and so
// is the log. Any other request goes where it would without the route.
func TestDisabledRoute(t *testing.T) {
	config := echoConfig()
	config.Routes[0].Disabled = true
	config.HTTP = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page") })
	s := serve(t, config)
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	for where, addr := range map[string]string{"own port": s.addr, "mounted": mounted.Listener.Addr().String()} {
		there := &testServer{s.Server, addr, s.logs}
		r := there.ask(t, upgradeRequest("/echo")+"\r\n")
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != 501 || string(body) != "WebSocket support is turned off for this route.\n" {
			t.Errorf("%s: answered with %s, %q", where, r.Status, body)
		}
		r = there.ask(t, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if body, _ := io.ReadAll(r.Body); r.StatusCode != 200 || string(body) != "page" {
			t.Errorf("%s: GET is answered with %s, %q; want the page", where, r.Status, body)
		}
		there.dial(t, "/rooms/a").echoes(ws.OpText, []byte("on"))
	}
	if n := s.logged("error=websocket_off status=501"); n != 2 {
		t.Errorf("%d lines in the log, want 2", n)
	}
}

// TestServeHTTP has the server in somebody else's: as a handler, under a prefix,
// behind TLS.
func TestServeHTTP(t *testing.T) {
	s := serve(t, echoConfig())
	mux := http.NewServeMux()
	mux.Handle("/", s)
	mux.Handle("/ws/", http.StripPrefix("/ws", s))
	plain, secure := httptest.NewServer(mux), httptest.NewTLSServer(mux)
	defer plain.Close()
	defer secure.Close()
	for _, tc := range []struct{ name, url string }{
		{"plain", "ws" + strings.TrimPrefix(plain.URL, "http") + "/echo"},
		{"prefix", "ws" + strings.TrimPrefix(plain.URL, "http") + "/ws/echo"},
		{"parameter", "ws" + strings.TrimPrefix(plain.URL, "http") + "/rooms/blue%2Fgreen?x=%20"},
		{"TLS", "wss" + strings.TrimPrefix(secure.URL, "https") + "/echo"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := secureDialer()
			for range 3 {
				c := dialWith(t, d, tc.url)
				for _, n := range []int{0, 1, 1000, 70_000, 1 << 20} {
					c.echoes(ws.OpBinary, binaryOf(n))
				}
				c.closes(1000, "enough")
			}
			c := dialWith(t, d, tc.url)
			c.echoes(ws.OpText, []byte("to be left"))
			c.Close()
		})
	}
	for s.Stats().Conns > 0 {
		// The end of each comes to its loop in time.
		dialWith(t, ws.Dialer{}, "ws://"+s.addr+"/echo").closes(1000, "")
	}
}

// secureDialer trusts whatever certificate there is.
func secureDialer() ws.Dialer {
	return ws.Dialer{TLSConfig: &tls.Config{InsecureSkipVerify: true}}
}

// TestUpgradeAfterRequest: on the server's own port a connection that net/http
// answers can become a WebSocket with its second request, and what comes in the
// same segment is not lost.
func TestUpgradeAfterRequest(t *testing.T) {
	s := serve(t, echoConfig())
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	plain := "GET /none HTTP/1.1\r\nHost: example.org\r\n\r\n"
	early := string(clientFrame(ws.OpText, []byte("early")))
	for _, request := range []string{plain, plain + plain} {
		fmt.Fprint(conn, request)
		r := bufio.NewReader(conn)
		for range len(request) / len(plain) {
			response, err := http.ReadResponse(r, nil)
			if err != nil || response.StatusCode != 404 || response.Close {
				t.Fatalf("%v, %v", response, err)
			}
			io.Copy(io.Discard, response.Body)
		}
		if r.Buffered() > 0 {
			t.Fatal("more than was asked for")
		}
	}
	fmt.Fprint(conn, upgradeRequest("/echo")+"\r\n"+early)
	c := &client{conn, t}
	c.readHead(t)
	c.expect("early")
	c.echoes(ws.OpText, textOf(100_000))
	c.closes(1000, "")
}

// TestPipelinedUpgrade: a plain request and an upgrade in one segment.
func TestPipelinedUpgrade(t *testing.T) {
	s := serve(t, echoConfig())
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "HEAD /none HTTP/1.1\r\nHost: example.org\r\n\r\n"+upgradeRequest("/echo")+"\r\n"+string(clientFrame(ws.OpText, []byte("early"))))
	r := bufio.NewReader(conn)
	if response, err := http.ReadResponse(r, &http.Request{Method: "HEAD"}); err != nil || response.StatusCode != 404 {
		t.Fatal(response, err)
	}
	c := &client{&earlyConn{conn, r}, t}
	c.readHead(t)
	c.expect("early")
}

// TestNotHijackable: behind a middleware that hides the connection, the client is
// told, and the log.
func TestNotHijackable(t *testing.T) {
	s := serve(t, echoConfig())
	w := httptest.NewRecorder()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(upgradeRequest("/echo") + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	s.ServeHTTP(w, r)
	if n := s.logged("error=hijack_failed"); w.Code != http.StatusInternalServerError || n != 1 {
		t.Errorf("answered with %d; logged %d times", w.Code, n)
	}
}

// TestServeHTTPAfterShutdown: the embedding server may live on.
func TestServeHTTPAfterShutdown(t *testing.T) {
	s := serve(t, echoConfig())
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	there := &testServer{s.Server, mounted.Listener.Addr().String(), s.logs}
	if r := there.ask(t, upgradeRequest("/echo")+"\r\n"); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered with %s, want a 503", r.Status)
	}
}

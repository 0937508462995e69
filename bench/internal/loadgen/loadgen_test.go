//go:build linux

package loadgen

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

// A small server that we did not write: it echoes, or broadcasts on /all, ends what
// speaks on /noise, and counts whom it has seen.
type small struct {
	gws.BuiltinEventHandler
	mu      sync.Mutex
	all     []*gws.Conn    // Guarded by mu. Connections on /all.
	sources map[string]int // Guarded by mu. Handshakes by source address.
	paths   map[string]int // Guarded by mu. Handshakes by path.
}

func newSmall() *small {
	return &small{sources: make(map[string]int), paths: make(map[string]int)}
}

func (s *small) OnOpen(conn *gws.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := pathOf(conn)
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	s.sources[host]++
	s.paths[path]++
	if path == "/all" {
		s.all = append(s.all, conn)
	}
}

func pathOf(conn *gws.Conn) string {
	path, _ := conn.Session().Load("path")
	text, _ := path.(string)
	return text
}

func (s *small) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

func (s *small) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	switch pathOf(conn) {
	case "/all":
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, member := range s.all {
			_ = member.WriteMessage(message.Opcode, message.Bytes())
		}
	case "/noise":
		_ = conn.NetConn().Close()
	default:
		_ = conn.WriteMessage(message.Opcode, message.Bytes())
	}
}

// startSmall returns the server and its address.
func startSmall(t *testing.T) (*small, string) {
	t.Helper()
	s := newSmall()
	return s, serveGws(t, s, smallOptions())
}

// serveGws ends with the test: by itself RunListener tries for ever.
func serveGws(t *testing.T, s *small, options *gws.ServerOption) string {
	t.Helper()
	server := gws.NewServer(s, options)
	server.OnError = func(_ net.Conn, err error) {
		if errors.Is(err, net.ErrClosed) {
			runtime.Goexit()
		}
	}
	listener := listen(t)
	go server.RunListener(listener)
	return listener.Addr().String()
}

func smallOptions() *gws.ServerOption {
	return &gws.ServerOption{
		PermessageDeflate: gws.PermessageDeflate{Enabled: true, Threshold: 1},
		Authorize: func(r *http.Request, session gws.SessionStorage) bool {
			session.Store("path", r.URL.Path)
			return true
		},
	}
}

// listen returns a loopback listener that the test's end closes.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// serveRaw hands every accepted connection to serve, on a goroutine of its own.
func serveRaw(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener := listen(t)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

func TestRunMeasures(t *testing.T) {
	_, wsAddr := startSmall(t)
	rawAddr := serveRaw(t, func(conn net.Conn) { io.Copy(conn, conn) })

	for _, tc := range []struct {
		name string
		cfg  Config
	}{
		{"ws empty", Config{Addr: wsAddr, Conns: 2, Size: 0}},
		{"ws pipelined", Config{Addr: wsAddr, Conns: 10, Size: 128, Depth: 16}},
		{"ws large", Config{Addr: wsAddr, Conns: 2, Size: 1 << 20, Depth: 3}},
		{"raw small", Config{Addr: rawAddr, Mode: Raw, Conns: 10, Size: 64}},
		{"raw large", Config{Addr: rawAddr, Mode: Raw, Conns: 2, Size: 1 << 20, Depth: 3}},
		{"open loop", Config{Addr: wsAddr, Work: Open, Conns: 3, Size: 64, Rate: 1000}},
		{"broadcast", Config{Addr: wsAddr, Work: Broadcast, Path: "/all", Conns: 7, Size: 64}},
		{"connections", Config{Addr: wsAddr, Work: Churn, Conns: 3}},
		{"raw connections", Config{Addr: rawAddr, Mode: Raw, Work: Churn, Conns: 3}},
		{"idle", Config{Addr: wsAddr, Work: Idle, Few: 2, Conns: 5}},
		{"raw idle", Config{Addr: rawAddr, Mode: Raw, Work: Idle, Few: 2, Conns: 5}},
		{"deflate", Config{Addr: wsAddr, Conns: 3, Size: 1000, Depth: 2, Deflate: true}},
		{"noise", Config{Addr: wsAddr, Work: Open, Conns: 2, Size: 64, Rate: 1000, Noise: "/noise", Noises: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.cfg.Duration, tc.cfg.PID = 50*time.Millisecond, os.Getpid()
			got, err := Run(tc.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got.Operations == 0 || got.ServerCPUNanos <= 0 || got.RSSKiB == 0 || got.Switches == nil {
				t.Errorf("implausible result %+v", got)
			}
			q := got.Latency
			if ordered := []float64{q.P50, q.P90, q.P99, q.P999, q.Max}; !slices.IsSorted(ordered) || q.P50 <= 0 && tc.cfg.Size < 1<<20 {
				t.Errorf("quantiles %v", ordered)
			}
			if disturbed := got.Disturbances > 0; disturbed != (tc.cfg.Noise != "") {
				t.Errorf("%d disturbances", got.Disturbances)
			}
		})
	}
}

// The rate of an open loop is the client's, not the server's, and so is the number of
// operations of the others.
func TestRunCounts(t *testing.T) {
	s, addr := startSmall(t)
	got, err := Run(Config{Addr: addr, Work: Open, Conns: 3, Size: 64, Rate: 2000, Duration: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if got.PerSecond < 1000 || got.PerSecond > 3000 {
		t.Errorf("open loop of 2000 a second: %.0f a second", got.PerSecond)
	}
	got, err = Run(Config{Addr: addr, Work: Idle, Path: "/t/", Targets: 3, Sources: 2, Few: 2, Conns: 6})
	if err != nil {
		t.Fatal(err)
	}
	if got.Operations != 4 {
		t.Errorf("6 idle connections after 2: %d operations", got.Operations)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sources["127.0.0.1"] != 3+3 || s.sources["127.0.0.2"] != 3 {
		t.Errorf("connections came from %v", s.sources)
	}
	for _, path := range []string{"/t/0", "/t/1", "/t/2"} {
		if s.paths[path] != 2 {
			t.Errorf("%d connections to %s, want 2: %v", s.paths[path], path, s.paths)
		}
	}
}

// An open loop counts from when a message was due: a server that stops once for a
// while has not one slow message, but as many as were due meanwhile.
func TestOpenLoopCountsWaiting(t *testing.T) {
	const pause = 200 * time.Millisecond
	addr := serveRaw(t, func(conn net.Conn) {
		const before = 50 * 70 // bytes of 50 messages
		if _, err := io.CopyN(conn, conn, before); err != nil {
			return
		}
		time.Sleep(pause) // what is measured
		io.Copy(conn, conn)
	})
	got, err := Run(Config{Addr: addr, Mode: Raw, Work: Open, Conns: 1, Size: 64, Rate: 1000, Duration: 2 * pause})
	if err != nil {
		t.Fatal(err)
	}
	// Half of all messages were due in the pause: a quarter waited for half of it.
	if most, quarter := 1e-6*got.Latency.Max, 1e-6*got.Latency.P90; most < 0.9*pause.Seconds() || quarter < 0.5*pause.Seconds() {
		t.Errorf("latencies %+v hide a pause of %v", got.Latency, pause)
	}
}

// A load generator that accepts anything measures nothing.
func TestRunRefuses(t *testing.T) {
	corrupt := func(conn net.Conn) {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			buf[n-1] ^= 1
			conn.Write(buf[:n])
		}
	}
	answer := func(head string) func(net.Conn) {
		return func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, head)
		}
	}
	for _, tc := range []struct {
		name  string
		cfg   Config
		serve func(net.Conn)
		want  string // in the error
	}{
		{"corrupt echo", Config{Mode: Raw}, corrupt, "echo differs: message 0, frame byte 69"},
		{"corrupt idle echo", Config{Mode: Raw, Work: Idle, Few: 1, Conns: 2}, corrupt, "echo differs"},
		{"corrupt connection", Config{Mode: Raw, Work: Churn}, corrupt, "echo of the handshake differs"},
		{"hang up", Config{Mode: Raw}, func(conn net.Conn) { conn.Read(make([]byte, 4096)); conn.Close() }, "EOF"},
		{"refused", Config{}, answer("HTTP/1.1 403 Forbidden\r\n\r\n"), "403"},
		{"connection refused", Config{Work: Churn}, answer("HTTP/1.1 403 Forbidden\r\n\r\n"), "403"},
		{"wrong accept", Config{}, answer("HTTP/1.1 101 X\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"), "Sec-WebSocket-Accept"},
		{"speaks first", Config{}, answer("HTTP/1.1 101 X\r\n\r\n\x82\x00"), "2 unexpected bytes"},
		{"endless answer", Config{}, answer(strings.Repeat("HTTP/1.1 101 X\r\n", 1000)), "too long"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.cfg.Addr, tc.cfg.Size, tc.cfg.Duration = serveRaw(t, tc.serve), 64, 5*time.Second
			tc.cfg.Conns = max(tc.cfg.Conns, 1)
			_, err := Run(tc.cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestCheckAnswer(t *testing.T) {
	const key, accept = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // RFC 6455 section 1.3
	const deflate = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
	for _, tc := range []struct {
		name, head string
		deflate    bool
		want       string // in the error; "" is none
	}{
		{"right", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n", false, ""},
		{"other case", "HTTP/1.1 101 \r\nSEC-websocket-ACCEPT:" + accept + " \r\n\r\n", false, ""},
		{"compressed", "HTTP/1.1 101 X\r\n" + deflate + "Sec-WebSocket-Accept: " + accept + "\r\n\r\n", true, ""},
		{"compressed unasked", "HTTP/1.1 101 X\r\n" + deflate + "Sec-WebSocket-Accept: " + accept + "\r\n\r\n", false, "Extensions"},
		{"not compressed", "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n", true, "Extensions"},
		{"with takeover", "HTTP/1.1 101 X\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n", true, "Extensions"},
		{"status", "HTTP/1.1 200 OK\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n", false, "200 OK"},
		{"version", "HTTP/1.0 101 X\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n", false, "HTTP/1.0"},
		{"no accept", "HTTP/1.1 101 X\r\nX-Sec-WebSocket-Accept: " + accept + "\r\n\r\n", false, "Accept"},
		{"another's", "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: " + accept[1:] + "=\r\n\r\n", false, "Accept"},
		{"longer", "HTTP/1.1 101 X\r\nSec-WebSocket-Accept: " + accept + ", x\r\n\r\n", false, "Accept"},
	} {
		err := checkAnswer([]byte(tc.head), key, tc.deflate)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got error %v, want %q", tc.name, err, tc.want)
		}
	}
}

// A server that declines compression, or that agrees and sends messages as they are,
// has no figure for it.
func TestRunInsistsOnDeflate(t *testing.T) {
	for _, tc := range []struct {
		name    string
		deflate gws.PermessageDeflate
		want    string
	}{
		{"declined", gws.PermessageDeflate{}, "Sec-WebSocket-Extensions"},
		{"not compressed", gws.PermessageDeflate{Enabled: true, Threshold: 1 << 20}, "compressed text"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr := serveGws(t, newSmall(), &gws.ServerOption{PermessageDeflate: tc.deflate})
			_, err := Run(Config{Addr: addr, Conns: 1, Size: 1000, Deflate: true})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestConfigChecked(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no connections":   {Addr: "127.0.0.1:1"},
		"unknown mode":     {Conns: 1, Mode: "udp"},
		"unknown work":     {Conns: 1, Work: "sleep"},
		"negative size":    {Conns: 1, Size: -1},
		"negative depth":   {Conns: 1, Depth: -1},
		"no rate":          {Conns: 1, Work: Open},
		"idle once":        {Conns: 1, Work: Idle},
		"idle fewer":       {Conns: 5, Few: 5, Work: Idle},
		"raw broadcast":    {Conns: 1, Mode: Raw, Work: Broadcast},
		"raw compression":  {Conns: 1, Mode: Raw, Deflate: true},
		"raw disturbances": {Conns: 1, Mode: Raw, Noise: "/"},
	} {
		if _, err := cfg.checked(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	got, err := Config{Conns: 1}.checked()
	if err != nil || got.Path != "/" || got.Mode != WebSocket || got.Work != Echo || got.Depth != 1 || got.Duration != time.Second {
		t.Errorf("defaults: got %+v, %v", got, err)
	}
}

package runtime_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// TestShutdown: open connections hear 1001, waiting ones are refused with 503,
// those without a head end, new ones are not accepted.
func TestShutdown(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 2)
	o := s.observe(t, "/")
	open := s.dial(t, "/")
	open.echoes(ws.OpText, []byte("open"))
	silent, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	waiting := make(chan *http.Response, 1)
	go func() { waiting <- s.ask(t, upgradeRequest("/?wait")+"\r\n") }()
	o.seesKind(2)
	o.seesKind(2)

	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		done <- s.Shutdown(ctx)
	}()
	for _, c := range []*client{open, o.client} {
		c.readClose(1001, "server is shutting down")
		c.sendClose(1001, "")
		c.expectEnd()
	}
	if r := await(t, waiting, "answer"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("the handshake that waited was answered with %s, Retry-After %q", r.Status, r.Header.Get("Retry-After"))
	}
	silent.SetDeadline(time.Now().Add(patience))
	if n, _ := silent.Read(make([]byte, 1)); n != 0 {
		t.Error("a connection without a head was answered")
	}
	if err := await(t, done, "end of Shutdown"); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", s.addr); err == nil {
		conn.Close()
		t.Error("a connection after Shutdown")
	}
	checkClosed(t, s)
}

// checkClosed: every method of a server that was shut down says so, or nothing.
func checkClosed(t *testing.T, s *testServer) {
	t.Helper()
	if err := s.Shutdown(context.Background()); !errors.Is(err, runtime.ErrServerClosed) {
		t.Errorf("second Shutdown: %v", err)
	}
	if _, err := s.Listen("tcp", "127.0.0.1:0"); !errors.Is(err, runtime.ErrServerClosed) {
		t.Errorf("Listen: %v", err)
	}
	if err := s.Publish("test", "topic", true, nil); !errors.Is(err, runtime.ErrServerClosed) {
		t.Errorf("Publish: %v", err)
	}
	if stats := s.Stats(); stats != (runtime.Stats{}) {
		t.Errorf("Stats: %+v", stats)
	}
}

// TestShutdownExpires: clients that do not answer are dropped when ctx is done,
// whose error Shutdown returns, and native handlers are told.
func TestShutdownExpires(t *testing.T) {
	ends := make(chan runtime.End, 1)
	h := nativeHandler{closed: func(_ runtime.Conn, e runtime.End) { ends <- e }}
	s := serveOne(t, runtime.Tenant{Handler: h.handle}, 2)
	c := s.dial(t, "/")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()
	c.readClose(1001, "server is shutting down") // and does not answer
	select {
	case err := <-done:
		t.Fatalf("Shutdown has returned with a connection open: %v", err)
	default:
	}
	cancel()
	if err := await(t, done, "end of Shutdown"); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v, want the context's error", err)
	}
	c.expectEnd()
	if e := await(t, ends, "end"); e.Code != 1001 || e.Clean {
		t.Errorf("the handler was told %+v, want 1001, not clean", e)
	}
	checkClosed(t, s)
}

// TestShutdownCutsPlain: a plain request that takes longer than ctx is cut off.
func TestShutdownCutsPlain(t *testing.T) {
	entered := make(chan struct{})
	config := echoConfig()
	config.HTTP = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	s := serve(t, config)
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	await(t, entered, "request")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v, want the context's error", err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
}

// TestShutdownAtOnce: a server that has done nothing, and one that never listened.
func TestShutdownAtOnce(t *testing.T) {
	checkShutdown := func(s *runtime.Server) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	}
	checkShutdown(serve(t, echoConfig()).Server)
	s, err := runtime.New(runtime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	checkShutdown(s)
}

// TestNoLeaks: descriptors and goroutines are as many after a server's life as
// before.
func TestNoLeaks(t *testing.T) {
	live := func(t *testing.T) {
		config := echoConfig()
		config.Logger = slog.New(slog.DiscardHandler)
		s, err := runtime.New(config)
		if err != nil {
			t.Fatal(err)
		}
		addr, err := s.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		secure := httptest.NewTLSServer(s)
		there := &testServer{s, addr.String(), nil}
		for range 3 {
			there.dial(t, "/echo").closes(1000, "")
			there.dial(t, "/rooms/a").echoes(ws.OpText, []byte("left open"))
		}
		tls := dialWith(t, secureDialer(), "wss://"+secure.Listener.Addr().String()+"/echo")
		tls.echoes(ws.OpText, []byte("left open"))
		plain, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		fmt.Fprint(plain, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
		r, err := http.ReadResponse(bufio.NewReader(plain), nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		s.Shutdown(ctx)
		tls.Close()
		secure.Close()
	}
	// A server that fails to start leaves nothing either.
	stillborn := func(t *testing.T) {
		config := echoConfig()
		config.Tenants = append(config.Tenants, runtime.Tenant{Name: "bad", Module: guests.Echo()[:100]})
		if _, err := runtime.New(config); err == nil {
			t.Fatal("started")
		}
	}
	t.Run("warm up", live) // whatever the process keeps for ever
	fds, goroutines := countFiles(t), goruntime.NumGoroutine()
	for range 3 {
		t.Run("life", live) // its clients end with it
		t.Run("stillbirth", stillborn)
	}
	for deadline := time.Now().Add(patience); ; goruntime.Gosched() {
		nowFDs, nowGoroutines := countFiles(t), goruntime.NumGoroutine()
		if nowFDs <= fds && nowGoroutines <= goroutines {
			return
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d descriptors and %d goroutines, there were %d and %d\n%s", nowFDs, nowGoroutines, fds, goroutines, buf[:goruntime.Stack(buf, true)])
		}
	}
}

// countFiles returns how many descriptors the process has open.
func countFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(files)
}

package runtime_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/runtime"
)

// A clockwork tells its time, once a second, to whoever has connected last.
type clockwork struct {
	in   runtime.Instance
	conn runtime.Conn
	told int
}

func (c *clockwork) Start(in runtime.Instance) { c.in = in }

func (c *clockwork) Connect(conn runtime.Conn, _ *runtime.Request) {
	c.conn = conn
	conn.Accept("")
	c.in.SetTimer(1, time.Second)
}

func (c *clockwork) Timer(in runtime.Instance, token uint64) {
	c.told++
	in.SetTimer(token, time.Second)
}

func (c *clockwork) Message(runtime.Conn, bool, []byte) {}
func (c *clockwork) Close(runtime.Conn, runtime.End)    {}

// TestStepped: nothing happens but by turns, and no time passes but by Advance.
func TestStepped(t *testing.T) {
	program := new(clockwork)
	start := time.Date(1999, 12, 31, 23, 0, 0, 0, time.UTC)
	s, err := runtime.NewStepped(runtime.Config{
		Tenants: []runtime.Tenant{{Name: "t", Handler: func() runtime.Handler { return program }}},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "t"}},
		Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
	}, start)
	if err != nil {
		t.Fatal(err)
	}
	rest := func() {
		t.Helper()
		for quiet := 0; quiet < 2; quiet++ {
			if busy, err := s.Turn(false); err != nil {
				t.Fatal(err)
			} else if busy {
				quiet = -1
			}
		}
	}
	conn, err := s.Dial(netip.MustParseAddrPort("192.0.2.1:7"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if program.in != (runtime.Instance{}) {
		t.Error("the program was started before the first turn")
	}
	rest()
	for range 10 {
		next, ok := s.Next()
		if !ok {
			t.Fatal("nothing waits for its time, and a timer is armed")
		}
		before := program.told
		s.Advance(next)
		if program.told != before {
			t.Error("a timer fired without a turn")
		}
		rest()
	}
	// Deadlines of connections are looked at in between.
	if passed := s.Now().Sub(start); program.told == 0 || program.told != int(passed/time.Second) {
		t.Errorf("%d timers in %v", program.told, passed)
	}

	ended := make(chan error, 1)
	go func() { ended <- s.Server.Shutdown(context.Background()) }()
	for !s.Leaving() {
		if _, err := s.Turn(true); err != nil {
			t.Fatal(err)
		}
	}
	rest()
	s.Advance(11 * time.Second) // the client has not answered its close frame
	for err = nil; err == nil; _, err = s.Turn(true) {
	}
	if !errors.Is(err, runtime.ErrServerClosed) {
		t.Errorf("after the end: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	all, err := io.ReadAll(conn)
	if frame := ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "server is shutting down"))); err != nil || string(all[max(0, len(all)-len(frame)):]) != string(frame) {
		t.Errorf("the client received %q, %v", all, err)
	}
}

func TestSteppedLoops(t *testing.T) {
	if _, err := runtime.NewStepped(runtime.Config{Loops: 2}, time.Now()); !errors.Is(err, runtime.ErrConfig) {
		t.Errorf("two loops: %v", err)
	}
}

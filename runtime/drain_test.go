package runtime_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/runtime"
)

// TestDrainWindow: in the window connections are closed one after the other, with
// the code of choice. The others go on, and new ones are refused with 503.
func TestDrainWindow(t *testing.T) {
	config := echoConfig()
	config.Loops = 1
	config.DrainWindow, config.DrainCode = time.Hour, 1012
	s := serve(t, config)
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	first, second := s.dial(t, "/echo"), s.dial(t, "/echo")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(ctx) }()

	first.expectClose(1012, "server is restarting")
	second.echoes(ws.OpText, []byte("still here"))
	for where, addr := range map[string]string{"own port": s.addr, "mounted": mounted.Listener.Addr().String()} {
		there := &testServer{s.Server, addr, s.logs}
		r := there.ask(t, upgradeRequest("/echo")+"\r\n")
		if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: a new handshake is answered with %s, Retry-After %q", where, r.Status, r.Header.Get("Retry-After"))
		}
	}
	second.echoes(ws.OpText, []byte("and here"))
	select {
	case err := <-done:
		t.Fatalf("Shutdown has returned with a connection open: %v", err)
	default:
	}
	cancel() // nobody waits that long
	if err := await(t, done, "end of Shutdown"); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v, want the context's error", err)
	}
}

// TestDrainEnds: when all are gone nobody waits for the end of the window; and when
// the window is over all are told.
func TestDrainEnds(t *testing.T) {
	for name, window := range map[string]time.Duration{"all gone": time.Hour, "window over": 200 * time.Millisecond, "shorter than a step": 1} {
		t.Run(name, func(t *testing.T) {
			config := echoConfig()
			config.DrainWindow = window
			s := serve(t, config)
			clients := []*client{s.dial(t, "/echo"), s.dial(t, "/rooms/a"), s.dial(t, "/rooms/b")}
			done := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				done <- s.Shutdown(ctx)
			}()
			for _, c := range clients {
				if window == time.Hour {
					c.sendClose(1000, "") // by itself, or as the answer to ours
					io.Copy(io.Discard, c)
					c.Close()
				} else {
					c.expectClose(1001, "server is shutting down")
				}
			}
			if err := await(t, done, "end of Shutdown"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDrainConfig: what makes no sense is refused.
func TestDrainConfig(t *testing.T) {
	for _, config := range []runtime.Config{{DrainWindow: -1}, {DrainCode: 1000}, {DrainCode: 4000}} {
		if s, err := runtime.New(config); !errors.Is(err, runtime.ErrConfig) {
			t.Errorf("New: %v, %v; want an ErrConfig", s, err)
		}
	}
}

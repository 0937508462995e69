package virtual_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/internal/virtual"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/runtime"
)

func start(t *testing.T, config virtual.Config) *virtual.World {
	t.Helper()
	config.Routes = []runtime.Route{{Pattern: "/"}}
	w, err := virtual.New(config)
	if errors.Is(err, netpoll.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return w
}

// TestWorldOfManyGoroutines: every method may be called from any goroutine.
func TestWorldOfManyGoroutines(t *testing.T) {
	t.Parallel()
	w := start(t, virtual.Config{Module: guests.Echo()})
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			c, err := w.Dial("/", virtual.Handshake{})
			if err != nil {
				t.Error(err)
				return
			}
			for n := range 20 {
				text := fmt.Sprintf("%d of %d", n, i)
				if err := c.Send(virtual.Message{Text: true, Data: []byte(text)}); err != nil {
					t.Error(err)
				}
				if m, err := c.Receive(); err != nil || string(m.Data) != text {
					t.Errorf("received %q, %v; want %q", m.Data, err, text)
				}
				if r, err := w.Ask(virtual.Request{Target: "/"}); err != nil || r.Status != 426 {
					t.Errorf("asked: %+v, %v", r, err)
				}
				if err := w.Advance(time.Second); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	if want := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC).Add(8 * 20 * time.Second); !w.Now().Equal(want) {
		t.Errorf("it is %v; want %v", w.Now(), want)
	}
}

// A fidget always has something to do.
type fidget struct{}

func (fidget) Connect(c runtime.Conn, _ *runtime.Request) { c.Accept("") }
func (fidget) Close(runtime.Conn, runtime.End)            {}

func (fidget) Message(c runtime.Conn, text bool, _ []byte) {
	var again func(c runtime.Conn)
	again = func(c runtime.Conn) { c.Do(again) }
	again(c)
}

// TestRestless: what has no end is an error, and no test that hangs.
func TestRestless(t *testing.T) {
	t.Parallel()
	w := start(t, virtual.Config{Server: func(c *runtime.Config) {
		c.Tenants[0].Handler = func() runtime.Handler { return fidget{} }
	}})
	c, err := w.Dial("/", virtual.Handshake{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(virtual.Message{}); !errors.Is(err, virtual.ErrRestless) {
		t.Errorf("send: %v", err)
	}
	if err := w.Advance(time.Second); !errors.Is(err, virtual.ErrRestless) {
		t.Errorf("advance: %v", err)
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	_, err := virtual.New(virtual.Config{Module: []byte("x"), Routes: []runtime.Route{{Pattern: "/"}}})
	var refused *runtime.ModuleError
	if !errors.As(err, &refused) {
		t.Errorf("no module: %v", err)
	}
	_, err = virtual.New(virtual.Config{Module: guests.Echo(), Routes: []runtime.Route{{Pattern: "x"}}})
	if !errors.Is(err, runtime.ErrConfig) {
		t.Errorf("no pattern: %v", err)
	}
}

package runtime_test

import (
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// TestCrowd has 2000 connections at once echo on two loops, half of them on one
// guest and half on one guest for each loop.
func TestCrowd(t *testing.T) {
	const conns, callers, rounds = 2000, 16, 3
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "echo", Module: guests.Echo()}},
		Routes:  []runtime.Route{{Pattern: "/one", Tenant: "echo"}, {Pattern: "/each", Tenant: "echo", Placement: runtime.PerLoop}},
		Loops:   2,
	})
	clients := make([]*client, conns)
	// inParallel calls f for every connection.
	inParallel := func(f func(i int)) {
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				for i := caller; i < conns; i += callers {
					f(i)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	inParallel(func(i int) { clients[i] = s.dial(t, []string{"/one", "/each"}[i%2]) })
	if n := s.Stats().Conns; n != conns {
		t.Errorf("%d connections, want %d", n, conns)
	}
	for round := range rounds {
		// All are sent to before any is received from.
		inParallel(func(i int) { clients[i].say(itoa(i) + " " + itoa(round)) })
		inParallel(func(i int) { clients[i].expect(itoa(i) + " " + itoa(round)) })
	}
	inParallel(func(i int) {
		if i%3 == 0 {
			clients[i].Close()
			return
		}
		clients[i].closes(1000, "")
	})
	for s.Stats().Conns > 0 {
		s.dial(t, "/one").closes(1000, "")
	}
	s.dial(t, "/each").echoes(ws.OpText, []byte("afterwards"))
}

package runtime_test

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// A hoarder is a native handler that keeps every handle it ever had, and sends to
// all of them again and again.
type hoarder struct {
	// Owned by the loop.
	live, old map[runtime.Conn]bool

	wrong atomic.Int64 // what was not as it should have been
	tried atomic.Int64 // handles that were sent to after their end
	ended atomic.Int64 // connections
}

func (h *hoarder) Connect(c runtime.Conn, _ *runtime.Request) {
	if h.live[c] || h.old[c] {
		h.wrong.Add(1) // a handle was given twice
	}
	h.live[c] = true
	c.Accept("")
}

func (h *hoarder) Message(c runtime.Conn, text bool, payload []byte) {
	if !h.live[c] {
		h.wrong.Add(1)
	}
	c.Send(text, payload)
	if string(payload) != "try all" {
		return
	}
	for old := range h.old {
		h.tried.Add(1)
		if old.Send(true, []byte("to somebody else")) != runtime.ErrClosed || old.Subscribe("a") != runtime.ErrClosed || old.Close(1000, "") != runtime.ErrClosed {
			h.wrong.Add(1)
		}
	}
}

func (h *hoarder) Close(c runtime.Conn, _ runtime.End) {
	if !h.live[c] {
		h.wrong.Add(1)
	}
	delete(h.live, c)
	h.old[c] = true
	h.ended.Add(1)
}

// TestStaleHandles has 10 000 connections come and go beside some that stay, and
// sends to all that have gone: nobody ever gets what was meant for another.
func TestStaleHandles(t *testing.T) {
	const rounds, each = 100, 100
	h := &hoarder{live: make(map[runtime.Conn]bool), old: make(map[runtime.Conn]bool)}
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "hoarder", Handler: func() runtime.Handler { return h }}, {Name: "other", Module: guests.Echo()}},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "hoarder"}, {Pattern: "/other", Tenant: "other"}},
		Loops:   1,
	})
	keeper, other := s.dial(t, "/"), s.dial(t, "/other")
	for round := range rounds {
		var conns []net.Conn
		for range each {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			conn.(*net.TCPConn).SetLinger(0) // no port stays in TIME_WAIT
			conn.Write([]byte(upgradeRequest("/") + "\r\n"))
			conns = append(conns, conn)
		}
		// The last one was answered, so all were: they wait in one line.
		last := &client{conns[each-1], t}
		last.readHead(t)
		for _, conn := range conns {
			conn.Close()
		}
		if round%10 == 9 {
			keeper.echoes(ws.OpText, []byte("try all"))
		}
		other.echoes(ws.OpText, []byte("alone"))
	}
	for s.Stats().Conns > 2 {
		keeper.echoes(ws.OpText, []byte("until they have gone"))
	}
	keeper.echoes(ws.OpText, []byte("try all"))
	if n := h.ended.Load(); n != rounds*each {
		t.Errorf("%d connections came and went, want %d", n, rounds*each)
	}
	if wrong, tried := h.wrong.Load(), h.tried.Load(); wrong != 0 || tried < rounds*each {
		t.Errorf("of %d sends %d were wrong", tried, wrong)
	}
}

// TestForeignHandles: a guest that has got hold of another tenant's handles, or
// guesses, reaches nothing but its own connections, on the same loop as on others.
func TestForeignHandles(t *testing.T) {
	for _, loops := range []int{1, 3} {
		s := serve(t, runtime.Config{
			Tenants: []runtime.Tenant{
				{Name: "spread", Handler: nativeHandler{}.handle},
				{Name: "thief", Module: readGuest(t, "puppet")},
				{Name: "victim", Module: readGuest(t, "puppet")},
			},
			Routes: []runtime.Route{
				{Pattern: "/spread", Tenant: "spread", Placement: runtime.PerLoop},
				{Pattern: "/thief", Tenant: "thief"},
				{Pattern: "/victim", Tenant: "victim"},
			},
			Loops: loops,
		})
		o, ov := s.observe(t, "/thief"), s.observe(t, "/victim")
		thief, victim := s.dial(t, "/thief"), s.dial(t, "/victim")
		own, foreign := o.seesKind(abi.Connect).Conn, ov.seesKind(abi.Connect).Conn
		handles := []uint64{foreign, own ^ 1<<63, own + 1<<24, own | 0xffffff, 1<<64 - 2}
		if own == foreign {
			t.Fatalf("two tenants have the same handle %x", own)
		}
		for _, h := range handles {
			for _, kind := range []abi.Kind{abi.Message, abi.Close, abi.Subscribe, abi.Unsubscribe, abi.Attach, abi.Accept, abi.Reject} {
				b := badCommand{"foreign", command{abi.Record{Kind: kind, Conn: h, Code: 1000, Token: 4}, "x"}, abi.Denied}
				thief.command(b.command)
				o.fault(b, own)
			}
			b := badCommand{"foreign", command{abi.Record{Kind: abi.Publish, Flags: abi.Except, Conn: h, Code: 1, Token: 4}, "x"}, abi.Denied}
			thief.command(b.command)
			o.fault(b, own)
		}
		victim.echoes(ws.OpText, []byte("untouched"))
		thief.echoes(ws.OpText, []byte("untouched"))
	}
}

package runtime_test

import (
	"net/http"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// trapTenants are programs that stop when they are told to: by a script, or by
// the text "panic".
func trapTenants(t *testing.T) map[string]runtime.Tenant {
	h := nativeHandler{
		connect: func(c runtime.Conn, r *runtime.Request) {
			switch r.Field(":query") {
			case "trap":
				panic("told to")
			case "wait":
				return
			}
			c.Accept("")
		},
		message: func(c runtime.Conn, text bool, payload []byte) {
			if !text {
				panic("told to")
			}
			c.Send(text, payload)
		},
	}
	return map[string]runtime.Tenant{
		"guest":  {Name: "trapper", Module: readGuest(t, "puppet")},
		"native": {Name: "trapper", Handler: h.handle},
	}
}

var trapScript = script(command{Record: record(puppetTrap)})

// serveTraps is a server on which the trapper and a victim share the loop.
func serveTraps(t *testing.T, trapper runtime.Tenant) *testServer {
	return serve(t, runtime.Config{
		Tenants: []runtime.Tenant{trapper, {Name: "victim", Module: guests.Echo()}},
		Routes:  []runtime.Route{{Pattern: "/trap", Tenant: "trapper"}, {Pattern: "/victim", Tenant: "victim"}},
		Loops:   1,
	})
}

// TestTrap: all of the instance's connections close with 1011 or are refused with
// 500, the next gets a fresh instance, and the neighbour on the loop notices
// nothing.
func TestTrap(t *testing.T) {
	for name, tenant := range trapTenants(t) {
		t.Run(name, func(t *testing.T) {
			s := serveTraps(t, tenant)
			victim := s.dial(t, "/victim")
			for range 2 { // with more traps a back-off would begin
				victim.echoes(ws.OpText, []byte("before"))
				bystander := s.dial(t, "/trap")
				half := clientFrame(ws.OpText, textOf(64<<10))
				bystander.write(half[:40<<10]) // in memory of the instance's by then
				waiting := make(chan *http.Response)
				go func() { waiting <- s.ask(t, upgradeRequest("/trap?wait")+"\r\n") }()
				c := s.dial(t, "/trap")
				c.echoes(ws.OpText, []byte("before"))
				for s.Stats().Conns < 4 { // the waiting one may come later than c
					c.echoes(ws.OpText, []byte("before"))
				}
				c.echoes(ws.OpText, []byte("routed"))
				c.send(ws.OpBinary, trapScript)
				c.expectClose(1011, "handler failed")
				bystander.expectClose(1011, "handler failed")
				if r := await(t, waiting, "answer"); r.StatusCode != http.StatusInternalServerError {
					t.Errorf("the handshake that waited was answered with %s, want a 500", r.Status)
				}
				victim.echoes(ws.OpText, textOf(100_000))
				fresh := s.dial(t, "/trap")
				fresh.echoes(ws.OpText, textOf(100_000))
				fresh.send(ws.OpBinary, trapScript)
				fresh.expectClose(1011, "handler failed")
				for s.Stats().Conns > 1 {
					victim.echoes(ws.OpText, []byte("until they have gone"))
				}
			}
			if n := s.logged("error=guest_trapped"); n != 4 {
				t.Errorf("%d traps were logged, want 4", n)
			}
		})
	}
}

// TestTrapOnConnect: the handshake whose connect event it was is refused with
// 500, those behind it get a fresh instance.
func TestTrapOnConnect(t *testing.T) {
	for name, tenant := range trapTenants(t) {
		t.Run(name, func(t *testing.T) {
			s := serveTraps(t, tenant)
			victim := s.dial(t, "/victim")
			for range 3 {
				if r := s.ask(t, upgradeRequest("/trap?trap")+"\r\n"); r.StatusCode != http.StatusInternalServerError {
					t.Errorf("answered with %s, want a 500", r.Status)
				}
				s.dial(t, "/trap").echoes(ws.OpText, []byte("fresh"))
				victim.echoes(ws.OpText, []byte("untouched"))
			}
		})
	}
}

// TestTrapOnStart: a guest that traps in its first turn is no different; a native
// handler that cannot be made is a guest that cannot start.
func TestTrapOnStart(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tenant runtime.Tenant
		status int
	}{
		{"guest", runtime.Tenant{Name: "trapper", Module: readGuest(t, "puppet"), Config: map[string]string{"trap": "start"}}, 500},
		{"native", runtime.Tenant{Name: "trapper", Handler: func() runtime.Handler { panic("told to") }}, 503},
		{"native nil", runtime.Tenant{Name: "trapper", Handler: func() runtime.Handler { return nil }}, 500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serveTraps(t, tc.tenant)
			victim := s.dial(t, "/victim")
			for range 3 {
				if r := s.ask(t, upgradeRequest("/trap")+"\r\n"); r.StatusCode != tc.status {
					t.Errorf("answered with %s, want a %d", r.Status, tc.status)
				}
				victim.echoes(ws.OpText, []byte("untouched"))
			}
		})
	}
}

// TestPanicInDo: what is run on the loop for a handler is the handler's.
func TestPanicInDo(t *testing.T) {
	conns := make(chan runtime.Conn, 1)
	h := nativeHandler{connect: func(c runtime.Conn, _ *runtime.Request) {
		c.Accept("")
		conns <- c
	}}
	s := serveTraps(t, runtime.Tenant{Name: "trapper", Handler: h.handle})
	victim := s.dial(t, "/victim")
	c := s.dial(t, "/trap")
	conn := await(t, conns, "connect")
	sent := make(chan error, 1)
	conn.Do(func(c runtime.Conn) { sent <- c.Send(true, []byte("from outside")) })
	if err := await(t, sent, "send"); err != nil {
		t.Error(err)
	}
	c.expect("from outside")
	conn.Do(func(runtime.Conn) { panic("told to") })
	c.expectClose(1011, "handler failed")
	conn.Do(func(c runtime.Conn) { sent <- c.Send(true, []byte("x")) })
	if err := await(t, sent, "send"); err != runtime.ErrClosed {
		t.Errorf("Send on what has ended: %v", err)
	}
	conn.Do(func(runtime.Conn) { panic("and again, with no handler") })
	victim.echoes(ws.OpText, []byte("untouched"))
	s.dial(t, "/trap").echoes(ws.OpText, []byte("fresh"))
}

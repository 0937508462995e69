package runtime_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// serveShared has a hog and a victim on one loop.
func serveShared(t *testing.T, hog runtime.Tenant) *testServer {
	hog.Name = "hog"
	return serve(t, runtime.Config{
		Tenants: []runtime.Tenant{hog, {Name: "victim", Module: guests.Echo()}},
		Routes:  []runtime.Route{{Pattern: "/hog", Tenant: "hog"}, {Pattern: "/victim", Tenant: "victim"}},
		Loops:   1,
	})
}

// trips counts the round trips of a victim until done is closed.
func trips(c *client, done <-chan struct{}) (n int) {
	for ; ; n++ {
		select {
		case <-done:
			return n
		default:
			c.echoes(ws.OpText, []byte("victim"))
		}
	}
}

// TestManyCommands: whatever a turn's commands cost to apply, others are served
// between them.
func TestManyCommands(t *testing.T) {
	text := strings.Repeat("é", 30_000)
	publish := command{abi.Record{Kind: abi.Publish, Flags: abi.Text, Code: 5}, "topic" + text}
	for _, tc := range []struct {
		name, guest string
		times       uint32
	}{
		{"in one outbox", "puppet-wide", 2_000},
		{"in many flushes", "puppet", 2_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serveShared(t, runtime.Tenant{Module: readGuest(t, tc.guest)})
			victim, c := s.dial(t, "/victim"), s.dial(t, "/hog")
			victim.echoes(ws.OpText, []byte("before"))
			c.SetDeadline(time.Now().Add(6 * patience))
			victim.SetDeadline(time.Now().Add(6 * patience))
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.command(
					command{abi.Record{Kind: puppetRepeat, Code: tc.times}, ""}, publish,
					command{abi.Record{Kind: abi.Message, Flags: abi.Text}, "done"},
				)
				c.expect("done")
			}()
			n := trips(victim, done)
			t.Logf("%d round trips", n)
			if tc.guest == "puppet-wide" && n < 50 {
				t.Errorf("the victim made %d round trips while another's commands were applied", n)
			}
		})
	}
}

// TestBusyFlush: what takes too long to be applied in the middle of a turn is
// refused, so that the loop goes on.
func TestBusyFlush(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	o.seesKind(abi.Connect)
	text := strings.Repeat("é", 100_000)
	c.command(
		command{abi.Record{Kind: puppetRepeat, Code: 1000}, ""},
		command{abi.Record{Kind: abi.Publish, Flags: abi.Text, Code: 5, Token: 7}, "topic" + text},
		command{record(puppetFlush), ""},
	)
	o.seesKind(abi.Message)
	if _, line := o.receive(); !strings.HasPrefix(string(line), "flushed ") || string(line) == "flushed 0" {
		t.Errorf("the puppet reports %q, want that some were refused", line)
	}
	if e := o.seesKind(abi.Fault); e.Code != uint32(abi.Busy) || e.Token != 7 || e.Flags != abi.Flags(abi.Publish) {
		t.Errorf("%v, want a fault with the status busy", e)
	}
}

// TestShare: a tenant whose turns are long gets its share of the loop, and no more
// while another needs it.
func TestShare(t *testing.T) {
	const each, messages = 5 * time.Millisecond, 40
	h := nativeHandler{message: func(c runtime.Conn, text bool, payload []byte) {
		for begin := time.Now(); time.Since(begin) < each; {
		}
		c.Send(text, payload)
	}}
	s := serveShared(t, runtime.Tenant{Handler: h.handle})
	victim, c := s.dial(t, "/victim"), s.dial(t, "/hog")
	done := make(chan struct{})
	var took time.Duration
	go func() {
		defer close(done)
		begin := time.Now()
		for range messages {
			c.echoes(ws.OpText, []byte("hog"))
		}
		took = time.Since(begin)
	}()
	n := trips(victim, done)
	t.Logf("%d round trips of the victim while the hog had %v of %v", n, messages*each, took)
	if took < messages*each*3/2 {
		t.Errorf("the hog had %v of %v; with one other its share is half", messages*each, took)
	}
	if n < 5*messages {
		t.Errorf("the victim made %d round trips meanwhile", n)
	}
}

// TestShareOrder: what has to wait because its tenant owes time comes in order.
func TestShareOrder(t *testing.T) {
	const messages = 20_000
	s := serveShared(t, runtime.Tenant{Module: readGuest(t, "puppet-small")})
	victim, c := s.dial(t, "/victim"), s.dial(t, "/hog")
	done := make(chan struct{})
	go func() {
		for i := range messages {
			c.say(fmt.Sprint(i))
		}
	}()
	go func() {
		defer close(done)
		for i := range messages {
			c.expect(fmt.Sprint(i))
		}
	}()
	if n := trips(victim, done); n == 0 {
		t.Error("the victim was not served")
	}
}

// TestRunaway: a guest that does not return is stopped, its connection closes, its
// others go on, and its neighbours are served all the time.
func TestRunaway(t *testing.T) {
	s := serveShared(t, runtime.Tenant{Module: readGuest(t, "puppet-resume")})
	victim, a := s.dial(t, "/victim"), s.dial(t, "/hog")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 4 {
			c := s.dial(t, "/hog")
			c.command(command{Record: record(puppetSpin)})
			c.expectClose(1011, "handler failed")
			a.echoes(ws.OpText, []byte("still here"))
		}
	}()
	if n := trips(victim, done); n < 10 {
		t.Errorf("the victim made %d round trips meanwhile", n)
	}
	if n := s.logged("reason=out_of_fuel") + s.logged("reason=out_of_time"); n != 4 {
		t.Errorf("%d guests were stopped, want 4", n)
	}
}

// TestNewcomer: a tenant that comes when others are busy gets its first turn.
func TestNewcomer(t *testing.T) {
	config := runtime.Config{Loops: 1}
	for _, name := range []string{"first", "second", "newcomer"} {
		config.Tenants = append(config.Tenants, runtime.Tenant{Name: name, Module: guests.Echo()})
		config.Routes = append(config.Routes, runtime.Route{Pattern: "/" + name, Tenant: name})
	}
	s := serve(t, config)
	done := make(chan struct{})
	var busy sync.WaitGroup
	for _, path := range []string{"/first", "/second"} {
		c := s.dial(t, path)
		c.echoes(ws.OpText, []byte("before"))
		busy.Go(func() { trips(c, done) })
	}
	s.dial(t, "/newcomer").echoes(ws.OpText, []byte("here I am"))
	close(done)
	busy.Wait()
}

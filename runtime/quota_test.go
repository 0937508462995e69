package runtime_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// counted returns what was counted of the only tenant.
func (s *testServer) counted(t *testing.T) runtime.TenantStats {
	t.Helper()
	stats, err := s.TenantStats("test")
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

// TestConnRate: handshakes over the rate are refused, and come back later.
func TestConnRate(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: guests.Echo(), Limits: runtime.Limits{ConnRate: 3}}, 1)
	statuses := make(map[int]int)
	for range 10 {
		statuses[s.ask(t, upgradeRequest("/")+"\r\n").StatusCode]++
	}
	if statuses[http.StatusSwitchingProtocols] < 3 || statuses[http.StatusTooManyRequests] == 0 || len(statuses) != 2 {
		t.Errorf("answers %v; want at least three of 101, and some of 429", statuses)
	}
	if n := s.counted(t).ConnsFast; n != uint64(statuses[http.StatusTooManyRequests]) {
		t.Errorf("%d handshakes were counted as too fast, %v", n, statuses)
	}
	for s.ask(t, upgradeRequest("/")+"\r\n").StatusCode != http.StatusSwitchingProtocols {
	}
}

// TestMessageRate: clients that send more than they may are not read for a while;
// nothing is lost.
func TestMessageRate(t *testing.T) {
	for name, limits := range map[string]runtime.Limits{
		"messages": {MessageRate: 1000},
		"bytes":    {ReceiveRate: 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveOne(t, runtime.Tenant{Module: guests.Echo(), Limits: limits}, 1)
			c := s.dial(t, "/")
			var all bytes.Buffer
			begin := time.Now()
			for i := range 2000 {
				all.Write(clientFrame(ws.OpText, fmt.Appendf(nil, "message%4d", i)))
			}
			c.write(all.Bytes())
			for i := range 2000 {
				c.expect(fmt.Sprintf("message%4d", i))
			}
			c.echoes(ws.OpText, []byte("when there is room again"))
			if took := time.Since(begin); took < 800*time.Millisecond {
				t.Errorf("twice what may come in a second came in %v", took)
			}
			if s.counted(t).Halts == 0 {
				t.Error("no connection was counted as halted")
			}
		})
	}
}

// TestSendRate: what is sent over the rate is refused as busy.
func TestSendRate(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet"), Limits: runtime.Limits{SendRate: 100_000}}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	conn := o.seesKind(abi.Connect).Conn
	send := command{abi.Record{Kind: abi.Message, Token: 7}, string(make([]byte, 150_000))}
	c.command(send, send)
	if op, b := c.receive(); op != ws.OpBinary || len(b) != 150_000 {
		t.Errorf("received %v of %d bytes", op, len(b))
	}
	for { // the reports have to keep to the rate as well
		if n := s.counted(t).SendsBusy; n >= 1 {
			break
		}
		c.command(command{abi.Record{Kind: abi.Message, Conn: conn}, "x"})
	}
}

// TestTopicLimits: subscriptions over the tenant's limits are busy.
func TestTopicLimits(t *testing.T) {
	for name, limits := range map[string]runtime.Limits{"topics": {Topics: 2}, "subscriptions": {Subscriptions: 2}} {
		t.Run(name, func(t *testing.T) {
			s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet"), Limits: limits}, 1)
			o := s.observe(t, "/")
			c := s.dial(t, "/")
			conn := o.seesKind(abi.Connect).Conn
			var commands []command
			for i := range 3 {
				commands = append(commands, command{abi.Record{Kind: abi.Subscribe, Token: uint64(i)}, fmt.Sprint("topic ", i)})
			}
			c.command(commands...)
			want := commands[2].Refused(abi.Busy)
			want.Conn = conn
			if e := o.seesKind(abi.Fault); e.Record != want {
				t.Errorf("%v, want the third refused as busy", e)
			}
			if s.counted(t).TopicsFull != 1 {
				t.Errorf("%+v", s.counted(t))
			}
			c.closes(1000, "")
			d := s.dial(t, "/")
			d.command(commands[2])
			d.echoes(ws.OpText, []byte("there was room again"))
			if s.counted(t).TopicsFull != 1 {
				t.Errorf("%+v", s.counted(t))
			}
		})
	}
}

// TestTotalPages: an instance for which there is no memory is not started.
func TestTotalPages(t *testing.T) {
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "test", Module: guests.Echo(), Limits: runtime.Limits{MemoryPages: 100, TotalPages: 199}}},
		Routes: []runtime.Route{
			{Pattern: "/one", Tenant: "test"}, {Pattern: "/two", Tenant: "test", Placement: runtime.PerLoop},
		},
		Loops: 1,
	})
	s.dial(t, "/one").echoes(ws.OpText, []byte("one"))
	if r := s.ask(t, upgradeRequest("/two")+"\r\n"); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("answered with %s, want a 503", r.Status)
	}
	if got := s.counted(t); got.Instances != 1 || got.MemoryFull != 1 || got.Traps != 0 || got.Conns != 1 {
		t.Errorf("%+v", got)
	}
}

// TestTotalBacklog: what all connections of a tenant have unsent has a bound of its
// own. Over it a connection that has some is slow, whatever its own limit; one that
// reads is served.
func TestTotalBacklog(t *testing.T) {
	limits := runtime.Limits{SendBytes: 8 << 20, TotalSendBytes: 1 << 20}
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet"), Limits: limits}, 1)
	o := s.observe(t, "/")
	reader := s.dial(t, "/")
	o.seesKind(abi.Connect)
	idle := s.dial(t, "/")
	o.seesKind(abi.Connect)
	// More than the kernel takes, and less than the connection may have unsent.
	idle.command(command{Record: abi.Record{Kind: puppetRepeat, Code: 130}}, command{Record: abi.Record{Kind: abi.Message, Len: 60_000, Token: 8}})
	if e := o.seesKind(abi.Fault); e.Code != uint32(abi.WouldBlock) {
		t.Errorf("the guest sees %v, want would_block", e)
	}
	if e := o.seesKind(abi.Close); e.Code != 1008 {
		t.Errorf("the guest sees %v, want a close with 1008", e)
	}
	reader.echoes(ws.OpText, []byte("who reads is served"))
	idle.readClose(1008, "too slow: backlog over its limit")
	// What it had is given back, and the next one has all of it.
	next := s.dial(t, "/")
	o.seesKind(abi.Connect)
	next.echoes(ws.OpText, []byte("and so is this"))
}

package runtime_test

import (
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// timer is the command that arms, moves or cancels one. What it is about is its
// token, and no connection.
func timer(token uint64, ms uint32) command {
	return command{Record: abi.Record{Kind: abi.Timer, Code: ms, Conn: noConn, Token: token}}
}

const hour = 3600_000 // in milliseconds

// firesNext checks that the next event is the timer.
func (o observer) firesNext(token uint64) {
	o.t.Helper()
	if e := o.sees(); e.Record != (abi.Record{Kind: abi.Timer, Token: token}) {
		o.t.Fatalf("the guest sees %v, want timer %d", e, token)
	}
}

// serveEager has a guest that wants all the optional events that are about no
// connection, one that hears of them and one that issues commands.
func serveEager(t *testing.T, limits runtime.Limits) (*testServer, *client, observer) {
	t.Helper()
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet-eager"), Limits: limits}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	o.seesKind(abi.Connect)
	return s, c, o
}

// tells has the guest issue commands. The message itself is seen first.
func (c *client) tells(o observer, commands ...command) {
	c.t.Helper()
	c.command(commands...)
	if e := o.sees(); e.Kind != abi.Message {
		c.t.Fatalf("the guest sees %v, want the message", e)
	}
}

// TestTimers: in the order of their times, none early, each once, on a loop that
// has nothing else to do.
func TestTimers(t *testing.T) {
	_, c, o := serveEager(t, runtime.Limits{})
	start := time.Now()
	c.tells(o, timer(2, 60), timer(1, 30), timer(0, 90), timer(1<<63, 120))
	for _, tc := range []struct {
		token uint64
		after time.Duration
	}{{1, 30 * time.Millisecond}, {2, 60 * time.Millisecond}, {0, 90 * time.Millisecond}, {1 << 63, 120 * time.Millisecond}} {
		o.firesNext(tc.token)
		if took := time.Since(start); took < tc.after {
			t.Errorf("timer %d fired after %v, %v early", tc.token, took, tc.after-took)
		}
	}
	c.tells(o, timer(7, 1)) // as short as can be, and again
	o.firesNext(7)
	c.tells(o, timer(7, 1))
	o.firesNext(7)
}

// TestTimerMoves: one that is armed is moved, either way; one that is cancelled
// does not fire, and to cancel what is not armed is fine.
func TestTimerMoves(t *testing.T) {
	_, c, o := serveEager(t, runtime.Limits{})
	c.tells(o, timer(1, hour), timer(2, 10), timer(3, 10), timer(4, 50), timer(99, 0))
	c.tells(o, timer(1, 10), timer(2, hour), timer(3, 0))
	for fired := make(map[uint64]bool); len(fired) < 2; {
		// The second script may have come after some of them.
		e := o.sees()
		if e.Kind != abi.Timer || fired[e.Token] {
			t.Fatalf("the guest sees %v", e)
		}
		if e.Token == 1 || e.Token == 4 {
			fired[e.Token] = true
		}
	}
	c.tells(o, timer(5, 10))
	o.firesNext(5)
}

// TestTimerLimit: over it a timer is refused as busy; to move one that is armed,
// or to arm one in place of another, is not over it.
func TestTimerLimit(t *testing.T) {
	_, c, o := serveEager(t, runtime.Limits{Timers: 3})
	c.tells(o, timer(1, hour), timer(2, hour), timer(3, hour), timer(4, hour), timer(1, hour), timer(2, 0), timer(5, 10), timer(6, hour))
	for _, want := range []uint64{4, 6} {
		if e := o.sees(); e.Kind != abi.Fault || e.Code != uint32(abi.Busy) || e.Token != want {
			t.Fatalf("the guest sees %v, want timer %d to be refused as busy", e, want)
		}
	}
	o.firesNext(5)
	c.tells(o, timer(6, 10))
	o.firesNext(6)
}

// TestTimersMany: more fire at once than an inbox holds, while another connection
// is served.
func TestTimersMany(t *testing.T) {
	const many = 3000
	s, c, o := serveEager(t, runtime.Limits{})
	var commands []command
	for token := range uint64(many) {
		commands = append(commands, timer(token, 20))
	}
	c.command(commands...)
	for seen := make(map[uint64]bool); len(seen) < many; {
		e := o.sees()
		if e.Kind != abi.Timer {
			continue
		}
		if seen[e.Token] {
			t.Fatalf("timer %d fired twice", e.Token)
		}
		seen[e.Token] = true
	}
	other := s.dial(t, "/")
	other.echoes(ws.OpText, []byte("served"))
}

// TestTimersEndWithInstance: they are not the next one's.
func TestTimersEndWithInstance(t *testing.T) {
	s, c, o := serveEager(t, runtime.Limits{})
	c.command(timer(1, 30), command{Record: record(puppetTrap)})
	o.expectClose(1011, "handler failed")
	c.expectClose(1011, "handler failed")
	o = s.observe(t, "/")
	c = s.dial(t, "/")
	o.seesKind(abi.Connect)
	c.tells(o, timer(2, 60))
	o.firesNext(2)
}

// TestTimersOutlive: a timer is not a connection's, and goes on without any.
func TestTimersOutlive(t *testing.T) {
	fired := make(chan uint64, 1)
	h := &eager{timer: func(_ runtime.Instance, token uint64) { fired <- token }}
	h.message = func(c runtime.Conn, _ bool, payload []byte) { h.in.SetTimer(17, 50*time.Millisecond) }
	s := serveOne(t, runtime.Tenant{Handler: func() runtime.Handler { return h }}, 1)
	c := s.dial(t, "/")
	c.say("arm it")
	c.closes(1000, "")
	if token := await(t, fired, "timer"); token != 17 {
		t.Errorf("timer %d fired, want 17", token)
	}
}

// TestTimerNative: what a native handler's own timers can do and cannot.
func TestTimerNative(t *testing.T) {
	errs, fired := make(chan error, 8), make(chan uint64, 8)
	h := &eager{timer: func(in runtime.Instance, token uint64) {
		fired <- token
		if token < 3 {
			errs <- in.SetTimer(token+1, time.Nanosecond)
		}
	}}
	h.start = func(in runtime.Instance) {
		errs <- in.SetTimer(9, time.Millisecond)
		errs <- in.SetTimer(9, 0)
		errs <- in.SetTimer(8, 1<<62)
		errs <- in.SetTimer(1, time.Millisecond)
	}
	s := serveOne(t, runtime.Tenant{Handler: func() runtime.Handler { return h }, Limits: runtime.Limits{Timers: 2}}, 1)
	s.dial(t, "/")
	for want := uint64(1); want <= 3; want++ {
		if got := await(t, fired, "timer"); got != want {
			t.Errorf("timer %d fired, want %d", got, want)
		}
	}
	for range 6 {
		if err := await(t, errs, "answer"); err != nil {
			t.Error(err)
		}
	}
	ran := h.in.Do(func(in runtime.Instance) {
		in.SetTimer(7, time.Hour)
		errs <- in.SetTimer(6, time.Hour)
	})
	if err := await(t, errs, "answer"); !ran || err != runtime.ErrBusy {
		t.Errorf("a third timer: %v, want ErrBusy", err)
	}
}

// TestInstanceOver: a life that is over can do nothing to the one after it, and a
// handler that is no TimerHandler can set no timer.
func TestInstanceOver(t *testing.T) {
	var first runtime.Instance
	errs := make(chan error, 2)
	lives := 0
	start := func() runtime.Handler {
		h := &starter{}
		h.start = func(in runtime.Instance) {
			if lives++; lives == 1 {
				first = in
				return
			}
			errs <- first.Publish("topic", true, nil)
			errs <- in.SetTimer(1, time.Second)
		}
		h.message = func(runtime.Conn, bool, []byte) { panic("as it must") }
		return h
	}
	s := serveOne(t, runtime.Tenant{Handler: start}, 1)
	c := s.dial(t, "/")
	c.say("fall")
	c.expectClose(1011, "handler failed")
	s.dial(t, "/")
	if err := await(t, errs, "answer"); err != runtime.ErrClosed {
		t.Errorf("an instance that is over: %v, want ErrClosed", err)
	}
	if err := await(t, errs, "answer"); err != runtime.ErrNotPossible {
		t.Errorf("no TimerHandler: %v, want ErrNotPossible", err)
	}
}

// A starter is a nativeHandler that is told of its instance.
type starter struct {
	nativeHandler
	in    runtime.Instance
	start func(runtime.Instance)
}

func (h *starter) Start(in runtime.Instance) {
	h.in = in
	if h.start != nil {
		h.start(in)
	}
}

// An eager handler wants everything.
type eager struct {
	starter
	timer   func(runtime.Instance, uint64)
	request func(runtime.Exchange, *runtime.Request)
	stop    func(runtime.Instance)
}

func (h *eager) Timer(in runtime.Instance, token uint64)        { h.timer(in, token) }
func (h *eager) Request(x runtime.Exchange, r *runtime.Request) { h.request(x, r) }
func (h *eager) Stop(in runtime.Instance) {
	if h.stop != nil {
		h.stop(in)
	}
}

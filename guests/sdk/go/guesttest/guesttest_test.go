package guesttest_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/guests/sdk/go/guesttest"
	"github.com/seed-c6589352/wherry/runtime"
)

// recorder starts a recorder with rules for the route "/{name}".
func recorder(t testing.TB, rules string) *guesttest.Host {
	t.Helper()
	return guesttest.New(t, guests.Recorder(), guesttest.Config{
		Routes: []string{"/{name}"}, Values: map[string]string{"/{name}": rules},
	})
}

func echo(t testing.TB, limits runtime.Limits) *guesttest.Host {
	t.Helper()
	return guesttest.New(t, guests.Echo(), guesttest.Config{Routes: []string{"/ws"}, Limits: limits})
}

// expectError fails the test if got is not an error of want.
func expectError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v; want %v", what, got, want)
	}
}

func TestReceiveDoesNotWait(t *testing.T) {
	t.Parallel()
	h := echo(t, runtime.Limits{})
	c := h.MustDial("/ws")
	_, err := c.ReceiveText()
	expectError(t, "open, and nothing was sent", err, guesttest.ErrNothing)
	c.ExpectNothing()
	c.SendBytes([]byte{1, 2})
	var kind *guesttest.KindError
	if _, err := c.ReceiveText(); !errors.As(err, &kind) || kind.Text || len(kind.Data) != 2 {
		t.Errorf("bytes received as text: %v", err)
	}
	c.SendJSON(map[string]int{"a": 1})
	c.ExpectJSON(` { "a" : 1 } `)
	c.SendJSON([]int{7})
	var numbers []int
	if err := c.ReceiveJSON(&numbers); err != nil || !slices.Equal(numbers, []int{7}) {
		t.Errorf("received %v, %v", numbers, err)
	}
	c.Close(4000, "bye")
	for range 2 {
		c.ExpectClose(4000, "bye")
	}
	var closed *guesttest.Closed
	if err := c.SendText("late"); !errors.As(err, &closed) || closed.Code != 4000 {
		t.Errorf("send after the end: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	h := recorder(t, "connect: reject 403 content-type=text/plain :body=no")
	_, err := h.Dial("/x")
	var refused *guesttest.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("dial: %v", err)
	}
	if refused.Status != 403 || string(refused.Body) != "no" || refused.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("refused with %+v", refused)
	}
	c, _ := h.Dial("/x")
	if _, err := c.ReceiveText(); !errors.As(err, &refused) {
		t.Errorf("receive: %v", err)
	}
	if err := c.SendText("x"); !errors.As(err, &refused) {
		t.Errorf("send: %v", err)
	}
	h.ExpectRefused(404, "/x/y")
}

// TestTimers: timers of a guest fire when their time has come, and in its order.
func TestTimers(t *testing.T) {
	t.Parallel()
	h := recorder(t, "connect: accept; after $ms\ntimer: send $name; after 1000")
	slow, fast := h.MustDial("/slow?ms=700"), h.MustDial("/fast?ms=300")
	h.Advance(299 * time.Millisecond)
	fast.ExpectNothing()
	h.Advance(2 * time.Millisecond)
	fast.ExpectText("fast")
	slow.ExpectNothing()
	h.Advance(10 * time.Minute)
	for range 599 {
		slow.ExpectText("slow")
		fast.ExpectText("fast")
	}
}

// TestLateAnswers: what a guest answers later is not there before, and what it does not
// answer ends at the deadline of the server.
func TestLateAnswers(t *testing.T) {
	t.Parallel()
	h := recorder(t, "connect: after $ms\ntimer: accept\ntext: echo")
	c, err := h.Dial("/x?ms=50")
	expectError(t, "dial", err, guesttest.ErrNothing)
	expectError(t, "send", c.SendText("early"), guesttest.ErrNothing)
	h.Advance(60 * time.Millisecond)
	if err := c.Opened(); err != nil {
		t.Fatal(err)
	}
	c.SendText("now")
	c.ExpectText("now")

	late, err := h.Dial("/x?ms=60000")
	expectError(t, "dial", err, guesttest.ErrNothing)
	h.Advance(4 * time.Second)
	expectError(t, "after 4 s", late.Opened(), guesttest.ErrNothing)
	h.Advance(1200 * time.Millisecond)
	var refused *guesttest.Refused
	if err := late.Opened(); !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("after the connect timeout: %v", err)
	}
}

// A laggard answers the request /a half a second later, and no other.
type laggard struct {
	in      runtime.Instance
	waiting runtime.Exchange
}

func (l *laggard) Start(in runtime.Instance) { l.in = in }

func (*laggard) Connect(runtime.Conn, *runtime.Request) {}
func (*laggard) Message(runtime.Conn, bool, []byte)     {}
func (*laggard) Close(runtime.Conn, runtime.End)        {}

func (l *laggard) Request(x runtime.Exchange, r *runtime.Request) {
	if r.Field(":path") == "/a" {
		l.waiting = x
		l.in.SetTimer(1, 500*time.Millisecond)
	}
}

func (l *laggard) Timer(runtime.Instance, uint64) {
	l.waiting.Respond(202, []byte("a"))
}

// TestLateResponses is TestLateAnswers for HTTP requests, of a handler that is none of
// WebAssembly's: what serves is a server in every way.
func TestLateResponses(t *testing.T) {
	t.Parallel()
	h := guesttest.New(t, guests.Echo(), guesttest.Config{
		Routes: []string{"/{name}"},
		Server: func(c *runtime.Config) {
			c.Tenants[0].Module, c.Tenants[0].Handler = nil, func() runtime.Handler { return new(laggard) }
		},
	})
	call, err := h.Begin("GET", "/a?ms=500", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = call.Response()
	expectError(t, "at once", err, guesttest.ErrNothing)
	h.Advance(time.Second)
	r, err := call.Response()
	if err != nil || r.Status != 202 || string(r.Body) != "a" {
		t.Errorf("after a second: %+v, %v", r, err)
	}
	began := h.Now()
	never, err := h.Begin("GET", "/b?ms=60000", nil)
	if err != nil {
		t.Fatal(err)
	}
	h.Advance(4999 * time.Millisecond)
	_, err = never.Response()
	expectError(t, "before the deadline", err, guesttest.ErrNothing)
	h.Advance(time.Millisecond)
	if r, err := never.Response(); err != nil || r.Status != http.StatusGatewayTimeout {
		t.Errorf("at the deadline: %+v, %v", r, err)
	}
	if passed := h.Now().Sub(began); passed != 5*time.Second {
		t.Errorf("%v have passed; want 5 s", passed)
	}
}

// TestDeadlines: a server's own deadlines are in the test's time.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	h := echo(t, runtime.Limits{IdleTimeout: time.Minute})
	c, still := h.MustDial("/ws"), h.MustDial("/ws")
	for range 3 {
		h.Advance(40 * time.Second)
		c.SendText("x")
		c.ExpectText("x")
	}
	c.ExpectNothing()
	if c.Pings() < 3 {
		t.Errorf("%d pings in two minutes", c.Pings())
	}
	still.ExpectClose(1001, "idle timeout")
	gone := h.MustDial("/ws")
	gone.Stall(true) // it does not answer pings
	h.Advance(45 * time.Second)
	gone.Stall(false)
	gone.ExpectClose(1011, "keepalive ping timeout")
}

// TestSlowClient: a client that does not read has a backlog, and only so much of one.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	h := echo(t, runtime.Limits{SendBytes: 64 << 10})
	c := h.MustDial("/ws")
	c.Stall(true)
	for range 100 {
		c.SendBytes(make([]byte, 32<<10))
	}
	c.Stall(false)
	messages := 0
	for {
		_, _, err := c.Receive()
		var closed *guesttest.Closed
		if errors.As(err, &closed) {
			if closed.Code != 1008 {
				t.Errorf("%v; want 1008", err)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		messages++
	}
	if messages == 0 || messages == 100 {
		t.Errorf("%d of 100 messages came back", messages)
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	h := recorder(t, "connect: accept; join room\nclose: publish room")
	c, d := h.MustDial("/c"), h.MustDial("/d")
	d.Abort()
	c.ExpectBytes(nil) // the reason of an end without a close frame
	d.ExpectClose(1006, "")
	h.ExpectLog(`"code":1006`)
}

// TestTogether: what is sent together is one turn of the guest's.
func TestTogether(t *testing.T) {
	t.Parallel()
	h := recorder(t, "connect: accept\ntext: send $data; close 1000 first wins")
	c, d := h.MustDial("/c"), h.MustDial("/d")
	h.Together(func() {
		c.SendText("from c")
		c.SendText("and again")
		d.SendText("from d")
	})
	// In a turn of its own the second message would not be delivered any more.
	h.ExpectLog(`"data":"and again"`)
	c.ExpectText("from c")
	d.ExpectText("from d")
	c.ExpectClose(1000, "first wins")

	apart := h.MustDial("/e")
	apart.SendText("one")
	apart.ExpectText("one")
	apart.ExpectClose(1000, "first wins")
}

func TestTrap(t *testing.T) {
	t.Parallel()
	h := recorder(t, "connect: accept\ntext: trap")
	c := h.MustDial("/x")
	c.SendText("x")
	_, _, err := c.Receive()
	var closed *guesttest.Closed
	if !errors.As(err, &closed) || closed.Code != 1011 {
		t.Errorf("%v; want 1011", err)
	}
	line := h.ExpectLog("guest trapped")
	if line.Guest || line.Attrs["reason"] != "unreachable" || !strings.Contains(line.Attrs["detail"], ".play(") {
		t.Errorf("logged %v; want the reason and the guest's stack", line)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	h := guesttest.New(t, guests.Chat(), guesttest.Config{Routes: []string{"/chat"}})
	c := h.MustDial("/chat")
	if _, err := c.ReceiveText(); err != nil {
		t.Fatal(err)
	}
	var refused *runtime.ModuleError
	if err := h.Reload([]byte("\x00asm")); !errors.As(err, &refused) {
		t.Errorf("reload of nothing: %v", err)
	}
	if err := h.Reload(guests.Chat()); err != nil {
		t.Fatal(err)
	}
	c.ExpectNothing()
	if err := h.Reload(guests.Echo()); err != nil {
		t.Fatal(err)
	}
	c.ExpectClose(1012, "handler was replaced")
}

func TestStop(t *testing.T) {
	t.Parallel()
	h := recorder(t, "connect: accept\nrequest: after 1")
	c, deaf := h.MustDial("/c"), h.MustDial("/deaf")
	deaf.Stall(true)
	call, err := h.Begin("GET", "/unanswered", nil)
	if err != nil {
		t.Fatal(err)
	}
	before := h.Now()
	h.Stop()
	c.ExpectClose(1001, "server is shutting down")
	if r, err := call.Response(); err != nil || r.Status != http.StatusGatewayTimeout {
		t.Errorf("the request got %+v, %v", r, err)
	}
	// The one that does not answer its close frame has the close timeout for it.
	if passed := h.Now().Sub(before); passed < 9*time.Second || passed > 11*time.Second {
		t.Errorf("it took %v", passed)
	}
	_, err = h.Dial("/x")
	expectError(t, "dial after the end", err, guesttest.ErrEnded)
	expectError(t, "reload after the end", h.Reload(guests.Echo()), guesttest.ErrEnded)
	h.Stop() // once more does nothing
}

// TestBuild builds a guest with the Go command, and runs it.
func TestBuild(t *testing.T) {
	t.Parallel()
	module := guesttest.Build(t, "../../../echo-go")
	h := guesttest.New(t, module, guesttest.Config{Routes: []string{"/ws"}})
	c := h.MustDial("/ws")
	c.SendText("hello")
	c.ExpectText("hello")
}

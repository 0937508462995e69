package wherry

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// TestWants: the mailbox has the bits of what is registered.
func TestWants(t *testing.T) {
	timer := abi.Timer.Bit()
	for name, tc := range map[string]struct {
		register func()
		want     uint32
	}{
		"nothing":  {func() {}, timer},
		"messages": {func() { Register("/", Endpoint{OnReceive: func(*Conn, Message) error { return nil }}) }, timer},
		"resume":   {func() { Register("/", Endpoint{OnResume: func(*Conn) error { return nil }}) }, timer | abi.Resume.Bit()},
		"writable": {func() { Register("", Endpoint{OnWritable: func(*Conn) error { return nil }}) }, timer | abi.Writable.Bit()},
		"request":  {func() { Register("", Endpoint{OnRequest: func(*Exchange) error { return nil }}) }, timer | abi.Request.Bit()},
		"stop":     {func() { OnStop(func(StopReason) error { return nil }) }, timer | abi.Stop.Bit()},
	} {
		newWorld(t)
		tc.register()
		at := openMailbox()
		var m abi.Mailbox
		m.Get(memory())
		if m.Wants != tc.want {
			t.Errorf("%s: wants %#x; want %#x", name, m.Wants, tc.want)
		}
		if err := m.Check(at, uint64(at)+uint64(len(memory()))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRegisterPanics: mistakes of the developer come to light at once.
func TestRegisterPanics(t *testing.T) {
	for want, register := range map[string]func(){
		"two endpoints for /a":            func() { Register("/a", Endpoint{}); Register("/a", Endpoint{}) },
		"two endpoints without a pattern": func() { Register("", Endpoint{}); Register("", Endpoint{}) },
		"Register after":                  func() { openMailbox(); Register("/a", Endpoint{}) },
		"OnStart after":                   func() { openMailbox(); OnStart(nil) },
		"OnStop after":                    func() { openMailbox(); OnStop(nil) },
		"OnFault after":                   func() { openMailbox(); OnFault(nil) },
		"HandleStatus after":              func() { openMailbox(); HandleStatus(404, nil) },
		"HandleError after":               func() { openMailbox(); HandleError[*HTTPError](nil) },
	} {
		newWorld(t)
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q; want %q", got, want)
				}
			}()
			register()
		}()
	}
}

// TestBeforeStart: what func init commands is carried out in the first turn, and
// once.
func TestBeforeStart(t *testing.T) {
	w := newWorld(t)
	if err := Room("r").BroadcastText("x"); err != nil {
		t.Fatal(err)
	}
	if got, want := w.turn(), `publish 0 1 "rx"`; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	if got := w.turn(); got != "" {
		t.Errorf("again: %q", got)
	}
}

// TestDefaultEndpoint gets every route that has none of its own.
func TestDefaultEndpoint(t *testing.T) {
	w := newWorld(t)
	Register("/own", Endpoint{})
	Register("", Endpoint{OnConnect: func(c *Conn) error { return errors.New("at " + c.Route()) }})
	w.turn(connecting(1, ":route", "/a"), connecting(2, ":route", "/own"), connecting(3), connecting(4, ":route", "/a"))
	if got, want := w.logged(), "error /a on_connect: at /a\nerror  on_connect: at \nerror /a on_connect: at /a"; got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	if len(guest.sites) != 3 {
		t.Errorf("%d sites", len(guest.sites))
	}
}

// TestCopies: what a handler does to its bytes later does not change what is sent.
func TestCopies(t *testing.T) {
	w := newWorld(t)
	own := []byte("own")
	Register("/", Endpoint{OnReceive: func(c *Conn, m Message) error {
		err := errors.Join(c.SendBytes(own), c.Attach(own), Room("r").BroadcastBytes(own), c.SendBytes(m.Bytes()[1:]))
		copy(own, "XXX")
		return err
	}})
	w.turn(connecting(1, ":route", "/"))
	want := `message 1 0 "own"
attach 1 0 "own"
publish 0 1 "rown"
message 1 0 "essage"`
	if got := w.turn(texting(1, "message")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestManyCommands: a full outbox, or stage, is flushed, and nothing is lost.
func TestManyCommands(t *testing.T) {
	w := newWorld(t)
	Register("/", Endpoint{OnReceive: func(c *Conn, m Message) error {
		for i := range 3 * outboxRecords {
			if err := c.SendText(fmt.Sprint(i)); err != nil {
				return err
			}
		}
		big := make([]byte, 3*stageBytes)
		for range 20 {
			if err := c.SendBytes(big); err != nil {
				return err
			}
		}
		for i := range 1000 {
			if err := Room("r").BroadcastText(strings.Repeat("x", i)); err != nil {
				return err
			}
		}
		return c.Send(m)
	}})
	w.turn(connecting(1, ":route", "/"))
	got := strings.Split(w.turn(texting(1, "last")), "\n")
	if len(got) != 3*outboxRecords+20+1000+1 {
		t.Fatalf("%d commands", len(got))
	}
	for i := range 3 * outboxRecords {
		if want := fmt.Sprintf(`message 1 0 "%d"`, i); got[i] != want {
			t.Fatalf("command %d is %s", i, got[i])
		}
	}
	for i := range 1000 {
		if want := fmt.Sprintf(`publish 0 1 "r%s"`, strings.Repeat("x", i)); got[3*outboxRecords+20+i] != want {
			t.Fatalf("publication %d is %s", i, got[3*outboxRecords+20+i])
		}
	}
	if last := got[len(got)-1]; last != `message 1 0 "last"` {
		t.Errorf("the last is %s", last)
	}
}

// TestRequestIsOver: what was kept of a request is empty when the handler has
// returned.
func TestRequestIsOver(t *testing.T) {
	w := newWorld(t)
	n := IntParam(InQuery, "n")
	var kept *Request
	var conn *Conn
	Register("/", Endpoint{Params: []Param{n}, OnConnect: func(c *Conn) error {
		kept, conn = c.Request(), c
		if v, ok := n.Get(kept); v != 5 || !ok || kept.Query("n") != "5" {
			t.Errorf("n is %d, %v", v, ok)
		}
		return c.Accept()
	}})
	w.turn(connecting(1, ":route", "/", ":query", "n=5"))
	w.turn(connecting(2, ":query", "n=7"))
	for _, r := range []*Request{kept, conn.Request()} {
		if v, ok := n.Get(r); ok || v != 0 || r.Query("n") != "" || r.Method() != "" || r.Headers() != nil {
			t.Errorf("%+v is still there", r)
		}
	}
}

// TestLateAnswer: a handshake that waits can still be accepted with a subprotocol.
func TestLateAnswer(t *testing.T) {
	w := newWorld(t)
	Register("/", Endpoint{OnConnect: func(c *Conn) error {
		After(1, func() {
			if err := c.AcceptWith("c", nil); err == nil || err.Error() != "accept: subprotocol c was not offered" {
				t.Errorf("error %v", err)
			}
			if err := c.AcceptWith("b", nil); err != nil {
				t.Error(err)
			}
		})
		return nil
	}})
	if got := w.turn(connecting(1, ":route", "/", ":protocols", "a, b")); got != `timer 0 1 ""` {
		t.Fatalf("answered with %s", got)
	}
	got := w.turn(input{abi.Record{Kind: abi.Timer, Token: 1}, ""})
	if want := fmt.Sprintf("accept 1 0 %q", block(":protocol", "b")); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

// TestTurnBudget: messages that are sent back allocate nothing.
func TestTurnBudget(t *testing.T) {
	w := newWorld(t)
	Register("/send", Endpoint{OnReceive: func(c *Conn, m Message) error { return c.Send(m) }})
	Register("/bytes", Endpoint{OnReceive: func(c *Conn, m Message) error { return c.SendBytes(m.Bytes()) }})
	Register("/copy", Endpoint{OnReceive: func(c *Conn, m Message) error { return c.SendText("a constant") }})
	w.turn(connecting(1, ":route", "/send"), connecting(2, ":route", "/bytes"), connecting(3, ":route", "/copy"))
	n := w.place([]input{texting(1, "hello"), texting(2, "hello"), texting(3, "hello")})
	if allocations := testing.AllocsPerRun(100, func() {
		if got := turn(n); got != 3 {
			t.Fatalf("%d commands", got)
		}
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// TestLend: a buffer that is lent is kept until an event points to its front.
func TestLend(t *testing.T) {
	newWorld(t)
	if at := lend(maxMessage + 1); at != 0 {
		t.Errorf("lent %#x, more than there is", at)
	}
	first, second := lend(100), lend(0)
	if first == 0 || second == 0 || first == second || len(loans.held) != 2 {
		t.Fatalf("lent %#x and %#x, of which %d are held", first, second, len(loans.held))
	}
	buffer := loans.held[0]
	handle(&abi.Record{Kind: 99, Data: first + 1, Len: 1}) // not its front
	if len(loans.delivered) != 0 || isPayload(buffer) {
		t.Error("taken back by an event that is not its own")
	}
	handle(&abi.Record{Kind: 99, Data: first, Len: 1})
	if len(loans.held) != 1 || len(loans.delivered) != 1 || !isPayload(buffer[50:]) {
		t.Errorf("%d held, %d delivered", len(loans.held), len(loans.delivered))
	}
	turn(0)
	if len(loans.delivered) != 0 || isPayload(buffer) {
		t.Error("still delivered in the next turn")
	}
}

// TestTurnNoise delivers what no host would, in an order that none would have: there
// is no panic, and commands are about connections that there are.
func TestTurnNoise(t *testing.T) {
	w := newWorld(t)
	n := IntParam(InQuery, "n")
	handler := func(c *Conn) error {
		After(5, func() { _ = c.SendText("late") })
		return errors.Join(c.Accept(), Room("r").Join(c))
	}
	receive := func(c *Conn, m Message) error {
		if len(m.Bytes()) > 10 {
			return c.Close(len(m.Bytes()), "")
		}
		return errors.Join(c.Send(m), Room("r").Except(c).BroadcastBytes(m.Bytes()), c.Attach(m.Bytes()))
	}
	Register("/a", Endpoint{Params: []Param{n}, OnConnect: handler, OnReceive: receive})
	Register("/j", Endpoint{Encoding: JSON, OnReceive: func(c *Conn, m Message) error { return c.SendJSON(m.JSON()) }, OnResume: handler})
	Register("/h", Endpoint{OnRequest: func(x *Exchange) error { return x.Respond(200, nil, x.Body()) }})
	OnStop(func(StopReason) error { return nil })
	words := []string{"", "\xff", "{}", "[1,", block(":route", "/a", ":query", "n=1"), block(":route", "/a"), block(":route", "/j"), block(":route", "/h"), block(":config.debug", "1")}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		inputs := make([]input, rng.IntN(30))
		for i := range inputs {
			inputs[i].Record = abi.Record{
				Kind: abi.Kind(rng.IntN(18)), Flags: abi.Flags(rng.Uint32()), Code: rng.Uint32(),
				Conn: 1 + rng.Uint64N(40), Token: rng.Uint64N(1000),
			}
			for range rng.IntN(3) {
				inputs[i].payload += words[rng.IntN(len(words))]
			}
		}
		w.turn(inputs...)
	}
	if conns.count > 40 {
		t.Errorf("%d connections of 40 handles", conns.count)
	}
}

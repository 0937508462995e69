package runtime_test

import (
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// field encodes one field.
func field(name, value string) string { return string(abi.AppendField(nil, name, value)) }

// A badCommand is one that must be refused.
type badCommand struct {
	name string
	command
	want abi.Status
}

func record(kind abi.Kind) abi.Record { return abi.Record{Kind: kind} }

// badCommands can be issued with an open connection.
func badCommands() []badCommand {
	long := strings.Repeat("x", abi.MaxTopic+1)
	return []badCommand{
		{"kind 0", command{abi.Record{Kind: 0}, ""}, abi.Unsupported},
		{"unknown kind", command{abi.Record{Kind: 17}, ""}, abi.Unsupported},
		{"unknown kind with the bit of message", command{abi.Record{Kind: 32 + abi.Message}, ""}, abi.Unsupported},
		{"largest kind but ours", command{abi.Record{Kind: 0xfeff}, ""}, abi.Unsupported},
		{"timer that nobody would hear of", command{abi.Record{Kind: abi.Timer, Code: 1}, ""}, abi.Denied},
		{"writable", command{abi.Record{Kind: abi.Writable}, ""}, abi.Unsupported},
		{"resume", command{abi.Record{Kind: abi.Resume}, ""}, abi.Unsupported},
		{"respond to a connection", command{abi.Record{Kind: abi.Respond, Code: 200}, ""}, abi.Denied},
		{"call", command{abi.Record{Kind: abi.Call}, ""}, abi.Unsupported},
		{"stop", command{abi.Record{Kind: abi.Stop}, ""}, abi.Unsupported},

		{"data outside the memory", command{abi.Record{Kind: abi.Message, Data: 0xfffff000, Len: 16}, ""}, abi.Invalid},
		{"data that wraps", command{abi.Record{Kind: abi.Message, Data: 0xfffffff0, Len: 0xfffffff0}, ""}, abi.Invalid},
		{"empty data outside the memory", command{abi.Record{Kind: abi.Message, Data: 0xfffffff0}, ""}, abi.Invalid},
		{"span before handle", command{abi.Record{Kind: abi.Message, Conn: 77, Data: 0xfffffff0, Len: 1}, ""}, abi.Invalid},
		{"kind before span", command{abi.Record{Kind: 99, Data: 0xfffffff0, Len: 1}, ""}, abi.Unsupported},

		{"no connection", command{abi.Record{Kind: abi.Message, Conn: noConn}, "x"}, abi.Denied},
		{"a handle that never was", command{abi.Record{Kind: abi.Message, Conn: 0x0123456789abcdef}, "x"}, abi.Denied},
		{"text that is not UTF-8", command{abi.Record{Kind: abi.Message, Flags: abi.Text}, "\xff"}, abi.Invalid},

		{"second accept", command{record(abi.Accept), ""}, abi.Closed},
		{"reject after accept", command{abi.Record{Kind: abi.Reject, Code: 404}, ""}, abi.Closed},
		{"close 0", command{abi.Record{Kind: abi.Close, Code: 0}, ""}, abi.Invalid},
		{"close 1004", command{abi.Record{Kind: abi.Close, Code: 1004}, ""}, abi.Invalid},
		{"close 1005", command{abi.Record{Kind: abi.Close, Code: 1005}, ""}, abi.Invalid},
		{"close 1006", command{abi.Record{Kind: abi.Close, Code: 1006}, ""}, abi.Invalid},
		{"close 1015", command{abi.Record{Kind: abi.Close, Code: 1015}, ""}, abi.Invalid},
		{"close 2999", command{abi.Record{Kind: abi.Close, Code: 2999}, ""}, abi.Invalid},
		{"close 5000", command{abi.Record{Kind: abi.Close, Code: 5000}, ""}, abi.Invalid},
		{"close 1000 in 17 bits", command{abi.Record{Kind: abi.Close, Code: 1<<16 | 1000}, ""}, abi.Invalid},
		{"close with a reason that is not UTF-8", command{abi.Record{Kind: abi.Close, Code: 1000}, "\xc3"}, abi.Invalid},

		{"subscribe to nothing", command{record(abi.Subscribe), ""}, abi.Invalid},
		{"subscribe to a long name", command{record(abi.Subscribe), long}, abi.TooBig},
		{"unsubscribe from what it is not in", command{record(abi.Unsubscribe), "nowhere"}, abi.NotFound},
		{"publish without a topic", command{abi.Record{Kind: abi.Publish, Code: 0}, "payload"}, abi.Invalid},
		{"publish with a topic beyond the data", command{abi.Record{Kind: abi.Publish, Code: 8}, "payload"}, abi.Invalid},
		{"publish with a topic of 4 GiB", command{abi.Record{Kind: abi.Publish, Code: 1<<32 - 1}, "payload"}, abi.Invalid},
		{"publish to a long name", command{abi.Record{Kind: abi.Publish, Code: abi.MaxTopic + 1}, long}, abi.TooBig},
		{"publish text that is not UTF-8", command{abi.Record{Kind: abi.Publish, Flags: abi.Text, Code: 1}, "t\xff"}, abi.Invalid},
		{"publish except a handle that never was", command{abi.Record{Kind: abi.Publish, Flags: abi.Except, Conn: noConn, Code: 1}, "t"}, abi.Denied},
		{"attach too much", command{record(abi.Attach), strings.Repeat("x", abi.MaxAttachment+1)}, abi.TooBig},
	}
}

// waitingCommands can be issued about a handshake that waits.
func waitingCommands() []badCommand {
	reject := abi.Record{Kind: abi.Reject, Code: 403}
	return []badCommand{
		{"send before accept", command{record(abi.Message), "x"}, abi.Invalid},
		{"subprotocol that was not offered", command{record(abi.Accept), field(":protocol", "soap")}, abi.Invalid},
		{"forbidden field", command{record(abi.Accept), field("sec-websocket-accept", "x")}, abi.Denied},
		{"forbidden field, upper case", command{record(abi.Accept), field("Upgrade", "h2c")}, abi.Denied},
		{"CR LF in a value", command{record(abi.Accept), field("x-a", "b\r\nx-c: d")}, abi.Invalid},
		{"CR LF in a name", command{record(abi.Accept), field("x-a: b\r\nx-c", "d")}, abi.Invalid},
		{"zero in a value", command{record(abi.Accept), field("x-a", "\x00")}, abi.Invalid},
		{"empty name", command{record(abi.Accept), field("", "v")}, abi.Invalid},
		{"unknown pseudo-field", command{record(abi.Accept), field(":status", "200")}, abi.Invalid},
		{"body of a 101", command{record(abi.Accept), field(":body", "x")}, abi.Invalid},
		{"empty body of a 101", command{record(abi.Accept), field(":body", "")}, abi.Invalid},
		{"field that is cut short", command{record(abi.Accept), field("x-a", "b")[:9]}, abi.Invalid},
		{"too many fields", command{record(abi.Accept), strings.Repeat(field("x-a", strings.Repeat("y", 8000)), 3)}, abi.TooBig},
		{"reject 199", command{abi.Record{Kind: abi.Reject, Code: 199}, ""}, abi.Invalid},
		{"reject 101", command{abi.Record{Kind: abi.Reject, Code: 101}, ""}, abi.Invalid},
		{"reject 600", command{abi.Record{Kind: abi.Reject, Code: 600}, ""}, abi.Invalid},
		{"reject with a subprotocol", command{reject, field(":protocol", "soap")}, abi.Invalid},
		{"reject with a length", command{reject, field("content-length", "5")}, abi.Denied},
		{"reject with a large body", command{reject, field(":body", strings.Repeat("x", 64<<10+1))}, abi.TooBig},
		{"close with 17 bits before accept", command{abi.Record{Kind: abi.Close, Code: 1 << 16}, ""}, abi.Invalid},
	}
}

// fault checks that the puppet's next event is the fault of c.
func (o observer) fault(c badCommand, conn uint64) {
	o.t.Helper()
	got := o.sees()
	for got.Kind == abi.Message {
		got = o.sees() // the script itself
	}
	want := c.Refused(c.want)
	if c.Conn == 0 {
		want.Conn = conn
	} else if c.Conn == noConn {
		want.Conn = 0
	}
	if got.Record != want {
		o.t.Errorf("%s: the guest sees %v, want %v (%v)", c.name, got, sighting{Record: want}, c.want)
	}
}

// TestFaults issues every bad command alone, all in one turn, and flushed: each
// comes back as a fault with its token, in order, and nothing reaches the wire.
func TestFaults(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	conn := o.seesKind(abi.Connect).Conn

	var all []command
	bad := badCommands()
	for i := range bad {
		bad[i].Token = uint64(i + 1)
		all = append(all, bad[i].command)
	}
	t.Run("alone", func(t *testing.T) {
		for _, b := range bad {
			c.command(b.command)
			observer{&client{o.Conn, t}}.fault(b, conn)
		}
	})
	for name, commands := range map[string][]command{
		"in one turn": all,
		"flushed":     append(all, command{Record: record(puppetFlush)}),
	} {
		t.Run(name, func(t *testing.T) {
			c.command(commands...)
			o := observer{&client{o.Conn, t}}
			if len(commands) > len(all) {
				o.sees() // the script
				o.expect("flushed " + itoa(len(all)))
			}
			for _, b := range bad {
				o.fault(b, conn)
			}
		})
	}
	c.echoes(ws.OpText, []byte("still open"))
}

// TestFaultsBeforeAccept does the same about a handshake that waits, and has it
// accepted at last.
func TestFaultsBeforeAccept(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	o.seesKind(abi.Connect)

	waiting := make(chan *client)
	go func() {
		waiting <- dialWith(t, ws.Dialer{Protocols: []string{"soup"}}, "ws://"+s.addr+"/?wait")
	}()
	conn := o.seesKind(abi.Connect).Conn
	for i, b := range waitingCommands() {
		b.Token, b.Conn = uint64(i+1), conn
		c.command(b.command)
		o.fault(b, conn)
	}
	c.command(command{abi.Record{Kind: abi.Accept, Conn: conn}, field(":protocol", "soup") + field("set-cookie", "a=1") + field("set-cookie", "b=2")})
	await(t, waiting, "accept").echoes(ws.OpText, []byte("open at last"))
}

// TestFaultsAfterClose has a second close, and a message behind it, refused.
func TestFaultsAfterClose(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	conn := o.seesKind(abi.Connect).Conn
	late := []badCommand{
		{"message after close", command{abi.Record{Kind: abi.Message, Token: 1}, "x"}, abi.Closed},
		{"second close", command{abi.Record{Kind: abi.Close, Code: 4001, Token: 2}, ""}, abi.Closed},
		{"accept after close", command{abi.Record{Kind: abi.Accept, Token: 3}, ""}, abi.Closed},
	}
	c.command(command{abi.Record{Kind: abi.Close, Code: 4000}, "first"}, late[0].command, late[1].command, late[2].command)
	for _, b := range late {
		o.fault(b, conn)
	}
	c.expectClose(4000, "first")
	o.seesKind(abi.Close)

	// The handle is stale now: everything is closed, and it stays so when another
	// connection has the slot.
	other := s.dial(t, "/")
	fresh := o.seesKind(abi.Connect).Conn
	if fresh == conn {
		t.Fatalf("handle %x was given twice", conn)
	}
	for _, kind := range []abi.Kind{abi.Message, abi.Close, abi.Subscribe, abi.Unsubscribe, abi.Attach, abi.Accept, abi.Reject} {
		b := badCommand{"stale", command{abi.Record{Kind: kind, Conn: conn, Code: 1000, Token: 9}, "x"}, abi.Closed}
		other.command(b.command)
		o.fault(b, fresh)
	}
	other.echoes(ws.OpText, []byte("untouched"))
}

// TestNoFaults: what is harmless makes no fault.
func TestNoFaults(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	conn := o.seesKind(abi.Connect).Conn
	c.command(
		command{record(abi.Ready), ""},
		command{abi.Record{Kind: abi.Fault, Conn: 12345, Code: 3}, ""},
		command{record(abi.Subscribe), "topic"},
		command{record(abi.Subscribe), "topic"},
		command{abi.Record{Kind: abi.Publish, Conn: 12345, Code: 5}, "empty"},
		command{record(abi.Attach), "left"},
		command{record(abi.Attach), ""},
		command{record(abi.Unsubscribe), "topic"},
		command{abi.Record{Kind: abi.Unsubscribe, Token: 5}, "topic"}, // the one fault
	)
	o.fault(badCommand{"marker", command{abi.Record{Kind: abi.Unsubscribe, Token: 5}, ""}, abi.NotFound}, conn)
}

// TestTooBig: what a guest sends is bounded, whatever its memory holds.
func TestTooBig(t *testing.T) {
	const most = 5000
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet"), Limits: runtime.Limits{MessageBytes: 300, SendBytes: most}}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	conn := o.seesKind(abi.Connect).Conn
	for _, b := range []badCommand{
		{"message", command{abi.Record{Kind: abi.Message, Len: most + 1, Token: 1}, ""}, abi.TooBig},
		{"publication", command{abi.Record{Kind: abi.Publish, Code: 8, Len: most + 1 + 8, Token: 2}, ""}, abi.TooBig},
	} {
		c.command(b.command)
		o.fault(b, conn)
	}
	c.command(command{abi.Record{Kind: abi.Message, Len: most}, ""})
	if _, got := c.receive(); len(got) != most {
		t.Errorf("received %d bytes, want %d", len(got), most)
	}
}

// TestTooManyTopics: a connection's subscriptions are bounded.
func TestTooManyTopics(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Module: readGuest(t, "puppet")}, 1)
	o := s.observe(t, "/")
	c := s.dial(t, "/")
	conn := o.seesKind(abi.Connect).Conn
	const most = 256
	var commands []command
	for i := range most {
		commands = append(commands, command{record(abi.Subscribe), "topic " + itoa(i)})
	}
	over := badCommand{"one more", command{abi.Record{Kind: abi.Subscribe, Token: 1}, "one more"}, abi.Busy}
	again := command{record(abi.Subscribe), "topic 0"}
	c.command(append(commands, over.command, again)...)
	o.fault(over, conn)
	c.command(command{record(abi.Unsubscribe), "topic 7"}, over.command, over.command, command{abi.Record{Kind: abi.Subscribe, Token: 2}, "two more"})
	o.fault(badCommand{"two more", command{abi.Record{Kind: abi.Subscribe, Token: 2}, ""}, abi.Busy}, conn)
}

// TestFaultFlood: a guest that causes refusals faster than it takes them is ended
// like one that traps, and not the host by its memory.
func TestFaultFlood(t *testing.T) {
	for _, name := range []string{"puppet", "puppet-small"} {
		t.Run(name, func(t *testing.T) {
			s := serveOne(t, runtime.Tenant{Module: readGuest(t, name), Limits: runtime.Limits{EventFuel: 1 << 30, TurnFuel: 1 << 30}}, 1)
			c := s.dial(t, "/")
			c.command(command{Record: abi.Record{Kind: puppetRepeat, Code: 1 << 17}}, command{Record: record(99)})
			c.expectClose(1011, "handler failed")
			s.dial(t, "/").echoes(ws.OpText, []byte("a fresh one"))
			if n := s.logged("reason=fault_flood"); n != 1 {
				t.Errorf("the flood was logged %d times, want once", n)
			}
		})
	}
}

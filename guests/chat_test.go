package guests

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// fields encodes name, value, name, value ...
func fields(pairs ...string) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = abi.AppendField(b, pairs[i], pairs[i+1])
	}
	return string(b)
}

func connect(conn uint64, pairs ...string) event {
	return event{Record: abi.Record{Kind: abi.Connect, Conn: conn}, payload: fields(pairs...)}
}

func text(conn uint64, s string) event {
	return event{Record: abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: conn}, payload: s}
}

func closed(conn uint64) event {
	return event{Record: abi.Record{Kind: abi.Close, Flags: abi.Opened | abi.ByPeer, Code: 1001, Conn: conn}}
}

// summary writes a command as a test reads best: publishes as topic and line.
func summary(c command) string {
	switch c.Kind {
	case abi.Accept:
		return fmt.Sprint("accept ", c.Conn)
	case abi.Reject:
		return fmt.Sprint("reject ", c.Conn, " ", c.Code)
	case abi.Message:
		return fmt.Sprint("send ", c.Conn, " ", c.text)
	case abi.Close:
		return fmt.Sprint("close ", c.Conn, " ", c.Code, " ", c.text)
	case abi.Subscribe:
		return fmt.Sprint("subscribe ", c.Conn, " ", c.text)
	case abi.Attach:
		return fmt.Sprint("attach ", c.Conn, " ", c.text)
	case abi.Publish:
		return c.text[:c.Code] + "< " + c.text[c.Code:]
	}
	return c.String()
}

func summaries(commands []command) string {
	var lines []string
	for _, c := range commands {
		lines = append(lines, summary(c))
	}
	return strings.Join(lines, "\n")
}

func TestChat(t *testing.T) {
	enter := connect(7, ":param.room", "blue")
	for _, tc := range []struct {
		name   string
		events []event
		want   []string // after what enter gives, when it is the first event
	}{
		{"route's parameter", []event{connect(1, ":query", "room=red", ":param.room", "blue")},
			[]string{"accept 1", "subscribe 1 blue", "attach 1 guest-1", "blue< * guest-1 joined"}},
		{"query", []event{connect(1, ":query", "a=b&room=red&c")},
			[]string{"accept 1", "subscribe 1 red", "attach 1 guest-1", "red< * guest-1 joined"}},
		{"lobby", []event{connect(1, ":query", "broom=red")},
			[]string{"accept 1", "subscribe 1 lobby", "attach 1 guest-1", "lobby< * guest-1 joined"}},
		{"empty room", []event{connect(1, ":query", "room=")}, []string{"reject 1 400"}},
		{"illegal room", []event{connect(1, ":param.room", "a/b")}, []string{"reject 1 400"}},
		{"long room", []event{connect(1, ":param.room", strings.Repeat("a", 49))}, []string{"reject 1 400"}},
		{"two guests", []event{enter, connect(8)},
			[]string{"accept 8", "subscribe 8 lobby", "attach 8 guest-2", "lobby< * guest-2 joined"}},
		{"message", []event{enter, text(7, "hi")}, []string{"blue< guest-1: hi"}},
		{"empty message", []event{enter, text(7, "")}, nil},
		{"longest message", []event{enter, text(7, strings.Repeat("x", 16384))}, []string{"blue< guest-1: " + strings.Repeat("x", 16384)}},
		{"long message", []event{enter, text(7, strings.Repeat("x", 16385))}, []string{"send 7 * too long"}},
		{"binary", []event{enter, {Record: abi.Record{Kind: abi.Message, Conn: 7}, payload: "x"}}, []string{"close 7 1003 text only"}},
		{"nick", []event{enter, text(7, "/nick Zoë"), text(7, "hi")},
			[]string{"attach 7 Zoë", "blue< * guest-1 is now Zoë", "blue< Zoë: hi"}},
		{"nick with a space", []event{enter, text(7, "/nick a b")}, []string{"send 7 * not a name"}},
		{"nick with a colon", []event{enter, text(7, "/nick a:")}, []string{"send 7 * not a name"}},
		{"long nick", []event{enter, text(7, "/nick "+strings.Repeat("a", 25))}, []string{"send 7 * not a name"}},
		{"leave", []event{enter, closed(7)}, []string{"blue< * guest-1 left"}},
		{"refused by the host", []event{enter, {Record: abi.Record{Kind: abi.Close, Conn: 7}}}, nil},
		{"close twice", []event{enter, closed(7), closed(7)}, []string{"blue< * guest-1 left"}},
		{"message of a stranger", []event{text(9, "hi")}, nil},
		{"close of a stranger", []event{closed(9)}, nil},
		{"resume", []event{
			{Record: abi.Record{Kind: abi.Resume, Conn: 5}, payload: fields(":param.room", "blue", ":attachment", "Zoë")},
			text(5, "back"),
		}, []string{"blue< Zoë: back"}},
		{"resume without a name", []event{
			{Record: abi.Record{Kind: abi.Resume, Conn: 5}, payload: fields(":attachment", "a b")},
			text(5, "back"),
		}, []string{"attach 5 guest-1", "lobby< guest-1: back"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := boot(t, Chat())
			got := h.turn(tc.events...)
			if tc.events[0].Conn == 7 {
				got = got[4:] // accept, subscribe, attach, joined
			}
			if g, w := summaries(got), strings.Join(tc.want, "\n"); g != w {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}

// TestChatFull fills the table of members: the next one is turned away, and
// taken when somebody has left.
func TestChatFull(t *testing.T) {
	const members = 3072
	h := boot(t, Chat())
	for conn := uint64(1); conn <= members; conn++ {
		if got := h.turn(connect(conn << 32)); got[0].Kind != abi.Accept {
			t.Fatalf("connection %d: got %s", conn, summary(got[0]))
		}
	}
	if got := summaries(h.turn(connect(1))); got != "reject 1 503" {
		t.Fatalf("got %q", got)
	}
	for conn := uint64(1); conn <= members; conn += 2 {
		h.turn(closed(conn << 32))
	}
	for conn := uint64(2); conn <= members; conn += 2 { // still found, though others moved
		want := fmt.Sprintf("lobby< guest-%d: hi", conn)
		if got := summaries(h.turn(text(conn<<32, "hi"))); got != want {
			t.Fatalf("got %q; want %q", got, want)
		}
	}
	if got := h.turn(connect(1)); got[0].Kind != abi.Accept {
		t.Fatalf("got %s", summary(got[0]))
	}
}

// TestChatManyEvents has one turn stage more than the stage and the outbox hold.
func TestChatManyEvents(t *testing.T) {
	h := boot(t, Chat())
	h.turn(connect(7))
	events := make([]event, 4000)
	for i := range events {
		events[i] = text(7, fmt.Sprint("line ", i))
	}
	got := h.turn(events...)
	if len(got) != len(events) {
		t.Fatalf("%d messages, %d commands", len(events), len(got))
	}
	for i, c := range got {
		if want := fmt.Sprint("lobby< guest-1: line ", i); summary(c) != want {
			t.Fatalf("command %d: got %q; want %q", i, summary(c), want)
		}
	}
}

// TestChatNoise delivers what no host would: the guest must answer within its
// outbox and never trap, because turn fails the test if it does.
func TestChatNoise(t *testing.T) {
	h := boot(t, Chat())
	rng := rand.New(rand.NewPCG(1, 2))
	words := []string{"", ":param.room", "blue", "/nick ", "/nick x", ":query", "room=", "\xff", fields(":param.room", "blue")}
	for range 2000 {
		events := make([]event, rng.IntN(50))
		for i := range events {
			var b []byte
			for range rng.IntN(5) {
				b = append(b, words[rng.IntN(len(words))]...)
				b = binary.LittleEndian.AppendUint16(b, uint16(rng.Uint32()))
			}
			events[i].Record = abi.Record{Kind: abi.Kind(rng.IntN(20)), Flags: abi.Flags(rng.Uint32()), Code: rng.Uint32(), Conn: rng.Uint64N(64)}
			events[i].payload = string(b)
		}
		h.turn(events...)
	}
}

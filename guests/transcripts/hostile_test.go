package transcripts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

func connect(conn uint64, words ...string) event {
	payload, err := fields(words)
	if err != nil {
		panic(err) // the test's own mistake
	}
	return event{abi.Record{Kind: abi.Connect, Conn: conn}, payload}
}

func message(conn uint64, flags abi.Flags, text string) event {
	return event{abi.Record{Kind: abi.Message, Flags: flags, Conn: conn}, text}
}

// flood sends as many messages as fit in the inbox, in one turn: each is answered, in
// order, whatever the size of the outbox and of what the SDK stages in.
func flood(t *testing.T, h *host) {
	h.turn([]event{connect(1, ":route=/count"), connect(2, ":route=/room/{room}", ":param.room=r")})
	var events []event
	for room := h.instance.InboxRoom(); room > 200; room -= 200 {
		events = append(events, message(1, abi.Text, "x"), message(2, abi.Text, "all a line that is as long as a line is"))
	}
	h.turn(events)
	if h.trap != "" || len(h.said) != len(events) {
		t.Fatalf("%d events, %d commands; %s", len(events), len(h.said), h.trap)
	}
	for i := 0; i < len(events); i += 2 {
		if want := []string{"text", "1", fmt.Sprint(i/2 + 1)}; !slices.Equal(h.said[i], want) {
			t.Fatalf("command %d is %q", i, h.said[i])
		}
		if want := []string{"publish", "r", "text", "a line that is as long as a line is"}; !slices.Equal(h.said[i+1], want) {
			t.Fatalf("command %d is %q", i+1, h.said[i+1])
		}
	}
}

// churn has connections come, be busy, and go, of every sort there is: what they took is given
// back.
func churn(t *testing.T, h *host) {
	const rounds, crowd = 400, 100
	var settled uint32
	for round := range rounds {
		var come, busy, leave []event
		for i := range uint64(crowd) {
			conn := uint64(round)*crowd + i + 1
			route := []string{"/count", "/attach", "/timer", "/json", "/params/{id:int}", "/wait", "/text", "/nowhere"}[i%8]
			come = append(come, connect(conn, ":route="+route, ":query=n=1&tag=abc", ":param.id=1", "cookie=sid=abc", "x-long=0123456789012345678901234567890123456789"))
			text := map[string]string{"/json": `{"a":[1,2,{"b":"0123456789012345678901234567890123456789"}]}`, "/timer": "1000"}[route]
			busy = append(busy, message(conn, abi.Text, text), message(conn, abi.Text, "cancel"))
			leave = append(leave, event{abi.Record{Kind: abi.Close, Flags: abi.ByPeer | abi.Opened, Code: 1006, Conn: conn}, ""})
		}
		var rings []event
		for _, events := range [][]event{come, busy, leave} {
			h.turn(events)
			rings = append(rings, h.armed()...)
		}
		h.turn(rings)
		if h.trap != "" {
			t.Fatalf("round %d: %s", round, h.trap)
		}
		if round == rounds/2 {
			settled = h.memoryBytes()
		}
	}
	if grown := h.memoryBytes() - settled; grown > 1<<20 {
		t.Errorf("memory grew by %d bytes from %d, and nobody is there", grown, settled)
	}
}

// armed returns the timers that the turn has armed, as events. Those that it has
// cancelled are among them.
func (h *host) armed() (rings []event) {
	for _, words := range h.said {
		if words[0] == "timer" && words[2] != "0" {
			token, _ := strconv.ParseUint(words[1], 10, 64)
			rings = append(rings, event{abi.Record{Kind: abi.Timer, Token: token}, ""})
		}
	}
	return rings
}

// memoryBytes returns the size of the guest's memory.
func (h *host) memoryBytes() uint32 {
	low, high := uint32(0), uint32(1<<30)
	for high-low > 1 {
		middle := low + (high-low)/2
		if _, ok := h.instance.View(middle-1, 1); ok {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// noise sends what clients might, and what no host would, in any order: the guest
// says what it likes, about connections that there are, and never traps.
func noise(t *testing.T, h *host) {
	rng := rand.New(rand.NewPCG(5, 6))
	routes := []string{"/any", "/text", "/bytes", "/json", "/deny", "/refuse", "/protocol", "/early", "/params/{id:int}", "/own", "/request",
		"/room/{room}", "/timer", "/attach", "/count", "/fail", "/http", "/gone", "/policy", "/teapot", "/missing", "/wait", "/page", "/greet", "/nowhere", ""}
	texts := []string{"", "close", "twice", "fail", "policy", "http", "late", "long", "code", "teapot", "leave", "all x", "others x", "bytes x", "5", "cancel", "?",
		"{}", `{"bad":1}`, `[[[[`, `"\ud83d"`, `"\u0000"`, "1e999", "-", "\xff\xfe", "é", "\x00", `{"a":{"a":{"a":[]}}}`, "12345678901234567890", "0"}
	queries := []string{"", "n=1", "n=%", "&&==&", "n=%ff%00", "n=1&f=1e400&b=&u=&color=", "q=+++&tag=%e4", "n=99999999999999999999"}
	kinds := []abi.Kind{abi.Start, abi.Connect, abi.Connect, abi.Connect, abi.Message, abi.Message, abi.Message, abi.Message, abi.Message, abi.Message,
		abi.Close, abi.Writable, abi.Timer, abi.Resume, abi.Fault, abi.Request, abi.Stop, abi.Reply, 99}
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	for range 1500 {
		events := make([]event, rng.IntN(20))
		for i := range events {
			e := event{Record: abi.Record{
				Kind: kinds[rng.IntN(len(kinds))], Flags: abi.Flags(rng.Uint32()), Code: rng.Uint32() % 6000,
				Conn: 1 + rng.Uint64N(50), Token: rng.Uint64N(2000),
			}}
			switch e.Kind {
			case abi.Start, abi.Connect, abi.Resume, abi.Request:
				e.payload = connect(0, ":method="+pick([]string{"GET", "POST", ""}), ":path=/", ":query="+pick(queries), ":protocols="+pick([]string{"chat.v2", ",,", "a, chat.v2"}),
					":route="+pick(routes), ":param.id="+pick([]string{"", "7", "x"}), ":param.room="+pick([]string{"", "r", "é"}), ":attachment="+pick(texts), ":body="+pick(texts),
					"cookie="+pick([]string{"sid=1", ";;=;a", "a", "sid=\xff"}), "x-one="+pick(texts), "x-token=\xc3").payload
			case abi.Message:
				e.payload = pick(texts)
			case abi.Close:
				e.payload = pick(texts)
			}
			events[i] = e
		}
		h.turn(events)
		if h.trap != "" {
			t.Fatalf("%s\nof %+v", h.trap, events)
		}
	}
}

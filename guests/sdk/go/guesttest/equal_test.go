package guesttest_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/guests/sdk/go/guesttest"
	"github.com/seed-c6589352/wherry/runtime"
)

// What the kit shows is what a server does: each script of this file is played on the
// kit and on a server with sockets, and what it notes is compared.

// A side is a server to play a script on.
type side interface {
	dial(target string, more ...guesttest.Option) (end, string) // "open PROTOCOL HEADER", or the refusal
	ask(method, target, body string) string
	reload(module []byte) error
	stop()
	guestLines() []string // of the log; after stop
}

// An end is a client on one of the sides.
type end interface {
	text(string)
	bytes([]byte)
	close(code int, reason string)
	abort()
	next() string // the next message, or the end; waits for it on a server with sockets
}

// A script plays what a test is about and notes what it sees.
type script func(s side, note func(string))

// play connects and notes what came of it.
func play(s side, note func(string), target string, more ...guesttest.Option) end {
	e, outcome := s.dial(target, more...)
	note(target + ": " + outcome)
	return e
}

func header(name, value string) guesttest.Option { return guesttest.Header(name, value) }

// ended is what a connection's end looks like.
func ended(code int, reason string, clean bool) string {
	return fmt.Sprintf("closed %d %q clean=%v", code, reason, clean)
}

func message(text bool, data []byte) string {
	kind := "bytes"
	if text {
		kind = "text"
	}
	if len(data) > 100 {
		return fmt.Sprintf("%s of %d, ends in %.20x", kind, len(data), data[len(data)-10:])
	}
	return fmt.Sprintf("%s %q", kind, data)
}

func refusal(status int, h http.Header, body []byte) string {
	h = h.Clone()
	h.Del("Date")
	var fields []string
	for name, values := range h {
		fields = append(fields, name+"="+strings.Join(values, "|"))
	}
	slices.Sort(fields)
	return fmt.Sprintf("%d %q %s", status, body, strings.Join(fields, " "))
}

// recorded is the configuration of a recorder: rules by route.
func recorded(rules map[string]string) runtime.Config {
	c := runtime.Config{Tenants: []runtime.Tenant{{Name: "test", Module: guests.Recorder(), Config: rules}}}
	for pattern := range rules {
		c.Routes = append(c.Routes, runtime.Route{Pattern: pattern, Tenant: "test"})
	}
	return c
}

func served(module []byte, patterns ...string) runtime.Config {
	c := runtime.Config{Tenants: []runtime.Tenant{{Name: "test", Module: module}}}
	for _, pattern := range patterns {
		c.Routes = append(c.Routes, runtime.Route{Pattern: pattern, Tenant: "test"})
	}
	return c
}

func puppet(t *testing.T, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile("../../../../runtime/testdata/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// situations are what is played.
func situations(t *testing.T) []struct {
	name   string
	config runtime.Config
	script script
} {
	limited := served(guests.Echo(), "/ws")
	limited.Tenants[0].Limits.MessageBytes = 1000
	guarded := served(guests.Echo(), "/ws", "/off", "/open")
	guarded.Routes[0].Origins = []string{"https://here.example"}
	guarded.Routes[1].Disabled = true
	full := served(guests.Echo(), "/ws")
	full.Tenants[0].Limits.Conns = 1
	return []struct {
		name   string
		config runtime.Config
		script script
	}{
		{"messages", served(guests.Echo(), "/ws"), func(s side, note func(string)) {
			c := play(s, note, "/ws")
			for _, text := range []string{"", "hello", "Grüße", strings.Repeat("x", 126), strings.Repeat("y", 70_000)} {
				c.text(text)
				note(c.next())
				c.bytes([]byte(text))
				note(c.next())
			}
			c.bytes(make([]byte, 1<<20))
			note(c.next())
			c.close(1000, "that was all")
			note(c.next())
		}},
		{"text that is no text", served(guests.Echo(), "/ws"), func(s side, note func(string)) {
			c := play(s, note, "/ws")
			c.text("a\xff")
			note(c.next())
		}},
		{"too large", limited, func(s side, note func(string)) {
			c := play(s, note, "/ws")
			c.bytes(make([]byte, 1000))
			note(c.next())
			c.bytes(make([]byte, 1001))
			note(c.next())
		}},
		{"closed by the client", served(guests.Echo(), "/ws"), func(s side, note func(string)) {
			for _, code := range []int{1000, 1001, 1005, 1012, 3000, 4999, 1004, 1006, 2999, 5000} {
				c := play(s, note, "/ws")
				c.close(code, "")
				note(c.next())
			}
		}},
		{"refused by the server", guarded, func(s side, note func(string)) {
			play(s, note, "/nowhere")
			play(s, note, "/off")
			play(s, note, "/ws", header("Origin", "https://there.example"))
			play(s, note, "/ws", header("Origin", "https://here.example"))
			play(s, note, "/open", header("Sec-WebSocket-Version", "12"))
			play(s, note, "/open", header("Sec-WebSocket-Key", "short"))
		}},
		{"one too many", full, func(s side, note func(string)) {
			c := play(s, note, "/ws")
			play(s, note, "/ws")
			c.close(1000, "")
			note(c.next())
		}},
		{"plain HTTP", guarded, func(s side, note func(string)) {
			note(s.ask("GET", "/open", ""))
			note(s.ask("POST", "/open", "body"))
			note(s.ask("GET", "/nowhere", ""))
			note(s.ask("HEAD", "/off", ""))
		}},
		{"HTTP by the guest", recorded(map[string]string{
			"/{name}": "request: respond 200 content-type=text/plain x-one=1 :body=$name\nconnect: accept",
			"/empty":  "request: respond 204 :body=none",
			"/far":    "request: respond 404 :body=far",
		}), func(s side, note func(string)) {
			note(s.ask("GET", "/alice?x=1", ""))
			note(s.ask("POST", "/bob", strings.Repeat("b", 60_000)))
			note(s.ask("POST", "/bob", strings.Repeat("b", 70_000)))
			note(s.ask("DELETE", "/far", ""))
			note(s.ask("GET", "/empty", ""))
		}},
		{"refused by the guest", recorded(map[string]string{
			"/reject": "connect: reject 401 www-authenticate=Basic :body=who",
			"/close":  "connect: close 4003 not you",
			"/cookie": "connect lacks cookie: close 1008 no cookie\nconnect has cookie: accept x-a=1 set-cookie=a=b",
		}), func(s side, note func(string)) {
			play(s, note, "/reject")
			play(s, note, "/close")
			play(s, note, "/cookie")
			play(s, note, "/cookie", guesttest.Cookie("a", "1"), guesttest.Cookie("b", "2"))
		}},
		{"subprotocols", recorded(map[string]string{"/": "connect: pick chat.v2 chat.v1"}), func(s side, note func(string)) {
			play(s, note, "/", guesttest.Subprotocols("chat.v1", "chat.v2"))
			play(s, note, "/", guesttest.Subprotocols("other"))
		}},
		{"closed by the guest", recorded(map[string]string{
			"/": "connect: accept\ntext: send before; close 4000 bye; send after",
		}), func(s side, note func(string)) {
			c := play(s, note, "/")
			c.text("x")
			note(c.next())
			note(c.next())
		}},
		{"what the guest sees", recorded(map[string]string{
			"/{room:int}": "connect: accept; join r\ntext: publish r\nclose: send late",
			"/watch":      "watch w",
		}), func(s side, note func(string)) {
			w := play(s, note, "/watch")
			c := play(s, note, "/17?id=w", header("X-Test", "1"), guesttest.Subprotocols("a", "b"))
			d := play(s, note, "/18?id=w")
			c.text("to all")
			note(c.next())
			note(d.next())
			c.close(3001, "c leaves")
			note(c.next())
			note(w.next() + w.next() + w.next() + w.next())
			d.abort()
			for range 2 {
				note(w.next())
			}
		}},
		{"a trap", recorded(map[string]string{
			"/": "connect: accept\ntext: send going; trap",
		}), func(s side, note func(string)) {
			c := play(s, note, "/")
			c.text("x")
			note(c.next())
			note(c.next())
			d := play(s, note, "/")
			d.bytes([]byte("still there?"))
			d.close(1000, "")
			note(d.next())
		}},
		{"another module, with resume", served(guests.Chat(), "/chat"), func(s side, note func(string)) {
			c := play(s, note, "/chat")
			note(c.next())
			c.text("/nick ada")
			note(c.next())
			note(fmt.Sprint(s.reload(guests.Chat())))
			c.text("hello")
			note(c.next())
			note(fmt.Sprint(s.reload([]byte("no module")) != nil))
			c.text("again")
			note(c.next())
		}},
		{"another module, without resume", served(guests.Echo(), "/ws"), func(s side, note func(string)) {
			c := play(s, note, "/ws")
			note(fmt.Sprint(s.reload(guests.EchoWAT())))
			note(c.next())
			d := play(s, note, "/ws")
			note(fmt.Sprint(s.reload(puppet(t, "puppet"))))
			note(d.next())
		}},
		{"shutdown", served(puppet(t, "puppet-eager"), "/"), func(s side, note func(string)) {
			c := play(s, note, "/")
			c.text("x")
			note(c.next())
			s.stop()
			note(c.next())
		}},
	}
}

func TestAsOnAServer(t *testing.T) {
	for _, tc := range situations(t) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var notes [2][]string
			for i, s := range []side{newKitSide(t, tc.config), newSocketSide(t, tc.config)} {
				note := func(line string) { notes[i] = append(notes[i], withoutPeers(line)) }
				tc.script(s, note)
				s.stop()
				lines := s.guestLines()
				slices.Sort(lines) // in which order clients take their leave is theirs
				for _, line := range lines {
					note("log " + line)
				}
			}
			for i := range max(len(notes[0]), len(notes[1])) {
				kit, server := "nothing", "nothing"
				if i < len(notes[0]) {
					kit = notes[0][i]
				}
				if i < len(notes[1]) {
					server = notes[1][i]
				}
				if kit != server {
					t.Errorf("note %d:\n   kit %s\nserver %s", i, kit, server)
				}
			}
			if len(notes[0]) == 0 {
				t.Error("nothing was noted")
			}
			t.Logf("%d notes", len(notes[0]))
		})
	}
}

// withoutPeers replaces what is different between any two runs: ports.
func withoutPeers(line string) string {
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(line, "PEER")
}

package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// chatHandler does what the first word of a text says, with the rest of it:
// "join T", "leave T", "say T ...", "others T ..." publish to a topic. What is
// refused is answered with the error, and "join" and "leave" with "ok".
var chatHandler = nativeHandler{message: func(c runtime.Conn, text bool, payload []byte) {
	verb, rest, _ := strings.Cut(string(payload), " ")
	topic, line, _ := strings.Cut(rest, " ")
	var err error
	switch verb {
	case "join":
		if err = c.Subscribe(topic); err == nil {
			c.Send(true, []byte("ok"))
		}
	case "leave":
		if err = c.Unsubscribe(topic); err == nil {
			c.Send(true, []byte("ok"))
		}
	case "say":
		err = c.Publish(topic, text, []byte(line))
	case "others":
		err = c.PublishExcept(topic, text, []byte(line))
	case "echo":
		err = c.Send(text, []byte(rest))
	}
	if err != nil {
		c.Send(true, []byte(err.Error()))
	}
}}

// serveChat has native chat handlers on every one of loops.
func serveChat(t testing.TB, loops int, limits runtime.Limits) *testServer {
	return serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "chat", Handler: chatHandler.handle, Limits: limits}, {Name: "other", Handler: chatHandler.handle}},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "chat", Placement: runtime.PerLoop}, {Pattern: "/other", Tenant: "other", Placement: runtime.PerLoop}},
		Loops:   loops,
	})
}

// join returns clients that are members of a topic, on every loop some.
func (s *testServer) join(t testing.TB, topic string, n int) []*client {
	t.Helper()
	var members []*client
	for range n {
		c := s.dial(t, "/")
		c.say("join " + topic)
		c.expect("ok")
		members = append(members, c)
	}
	return members
}

// TestTopics: publications reach every member on every loop, and nobody else.
func TestTopics(t *testing.T) {
	for _, loops := range []int{1, 4} {
		t.Run(fmt.Sprint(loops), func(t *testing.T) {
			s := serveChat(t, loops, runtime.Limits{})
			members := s.join(t, "a", 12)
			stranger, elsewhere := s.dial(t, "/other"), s.join(t, "b", 1)[0]
			stranger.say("join a")
			stranger.expect("ok")
			for i, c := range members {
				c.say("say a from " + itoa(i))
				for _, m := range members {
					m.expect("from " + itoa(i))
				}
				c.say("others a to others")
				for j, m := range members {
					if j != i {
						m.expect("to others")
					}
				}
			}
			members[0].say("leave a")
			members[0].expect("ok")
			members[0].say("leave a")
			members[0].expect(runtime.ErrNotFound.Error())
			members[0].say("say a one less")
			for _, m := range members[1:] {
				m.expect("one less")
			}
			for _, payload := range []string{"", "x", strings.Repeat("y", 200), strings.Repeat("z", 40<<10), strings.Repeat("w", 500_000)} {
				if err := s.Publish("chat", "a", true, []byte(payload)); err != nil {
					t.Fatal(err)
				}
				for _, m := range members[1:] {
					m.expect(payload)
				}
			}
			for _, c := range []*client{members[0], stranger, elsewhere} {
				c.say("echo nothing else")
				c.expect("nothing else")
			}
		})
	}
}

// TestPublishErrors: what the server's own Publish refuses.
func TestPublishErrors(t *testing.T) {
	s := serveChat(t, 2, runtime.Limits{})
	for _, tc := range []struct {
		tenant, topic, payload string
		want                   error
	}{
		{"nobody", "a", "", runtime.ErrNotFound},
		{"chat", "", "", runtime.ErrInvalid},
		{"chat", strings.Repeat("x", abi.MaxTopic+1), "", runtime.ErrTooBig},
		{"chat", "a", "\xff", runtime.ErrInvalid},
		{"chat", "nobody is there", "hello", nil},
	} {
		if err := s.Publish(tc.tenant, tc.topic, true, []byte(tc.payload)); !errors.Is(err, tc.want) {
			t.Errorf("Publish(%q, %.20q, %q): %v, want %v", tc.tenant, tc.topic, tc.payload, err, tc.want)
		}
	}
}

// TestMemberVanishes: a member whose socket breaks while it is published to is
// no reason for the others to miss anything.
func TestMemberVanishes(t *testing.T) {
	s := serveChat(t, 2, runtime.Limits{})
	members := s.join(t, "a", 16)
	for i, c := range members[:15] {
		c.Close()
		line := strings.Repeat(itoa(i), 20_000) // larger than what is gathered
		members[15].say("say a " + line)
		for _, m := range members[i+1:] {
			m.expect(line)
		}
	}
}

// TestSlowMember: a member that takes nothing is closed with 1008; the others get
// everything.
func TestSlowMember(t *testing.T) {
	// Below what is shared and above. The kernel takes a few MiB for each.
	for _, bytesEach := range []int{12_000, 60_000} {
		t.Run(fmt.Sprint(bytesEach), func(t *testing.T) {
			s := serveChat(t, 2, runtime.Limits{SendBytes: 64 << 10})
			slow := s.join(t, "a", 2)
			quick := s.join(t, "a", 4)
			line := strings.Repeat("x", bytesEach)
			for sent := 0; sent < 16<<20; sent += bytesEach {
				quick[0].say("say a " + line)
				for _, c := range quick {
					c.expect(line)
				}
			}
			for _, c := range slow {
				for {
					f, err := ws.ReadFrame(c)
					if err != nil {
						t.Fatal(err)
					}
					if f.Header.OpCode == ws.OpClose {
						if code, reason := ws.ParseCloseFrameData(f.Payload); code != 1008 || reason != "too slow: backlog over its limit" {
							t.Errorf("closed with %d %q", code, reason)
						}
						break
					}
					if !bytes.Equal(f.Payload, []byte(line)) {
						t.Fatalf("a gap or a mixture: %.60q", f.Payload)
					}
				}
			}
			quick[0].say("say a done")
			for _, c := range quick {
				c.expect("done")
			}
		})
	}
}

// TestChatGuest is the example guest, between clients in two rooms.
func TestChatGuest(t *testing.T) {
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "chat", Module: guests.Chat()}},
		Routes:  []runtime.Route{{Pattern: "/rooms/{room}", Tenant: "chat"}, {Pattern: "/", Tenant: "chat"}},
		Loops:   3,
	})
	one := s.dial(t, "/rooms/blue")
	one.expect("* guest-1 joined")
	two := s.dial(t, "/?room=blue")
	one.expect("* guest-2 joined")
	two.expect("* guest-2 joined")
	three := s.dial(t, "/")
	three.expect("* guest-3 joined")
	two.say("/nick zoë")
	for _, c := range []*client{one, two} {
		c.expect("* guest-2 is now zoë")
	}
	two.say("hello")
	for _, c := range []*client{one, two} {
		c.expect("zoë: hello")
	}
	two.closes(1000, "")
	one.expect("* zoë left")
	three.say("alone")
	three.expect("guest-3: alone")
	one.send(ws.OpBinary, []byte{1})
	one.expectClose(1003, "text only")
}

// TestPublishFlood: publications for a loop that is behind are bounded. The guest
// is told that it is busy, and the host does not keep what it is given without
// end.
func TestPublishFlood(t *testing.T) {
	g := newGate()
	h := nativeHandler{connect: func(c runtime.Conn, r *runtime.Request) {
		c.Accept("")
		c.Subscribe("a")
	}, message: func(c runtime.Conn, text bool, payload []byte) {
		if string(payload) == "hold" {
			g.entered <- struct{}{}
			<-g.open
			return
		}
		if !text {
			c.Send(text, payload)
			return
		}
		big := make([]byte, 1<<20)
		n := 0
		for c.Publish("elsewhere", false, big) == nil {
			n++
		}
		c.Send(true, []byte(itoa(n)))
	}}
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "test", Handler: h.handle}},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "test", Placement: runtime.PerLoop}},
		Loops:   2,
	})
	keeper := s.dial(t, "/")
	release := g.hold(t, keeper)
	c := s.dial(t, "/") // on the other loop: the one that is held accepts nobody
	c.say("flood")
	c.expect("64")
	release()
	keeper.echoes(ws.OpBinary, []byte("caught up"))
}

package examples

import (
	"net/url"
	"strings"
	"testing"
)

// TestSession: who has no session is refused before accept, by a policy whose code
// and reason the client cannot see and the log can; parameters have types.
func TestSession(t *testing.T) {
	const route = "/items/{item}/ws"
	each(t, "session", func(t *testing.T, g *guest) {
		s := g.serve(t, nil, route, "/strict/ws")
		wantResponse(t, s.refused("/items/foo/ws"), response(403, ""))
		wantResponse(t, s.refused("/items/foo/ws?q=x&token=t"), response(403,
			`{"detail":[{"type":"int_parsing","loc":["query","q"],"msg":"not an integer","input":"x"}]}`,
			"content-type: application/json"))
		saw := []string{
			route + ": HTTP 403, 1008 Session cookie or token missing, by guest",
			"WARN " + route + ": invalid parameters: query q int_parsing",
			route + ": HTTP 403, 1006 , by guest",
		}
		for _, tc := range []struct {
			target string
			cookie string
			want   []string
		}{
			{"/items/foo/ws", "session=abc", []string{"abc", "Message text was: yo, for item ID: foo"}},
			{"/items/foo/ws?token=t%2Fk&q=-7", "", []string{"t/k", "Query parameter q is: -7", "Message text was: yo, for item ID: foo"}},
			{"/items/a%20b/ws?token=t&q=0", "x=1; session=\"s\"", []string{`"s"`, "Query parameter q is: 0", "Message text was: yo, for item ID: a b"}},
		} {
			var fields []string
			if tc.cookie != "" {
				fields = []string{"Cookie", tc.cookie}
			}
			c := s.dial(tc.target, fields...)
			c.say("yo")
			c.hears("Session cookie or query token value is: " + tc.want[0])
			c.hears(tc.want[1:]...)
			c.leaves(1001, "")
			saw = append(saw, route+": HTTP 101, 1001 , by peer, clean")
		}

		// The guest's own words for what is not valid: all of them if they fit in the
		// 123 bytes of a reason, and otherwise what does, up to the end of a character.
		const front = `[{"type":"int_parsing","loc":["query","n"],"msg":"not an integer","input":"`
		for n, want := range map[string]string{
			"":                                      front + `"}]`,
			"1e3":                                   front + `1e3"}]`,
			strings.Repeat("x", 64):                 front + strings.Repeat("x", 123-len(front)),
			strings.Repeat("é", 32):                 front + strings.Repeat("é", (123-len(front))/2),
			"x" + strings.Repeat("é", 31):           front + "x" + strings.Repeat("é", (122-len(front))/2),
			strings.Repeat("x", 123-3-len(front)):   front + strings.Repeat("x", 123-3-len(front)) + `"}]`,
			strings.Repeat("x", 123-3-len(front)+1): front + strings.Repeat("x", 123-3-len(front)+1) + `"}`,
		} {
			c := s.dial("/strict/ws?n=" + url.QueryEscape(n))
			c.closed(1008, want)
			saw = append(saw, "/strict/ws: HTTP 101, 1008 "+want+", by guest, clean")
		}
		c := s.dial("/strict/ws")
		c.closed(1008, `[{"type":"missing","loc":["query","n"],"msg":"required"}]`)
		saw = append(saw, `/strict/ws: HTTP 101, 1008 [{"type":"missing","loc":["query","n"],"msg":"required"}], by guest, clean`)

		s.dial("/strict/ws?n=3").leaves(3000, "fine")
		saw = append(saw, "/strict/ws: HTTP 101, 3000 fine, by peer, clean")
		s.saw(saw...)
	})
}

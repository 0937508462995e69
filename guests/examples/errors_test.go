package examples

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// noJSON is what each language says of a value that has no JSON: its type, in the
// language's words.
var noJSON = map[string]string{"go": "cannot encode *main.Vault", "assemblyscript": "cannot encode Token"}

// TestErrors: an HTTP error is a response as long as there is HTTP, and 1011 on a
// WebSocket; a policy is a close code. Of anything else the log has the text, and
// the client has not, unless the tenant is being debugged.
func TestErrors(t *testing.T) {
	each(t, "errors", func(t *testing.T, g *guest) {
		t.Run("production", func(t *testing.T) { testErrors(t, g, nil) })
		t.Run("debug", func(t *testing.T) { testErrors(t, g, map[string]string{"debug": "1"}) })
	})
}

func testErrors(t *testing.T, g *guest, config map[string]string) {
	s := g.serve(t, config, "/before", "/after", "/policy", "/crash", "/json")
	var saw []string
	saw = append(saw, responses(t, s, config != nil)...)
	for _, tc := range []struct {
		target  string
		message string
		code    ws.StatusCode // that the connection closes with
		reason  string        // in production, and what is always seen
		text    string        // of what was not expected: logged, and the reason when debugging
	}{
		{"/after", "x", 1011, "internal error", "http 401: Unauthorized"},
		{"/policy", "x", 4003, "forbidden", ""},
		{"/policy", "typed", 3003, "typed", ""},
		{"/crash?token=s3cret", "x", 1011, "internal error", "token s3cret is broken"},
		{"/crash?token=" + strings.Repeat("%C3%A9", 60), "x", 1011, "internal error", "token " + strings.Repeat("é", 60) + " is broken"},
		{"/json", `{"a":[1]}`, 1011, "internal error", noJSON[g.language]},
		{"/json", `{"a":`, 1003, "malformed json", ""},
	} {
		route, _, _ := strings.Cut(tc.target, "?")
		reason := tc.reason
		if tc.text != "" {
			saw = append(saw, "ERROR "+route+" on_receive: "+tc.text)
			if config != nil {
				reason = tc.text[:min(len(tc.text), 122)] // é at the boundary: 6 and 2n bytes
			}
		}
		c := s.dial(tc.target)
		c.say(tc.message)
		c.closed(tc.code, reason)
		saw = append(saw, route+": HTTP 101, "+strconv.Itoa(int(tc.code))+" "+reason+", by guest, clean")
	}
	s.saw(saw...)
}

// responses tests handshakes that fail, and returns what the log has of it.
func responses(t *testing.T, s *server, debug bool) []string {
	wantResponse(t, s.refused("/before"), response(401, `{"detail":"before"}`, "content-type: application/json", "x-h: 1"))
	wantResponse(t, s.refused("/before?status=418"), response(418, `{"detail":"before"}`, "content-type: application/json", "x-h: 1"))
	const problem = "/before on_connect: deny: status 99 is not from 200 to 599"
	failed := response(500, `{"detail":"Internal Server Error"}`, "content-type: application/json")
	if debug {
		failed = response(500, problem+"\n", "content-type: text/plain; charset=utf-8")
	}
	wantResponse(t, s.refused("/before?status=99"), failed)
	wantResponse(t, s.refused("/before?status=x"), response(403,
		`{"detail":[{"type":"int_parsing","loc":["query","status"],"msg":"not an integer","input":"x"}]}`,
		"content-type: application/json"))
	wantResponse(t, s.refused("/crash"), response(403,
		`{"detail":[{"type":"missing","loc":["query","token"],"msg":"required"}]}`, "content-type: application/json"))
	return []string{
		"/before: HTTP 401, 1006 , by guest",
		"/before: HTTP 418, 1006 , by guest",
		"ERROR " + problem, "/before: HTTP 500, 1006 , by guest",
		"WARN /before: invalid parameters: query status int_parsing", "/before: HTTP 403, 1006 , by guest",
		"WARN /crash: invalid parameters: query token missing", "/crash: HTTP 403, 1006 , by guest",
	}
}

package examples

import "testing"

// TestPlain: who tries a WebSocket where none is served is told so, and so is the
// log.
func TestPlain(t *testing.T) {
	each(t, "plain", func(t *testing.T, g *guest) {
		s := g.serve(t, nil, "/")
		wantResponse(t, s.fetch("GET", "/"), response(200, "<h1>Just a page</h1>", "content-type: text/html; charset=utf-8"))
		wantResponse(t, s.refused("/"), response(404, "no WebSocket is served here", "content-type: text/plain; charset=utf-8"))
		wantResponse(t, s.fetch("DELETE", "/"),
			response(405, `{"detail":"Method Not Allowed"}`, "allow: GET", "content-type: application/json"))
		s.saw("WARN WebSocket refused at /: no WebSocket is served here", "/: HTTP 404, 1006 , by guest")
	})
}

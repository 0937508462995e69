package examples

import "testing"

// TestDoorman: a close code before accept is a 403 on the wire, and the number that
// on disconnect sees, once. The page beside it is not in its way.
func TestDoorman(t *testing.T) {
	each(t, "doorman", func(t *testing.T, g *guest) {
		s := g.serve(t, nil, "/ws", "/")
		page := response(200, "<h1>Nobody gets in here</h1>", "content-type: text/html; charset=utf-8")
		wantResponse(t, s.fetch("GET", "/"), page)
		wantResponse(t, s.refused("/ws"), response(403, ""))
		wantResponse(t, s.fetch("GET", "/"), page)
		wantResponse(t, s.fetch("POST", "/"),
			response(405, `{"detail":"Method Not Allowed"}`, "allow: GET", "content-type: application/json"))
		s.saw("/ws: HTTP 403, 1000 , by guest", "INFO on_disconnect 1000")
	})
}

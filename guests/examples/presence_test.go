package examples

import (
	"slices"
	"strings"
	"testing"
)

// TestPresence: everybody in a room is told who is there, in the order of arrival, as
// people come, go and vanish; a room that is full refuses, until somebody leaves.
func TestPresence(t *testing.T) {
	each(t, "presence", func(t *testing.T, g *guest) {
		t.Run("people", func(t *testing.T) { testPeople(t, g) })
		t.Run("crowd", func(t *testing.T) { testCrowd(t, g) })
	})
}

// testPeople has a few people in two rooms, which know nothing of each other.
func testPeople(t *testing.T, g *guest) {
	const route = "/rooms/{room}"
	s := g.serve(t, nil, route)
	long, query := strings.Repeat("é", 16), strings.Repeat("%C3%A9", 16)
	for _, name := range []string{"", "?name=", "?name=x" + query} {
		wantResponse(t, s.refused("/rooms/r"+name), response(403, ""))
	}
	ann := s.dial("/rooms/r?name=ann")
	ann.hears(`{"event":"join","name":"ann","here":["ann"]}`)
	elsewhere := s.dial("/rooms/other?name=ann")
	elsewhere.hears(`{"event":"join","name":"ann","here":["ann"]}`)
	bob := s.dial("/rooms/r?name=" + query)
	bob.hears(`{"event":"join","name":"` + long + `","here":["ann","` + long + `"]}`)
	ann.hears(`{"event":"join","name":"` + long + `","here":["ann","` + long + `"]}`)
	second := s.dial("/rooms/r?name=%22ann%22")
	for _, c := range []*client{ann, bob, second} {
		c.hears(`{"event":"join","name":"\"ann\"","here":["ann","` + long + `","\"ann\""]}`)
	}

	bob.vanishes()
	for _, c := range []*client{ann, second} {
		c.hears(`{"event":"leave","name":"` + long + `","here":["ann","\"ann\""]}`)
	}
	ann.leaves(1000, "")
	second.hears(`{"event":"leave","name":"ann","here":["\"ann\""]}`)
	second.leaves(1001, "")
	ann = s.dial("/rooms/r?name=ann")
	ann.hears(`{"event":"join","name":"ann","here":["ann"]}`)
	ann.leaves(1000, "")
	elsewhere.leaves(1000, "bye") // has heard nothing of all that

	const refused = route + ": HTTP 403, 1008 bad name, by guest"
	s.saw(refused, refused, refused,
		route+": HTTP 101, 1006 , by peer",
		route+": HTTP 101, 1000 , by peer, clean",
		route+": HTTP 101, 1001 , by peer, clean",
		route+": HTTP 101, 1000 , by peer, clean",
		route+": HTTP 101, 1000 bye, by peer, clean",
	)
}

// testCrowd fills a room.
func testCrowd(t *testing.T, g *guest) {
	const route = "/rooms/{room}"
	s := g.serve(t, nil, route)
	var crowd []*client
	for range 100 {
		crowd = append(crowd, s.dial("/rooms/r?name=x"))
	}
	wantResponse(t, s.refused("/rooms/r?name=y"), response(403, ""))
	s.dial("/rooms/other?name=y").hears(`{"event":"join","name":"y","here":["y"]}`)
	crowd[99].hears(`{"event":"join","name":"x","here":["x"` + strings.Repeat(`,"x"`, 99) + `]}`)
	crowd[99].leaves(1000, "")
	s.dial("/rooms/r?name=y").hears(`{"event":"join","name":"y","here":["x"` + strings.Repeat(`,"x"`, 98) + `,"y"]}`)
	s.stop()
	const full = route + ": HTTP 403, 1013 room is full, by guest"
	if lines := s.log.all(); !slices.Contains(lines, full) {
		t.Errorf("the log has %q, and not %q", lines, full)
	}
}

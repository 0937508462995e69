package examples

import "testing"

// TestChat: what is said goes to everybody, each in their words. Who leaves, or
// vanishes, is told of and held up nobody; the farewell that comes too late is an
// error value, after which the guest goes on.
func TestChat(t *testing.T) {
	each(t, "chat", func(t *testing.T, g *guest) {
		s := g.serve(t, nil, "/chat/{name}")
		ann := s.dial("/chat/ann")
		bob := s.dial("/chat/bob")
		ann.hears("bob joined")
		eva := s.dial("/chat/eva%20m%C3%BCller")
		ann.hears("eva müller joined")
		bob.hears("eva müller joined")

		ann.say("", "hello")
		ann.hears("You wrote: hello")
		bob.hears("ann says: hello")
		eva.hears("ann says: hello")

		bob.vanishes()
		ann.hears("bob left")
		eva.hears("bob left")
		eva.say("who is there?")
		eva.hears("You wrote: who is there?")
		ann.hears("eva müller says: who is there?")

		eva.leaves(1000, "good night")
		ann.hears("eva müller left")
		s.dial("/chat/%ff").vanishes()
		ann.hears("\uFFFD joined", "\uFFFD left")
		ann.send(2, []byte("bytes"))
		ann.closed(1003, "text expected")
		s.saw(
			"/chat/{name}: HTTP 101, 1006 , by peer", "INFO farewell: send while closed",
			"/chat/{name}: HTTP 101, 1000 good night, by peer, clean", "INFO farewell: send while closed",
			"/chat/{name}: HTTP 101, 1006 , by peer", "INFO farewell: send while closed",
			"/chat/{name}: HTTP 101, 1003 text expected, by guest, clean", "INFO farewell: send while closed",
		)
	})
}

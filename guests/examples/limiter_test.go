package examples

import (
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// TestLimiter: a connection may send five messages at once and one more each 100 ms,
// whatever others send; who goes on is closed.
func TestLimiter(t *testing.T) {
	each(t, "limiter", func(t *testing.T, g *guest) {
		s := g.serve(t, nil, "/ws")
		patient, hasty := s.dial("/ws"), s.dial("/ws")
		began := time.Now()
		patient.say("1", "2", "3", "4", "5", "6", "7")
		patient.hears("1", "2", "3", "4", "5", "slow down", "slow down")

		// What is sent in one write is read in one turn, in which time stands still.
		texts := slices.Repeat([]string{"x"}, 5+10+1)
		hasty.say(texts...)
		hasty.hears(append(texts[:5:5], slices.Repeat([]string{"slow down"}, 9)...)...)
		hasty.closed(1008, "too many messages")

		// This is no wait for anything: time is what is measured here. The guest sees at
		// least a tenth of a second pass, and not more than has passed since began.
		time.Sleep(120 * time.Millisecond)
		patient.say("a", "b", "c", "d", "e", "f")
		heard := 0
		for _, text := range []string{"a", "b", "c", "d", "e", "f"} {
			f := patient.frame()
			switch {
			case f.Header.OpCode != ws.OpText || string(f.Payload) != text && string(f.Payload) != "slow down":
				t.Fatalf("received %s; want %s or slow down", frameText(f), text)
			case string(f.Payload) == text:
				heard++
			}
		}
		most := min(int(time.Since(began)/(100*time.Millisecond)), 5)
		if heard < 1 || heard > most {
			t.Errorf("%d messages were echoed; want 1 to %d", heard, most)
		}
		patient.leaves(1000, "")
		other := s.dial("/ws")
		other.send(ws.OpBinary, []byte("bytes"))
		other.closed(1003, "text expected")
		s.saw(
			"/ws: HTTP 101, 1008 too many messages, by guest, clean",
			"/ws: HTTP 101, 1000 , by peer, clean",
			"/ws: HTTP 101, 1003 text expected, by guest, clean",
		)
	})
}

package examples

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// TestRelay: bytes go from one side to the other, unchanged and in order, also those
// that were said before the other was there.
func TestRelay(t *testing.T) {
	const route = "/relay/{key}"
	each(t, "relay", func(t *testing.T, g *guest) {
		s := g.serve(t, nil, route)
		a := s.dial("/relay/k")
		early := bytes.Repeat([]byte{0, 0xff, 'x', 7}, 64<<10/4-1)
		a.send(ws.OpBinary, early, []byte("last"), nil)
		b := s.dial("/relay/k")
		b.gets(early)
		b.gets([]byte("last"))
		b.gets(nil)
		wantResponse(t, s.refused("/relay/k"), response(409, `{"detail":"Conflict"}`, "content-type: application/json"))

		large := bytes.Repeat([]byte("large \x00\xfe"), 100_000)
		b.send(ws.OpBinary, []byte("to a"), large)
		a.gets([]byte("to a"))
		a.gets(large)
		a.send(ws.OpBinary, []byte("to b"))
		b.gets([]byte("to b"))
		a.leaves(1000, "done")
		b.closed(1001, "peer left")

		// The key is free again: what the first pair said is not heard by the second.
		a, b = s.dial("/relay/k"), s.dial("/relay/k")
		b.send(ws.OpBinary, []byte("hello"))
		a.gets([]byte("hello"))
		b.vanishes()
		a.closed(1001, "peer left")

		// Too much for somebody who is not there; and what is no bytes.
		a = s.dial("/relay/late")
		a.send(ws.OpBinary, early, []byte("last"))
		a.send(ws.OpBinary, []byte("x"))
		a.closed(1009, "peer too late")
		a = s.dial("/relay/empty")
		a.send(ws.OpBinary, make([][]byte, 256)...)
		a.send(ws.OpBinary, nil)
		a.closed(1009, "peer too late")
		a = s.dial("/relay/most")
		a.send(ws.OpBinary, slices.Repeat([][]byte{early[:256]}, 256)...)
		b = s.dial("/relay/most")
		for range 256 {
			b.gets(early[:256])
		}
		b.leaves(1000, "")
		a.closed(1001, "peer left")
		a, b = s.dial("/relay/text"), s.dial("/relay/text")
		a.say("text")
		a.closed(1003, "bytes expected")
		b.closed(1001, "peer left")
		s.saw(
			route+": HTTP 409, 1006 , by guest",
			route+": HTTP 101, 1000 done, by peer, clean",
			route+": HTTP 101, 1001 peer left, by guest, clean",
			route+": HTTP 101, 1006 , by peer",
			route+": HTTP 101, 1001 peer left, by guest, clean",
			route+": HTTP 101, 1009 peer too late, by guest, clean",
			route+": HTTP 101, 1009 peer too late, by guest, clean",
			route+": HTTP 101, 1000 , by peer, clean",
			route+": HTTP 101, 1001 peer left, by guest, clean",
			route+": HTTP 101, 1003 bytes expected, by guest, clean",
			route+": HTTP 101, 1001 peer left, by guest, clean",
		)
	})
}

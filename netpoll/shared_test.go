package netpoll

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// A shared message reaches connections with and without compression, between
// others of their own, and is deflated once for those that can share that.
func TestShared(t *testing.T) {
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for _, takeover := range []bool{false, true} {
		a := &app{settings: Settings{Deflate: &wsdeflate.Config{ServerContextTakeover: takeover}}}
		w := newWorld(t, a)
		var peers []*peer
		for range 4 {
			peers = append(peers, w.openDeflate(&deflater{takeover: takeover}))
		}
		peers = append(peers, w.open())
		var shared Shared
		for _, payload := range []string{
			"", "small", strings.Repeat("wherry ", 100), strings.Repeat("wherry ", 50_000), pattern(300_000), string(noise), string(noise[:500]),
		} {
			shared.Set(wsframe.AppendFrame(nil, ws.OpText, payload))
			for i, s := range a.sessions {
				own := fmt.Appendf(nil, "%d %s", i, strings.Repeat("own ", 100))
				s.c.Send(ws.OpText, own)
				if err := s.c.SendShared(&shared); err != nil {
					t.Fatal(err)
				}
				s.c.Send(ws.OpText, own)
			}
			if want := 1; !takeover && len(shared.forms) != want || takeover && len(shared.forms) != 0 {
				t.Errorf("with takeover %v there are %d forms", takeover, len(shared.forms))
			}
			if f := shared.forms; len(f) > 0 && (len(payload) == 700 || len(payload) == 350_000) && len(f[0].frame) > len(payload)/5 {
				t.Errorf("%d bytes are sent as %d", len(payload), len(f[0].frame))
			}
			shared.Set(nil)
			for i, p := range peers {
				own := fmt.Sprintf("%d %s", i, strings.Repeat("own ", 100))
				p.expect(ws.OpText, own)
				p.expect(ws.OpText, payload)
				p.expect(ws.OpText, own)
			}
		}
	}
}

// Connections whose windows differ get forms of their own.
func TestSharedWindows(t *testing.T) {
	a := &app{settings: Settings{Deflate: &wsdeflate.Config{}}}
	w := newWorld(t, a)
	var peers []*peer
	for _, offer := range []string{"permessage-deflate; server_max_window_bits=9", "permessage-deflate", "permessage-deflate; server_max_window_bits=9"} {
		p := w.tcp()
		p.inflate = (&deflater{}).inflate
		p.write(strings.Replace(clientHead, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: "+offer+"\r\n\r\n", 1))
		w.until("the handshake is answered", func() bool { return strings.Contains(string(p.in), "\r\n\r\n") })
		p.in = p.in[strings.Index(string(p.in), "\r\n\r\n")+4:]
		peers = append(peers, p)
	}
	line := strings.Repeat("far apart ", 10) + pattern(2000)
	payload := line + line // repeats itself where a small window does not reach
	var shared Shared
	for range 3 { // their scratch is used again
		shared.Set(wsframe.AppendFrame(nil, ws.OpBinary, payload))
		for _, s := range a.sessions {
			s.c.SendShared(&shared)
		}
		if len(shared.forms) != 2 {
			t.Errorf("%d forms for two sizes of windows", len(shared.forms))
		}
		shared.Set(nil)
		for _, p := range peers {
			p.expect(ws.OpBinary, payload)
		}
	}
}

// BenchmarkShared is a message of 1 KiB of text to 64 connections that agreed on
// compression: as it is, deflated once, and deflated for each.
func BenchmarkShared(b *testing.B) {
	const conns = 64
	payload := []byte(strings.Repeat("{\"room\":\"wherry\",\"from\":\"ann\",\"says\":\"who rows?\"},", 20))
	a := &app{settings: Settings{Deflate: &wsdeflate.Config{}}}
	w := newWorld(b, a)
	for range conns {
		w.openDeflate(&deflater{})
	}
	frame := wsframe.AppendFrame(nil, ws.OpText, payload)
	var shared Shared
	for name, send := range map[string]func(c *Conn){
		"plain":  func(c *Conn) { c.SendFrame(frame) },
		"shared": func(c *Conn) { c.SendShared(&shared) },
		"each":   func(c *Conn) { c.Send(ws.OpText, payload) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				shared.Set(frame)
				for _, s := range a.sessions {
					send(s.c)
				}
				for _, s := range a.sessions {
					s.c.dropQueue() // nothing of it is written
				}
			}
		})
	}
}

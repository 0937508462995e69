package netpoll

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
)

// A deflater is a client's half of permessage-deflate, on the standard library.
type deflater struct {
	takeover bool
	out      bytes.Buffer
	writer   *flate.Writer
	seen     []byte // what the server sent so far
}

const deflateTail = "\x00\x00\xff\xff" // RFC 7692, section 7.2.1

// deflate returns the payload of a compressed message.
func (d *deflater) deflate(payload string) string {
	d.out.Reset()
	if d.writer == nil || !d.takeover {
		d.writer, _ = flate.NewWriter(&d.out, flate.DefaultCompression)
	}
	io.WriteString(d.writer, payload)
	d.writer.Flush()
	return strings.TrimSuffix(d.out.String(), deflateTail)
}

func (d *deflater) inflate(payload []byte) []byte {
	if !d.takeover {
		d.seen = nil
	}
	const last = "\x01\x00\x00\xff\xff" // an empty block that is the last
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(payload), strings.NewReader(deflateTail+last)), d.seen)
	plain, err := io.ReadAll(r)
	if err != nil {
		plain = fmt.Append(nil, err)
	}
	d.seen = append(d.seen, plain...)
	d.seen = d.seen[max(0, len(d.seen)-32<<10):]
	return plain
}

// compressedFrame is clientFrame with RSV1, which says that a message is compressed.
func compressedFrame(fin bool, op ws.OpCode, payload string) []byte {
	f := clientFrame(fin, op, payload)
	f[0] |= 0x40
	return f
}

// openDeflate is openTCP with an offer of compression, which must be accepted.
func (w *world) openDeflate(d *deflater) *peer {
	w.t.Helper()
	p := w.tcp()
	p.inflate = d.inflate
	p.write(strings.Replace(clientHead, "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 1))
	w.until("the handshake is answered", func() bool { return bytes.Contains(p.in, []byte("\r\n\r\n")) })
	head, rest, _ := bytes.Cut(p.in, []byte("\r\n\r\n"))
	if !bytes.Contains(head, []byte("Sec-WebSocket-Extensions: permessage-deflate")) {
		w.t.Fatalf("the offer was not accepted: %q", head)
	}
	p.in = rest
	return p
}

func TestCompressedEcho(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		a := &app{settings: Settings{Deflate: &wsdeflate.Config{ServerContextTakeover: takeover, ClientContextTakeover: takeover}}}
		w := newWorld(t, a)
		d := &deflater{takeover: takeover}
		p := w.openDeflate(d)
		for _, size := range []int{0, 1, 100, 1000, 30_000, 300_000, 1 << 20} {
			for _, chunk := range []int{1, 100, 10_000, 1 << 20} {
				payload := strings.Repeat("wherry ", size/7+1)[:size]
				packed := d.deflate(payload)
				third := len(packed) / 3
				wire := join(
					compressedFrame(false, ws.OpText, packed[:third]),
					clientFrame(false, ws.OpContinuation, packed[third:2*third]),
					clientFrame(true, ws.OpContinuation, packed[2*third:]),
					text("as it is"),
				)
				for ; len(wire) > 0; w.turn() {
					n := min(chunk, len(wire))
					p.send(wire[:n])
					wire = wire[n:]
				}
				p.expect(ws.OpText, payload)
				p.expect(ws.OpText, "as it is")
				p.send(compressedFrame(true, ws.OpBinary, d.deflate(payload)))
				p.expect(ws.OpBinary, payload)
			}
		}
		w.quiet()
		if c := a.only().c; c.more != nil || c.out != nil {
			t.Error("an idle connection still owns a buffer")
		}
	}
}

func TestCompressedFaults(t *testing.T) {
	cases := []struct {
		name    string
		payload string
		code    ws.StatusCode
		reason  string
	}{
		{"not DEFLATE", "\xff\xff\xff\xff", 1007, "message does not inflate"},
		{"ends early", (&deflater{}).deflate("something long enough")[:5], 1007, "message does not inflate"},
		{"inflates to too much", (&deflater{}).deflate(strings.Repeat("x", 1<<19+1)), 1009, "message too big"},
		{"not UTF-8", (&deflater{}).deflate("x\xff"), 1007, "text is not UTF-8"},
	}
	for _, tc := range cases {
		for _, cut := range []int{0, len(tc.payload) / 2} { // whole, and in two frames
			t.Run(fmt.Sprint(tc.name, " cut at ", cut), func(t *testing.T) {
				// The limit is the size of a pool's class, where room ends with it.
				a := &app{settings: Settings{MessageBytes: 1 << 19, Deflate: &wsdeflate.Config{}}}
				w := newWorld(t, a)
				p := w.openDeflate(&deflater{})
				if cut == 0 {
					p.send(compressedFrame(true, ws.OpText, tc.payload))
				} else {
					p.send(compressedFrame(false, ws.OpText, tc.payload[:cut]))
					w.turn()
					p.send(clientFrame(true, ws.OpContinuation, tc.payload[cut:]))
				}
				p.expectClose(tc.code, tc.reason)
				wantEnd(t, a.only(), End{Code: tc.code, Cause: ByHost, Opened: true}, tc.reason)
			})
		}
	}
}

// A compressed message that is never finished leaves nothing behind, and a
// connection that ended no windows.
func TestCompressedAbandoned(t *testing.T) {
	for how, end := range map[string]func(*peer, *Conn){
		"the peer leaves":    func(p *peer, c *Conn) { p.close() },
		"the handler closes": func(p *peer, c *Conn) { c.Close(1000, "", ByHandler); p.close() },
		"the handler fails":  func(p *peer, c *Conn) { c.Fail(1011, ""); p.close() },
	} {
		t.Run(how, func(t *testing.T) {
			a := &app{settings: Settings{Deflate: &wsdeflate.Config{ClientContextTakeover: true}}}
			w := newWorld(t, a)
			d := &deflater{takeover: true}
			p := w.openDeflate(d)
			packed := d.deflate(pattern(50_000))
			p.send(compressedFrame(false, ws.OpBinary, packed[:len(packed)/2]))
			w.quiet()
			c := a.only().c
			end(p, c)
			w.until("the slot is free", func() bool { return w.loop.conns.used == 0 })
			if len(w.loop.inflaters) != 1 || c.deflation != nil {
				t.Errorf("%d inflaters came back, and the slot keeps %v", len(w.loop.inflaters), c.deflation)
			}
		})
	}
}

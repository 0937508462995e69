package netpoll

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/gobwas/ws"
)

// A peer is the other end of a connection. What it cannot write or read at once
// waits for the next turn.
type peer struct {
	w     *world
	fd    int
	out   []byte // to be written
	in    []byte // read and not looked at yet
	ended error  // how reading ended: errEnd for the end of the stream
	slow  bool   // it does not read

	inflate func([]byte) []byte // of a peer that agreed on compression
}

var errEnd = errors.New("end of the stream")

// pipe returns the peer of a new connection over a socket pair.
func (w *world) pipe() *peer {
	w.t.Helper()
	fd, other, err := Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.loop.Adopt(fd, netip.AddrPort{}, nil)
	return w.peer(other)
}

// tcp returns the peer of a new connection over TCP.
func (w *world) tcp() *peer {
	w.t.Helper()
	if w.fd == 0 {
		w.listen()
	}
	conn, err := net.Dial("tcp", w.addr.String())
	if err != nil {
		w.t.Fatal(err)
	}
	return w.peer(conn)
}

func (w *world) listen() {
	w.t.Helper()
	fd, addr, err := ListenSocket("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.fd, w.addr = fd, addr
	if err := w.loop.Listen(fd); err != nil {
		w.t.Fatal(err)
	}
}

// peer makes a peer of conn, which it closes.
func (w *world) peer(conn net.Conn) *peer {
	w.t.Helper()
	fd, err := DupSocket(conn.(syscall.Conn))
	if err != nil {
		w.t.Fatal(err)
	}
	conn.Close()
	p := &peer{w: w, fd: fd}
	w.peers = append(w.peers, p)
	return p
}

// open returns the peer of a connection over a socket pair that was accepted.
func (w *world) open() *peer {
	w.t.Helper()
	p := w.pipe()
	p.shake()
	return p
}

// openTCP is open over TCP.
func (w *world) openTCP() *peer {
	w.t.Helper()
	p := w.tcp()
	p.shake()
	return p
}

const (
	clientHead = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	serverHead = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

func (p *peer) shake() {
	p.w.t.Helper()
	p.write(clientHead)
	p.expectBytes(serverHead)
}

// pump writes and reads as much as goes at once.
func (p *peer) pump() {
	if p.fd < 0 {
		return
	}
	for len(p.out) > 0 {
		n, err := send(p.fd, p.out)
		if err != nil {
			if !isAgain(err) {
				p.out = nil
			}
			break
		}
		p.out = p.out[n:]
	}
	b := p.w.scratch[:]
	for !p.slow && p.ended == nil {
		n, err := recv(p.fd, b)
		switch {
		case n > 0:
			p.in = append(p.in, b[:n]...)
			continue
		case err == nil:
			p.ended = errEnd
		case !isAgain(err):
			p.ended = err
		}
		return
	}
}

func (p *peer) write(s string) { p.send([]byte(s)) }

// send writes what the kernel takes, and the rest in the next turns.
func (p *peer) send(b []byte) {
	p.out = append(p.out, b...)
	p.pump()
}

func (p *peer) close() {
	if p.fd >= 0 {
		closeSocket(p.fd)
		p.fd = -1
	}
}

func (p *peer) reset() {
	armReset(p.fd)
	p.close()
}

// expectBytes waits for want, and takes it.
func (p *peer) expectBytes(want string) {
	p.w.t.Helper()
	p.w.until("the bytes came", func() bool { return len(p.in) >= len(want) || p.ended != nil })
	if got := string(p.in[:min(len(p.in), len(want))]); got != want {
		p.w.t.Fatalf("received %.200q (%v), want %.200q", got, p.ended, want)
	}
	p.in = p.in[len(want):]
}

// expectResponse waits for a whole HTTP response and the end of the stream.
func (p *peer) expectResponse(statusLine string) {
	p.w.t.Helper()
	p.expectEnd()
	if got, _, _ := strings.Cut(string(p.in), "\r\n"); got != "HTTP/1.1 "+statusLine {
		p.w.t.Fatalf("received %q, want %q", got, "HTTP/1.1 "+statusLine)
	}
}

// next takes the first frame off what was read.
func (p *peer) next() (op ws.OpCode, payload []byte, ok bool) {
	r := bytes.NewReader(p.in)
	h, err := ws.ReadHeader(r)
	if err != nil || int64(r.Len()) < h.Length {
		return 0, nil, false
	}
	from := len(p.in) - r.Len()
	payload = p.in[from : from+int(h.Length)]
	p.in = p.in[from+int(h.Length):]
	if p.inflate != nil && h.Rsv1() {
		h.Rsv, payload = 0, p.inflate(payload)
	}
	if h.Masked || !h.Fin || h.Rsv != 0 {
		p.w.t.Fatalf("received a frame that no server sends: %+v", h)
	}
	return h.OpCode, payload, true
}

// expect waits for a frame.
func (p *peer) expect(op ws.OpCode, payload string) {
	p.w.t.Helper()
	var (
		gotOp ws.OpCode
		got   []byte
		ok    bool
	)
	p.w.until("a frame came", func() bool {
		gotOp, got, ok = p.next()
		return ok || p.ended != nil
	})
	if !ok {
		p.w.t.Fatalf("the stream ended (%v) with %d bytes to read, and no frame with opcode %d came", p.ended, len(p.in), op)
	}
	if gotOp != op || string(got) != payload {
		p.w.t.Fatalf("received opcode %d and %d bytes %.80q, want opcode %d and %d bytes %.80q",
			gotOp, len(got), got, op, len(payload), payload)
	}
}

// expectClose waits for a close frame with code and the end of the stream behind
// it.
func (p *peer) expectClose(code ws.StatusCode, reason string) {
	p.w.t.Helper()
	p.expect(ws.OpClose, string(ws.NewCloseFrameBody(code, reason)))
	p.expectEnd()
	if len(p.in) > 0 {
		p.w.t.Fatalf("%d bytes came behind a close frame", len(p.in))
	}
}

// expectEnd waits for the end of the stream, which must not be a reset.
func (p *peer) expectEnd() {
	p.w.t.Helper()
	p.w.until("the stream ended", func() bool { return p.ended != nil })
	if p.ended != errEnd {
		p.w.t.Fatalf("the stream ended with %v", p.ended)
	}
}

// expectNothing checks that nothing comes and the stream goes on.
func (p *peer) expectNothing() {
	p.w.t.Helper()
	p.w.quiet()
	if len(p.in) > 0 || p.ended != nil {
		p.w.t.Fatalf("received %q and %v, want nothing", p.in, p.ended)
	}
}

// The frames of a client, which are masked.

func clientFrame(fin bool, op ws.OpCode, payload string) []byte {
	f := ws.NewFrame(op, fin, []byte(payload))
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, [4]byte{0x37, 0xfa, 0x21, 0x3d}))
}

func text(payload string) []byte   { return clientFrame(true, ws.OpText, payload) }
func binary(payload string) []byte { return clientFrame(true, ws.OpBinary, payload) }
func ping(payload string) []byte   { return clientFrame(true, ws.OpPing, payload) }

func closeFrame(code ws.StatusCode, reason string) []byte {
	return clientFrame(true, ws.OpClose, string(ws.NewCloseFrameBody(code, reason)))
}

// pattern returns n bytes that differ at every place a copy could go wrong.
func pattern(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8)*31 ^ byte(i>>16)*7
	}
	return string(b)
}

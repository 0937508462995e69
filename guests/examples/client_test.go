package examples

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A client is a WebSocket connection, seen from the other end.
type client struct {
	t   *testing.T
	tcp *net.TCPConn
	r   io.Reader // what tcp reads, behind what came with the handshake
}

// dial connects to a target such as "/chat/eva". Header fields are pairs.
func (s *server) dial(target string, fields ...string) *client {
	s.t.Helper()
	conn, early, refused, err := s.handshake(target, fields)
	if err != nil {
		s.t.Fatalf("dial %s: %v %s", target, err, refused)
	}
	s.t.Cleanup(func() { conn.Close() })
	c := &client{t: s.t, tcp: conn.(*net.TCPConn), r: conn}
	if early != nil {
		c.r = early
	}
	c.tcp.SetDeadline(time.Now().Add(patience))
	return c
}

// refused makes a handshake that must be refused, and returns the response in the
// words of [describe].
func (s *server) refused(target string, fields ...string) string {
	s.t.Helper()
	conn, _, response, err := s.handshake(target, fields)
	if err == nil {
		conn.Close()
		s.t.Fatalf("%s: the handshake was accepted", target)
	}
	var status ws.StatusError
	if !errors.As(err, &status) {
		s.t.Fatalf("%s: %v", target, err)
	}
	return response
}

// handshake makes a handshake, and describes what came instead of a 101.
func (s *server) handshake(target string, fields []string) (conn net.Conn, early *bufio.Reader, refused string, err error) {
	s.t.Helper()
	header := make(http.Header)
	for i := 0; i < len(fields); i += 2 {
		header.Add(fields[i], fields[i+1])
	}
	d := ws.Dialer{
		Header: ws.HandshakeHeaderHTTP(header),
		OnStatusError: func(_ int, _ []byte, raw io.Reader) {
			r, err := http.ReadResponse(bufio.NewReader(raw), nil)
			if err != nil {
				s.t.Fatal(err)
			}
			refused = describe(s.t, r)
			if !r.Close {
				s.t.Errorf("%s: a refusal that does not end the connection", target)
			}
		},
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	conn, early, _, err = d.Dial(ctx, "ws://"+s.addr+target)
	return conn, early, refused, err
}

// send sends messages, all in one write: the server reads them in one turn.
func (c *client) send(op ws.OpCode, payloads ...[]byte) {
	c.t.Helper()
	var b []byte
	for _, p := range payloads {
		b = append(b, ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, true, p)))...)
	}
	if _, err := c.tcp.Write(b); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// say sends texts.
func (c *client) say(texts ...string) {
	c.t.Helper()
	var payloads [][]byte
	for _, text := range texts {
		payloads = append(payloads, []byte(text))
	}
	c.send(ws.OpText, payloads...)
}

// frame returns the next frame, which has to be one that a server may send, whole.
func (c *client) frame() ws.Frame {
	c.t.Helper()
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		c.t.Fatalf("no frame: %v", err)
	}
	if !f.Header.Fin || f.Header.Rsv != 0 || f.Header.Masked {
		c.t.Fatalf("a frame %+v %.100q; want it whole, without reserved bits and a mask", f.Header, f.Payload)
	}
	return f
}

// hears makes sure that these texts are the next frames.
func (c *client) hears(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		if f := c.frame(); f.Header.OpCode != ws.OpText || string(f.Payload) != want {
			c.t.Fatalf("received %s, want text %q", frameText(f), want)
		}
	}
}

// gets makes sure that the next frame is bytes.
func (c *client) gets(want []byte) {
	c.t.Helper()
	if f := c.frame(); f.Header.OpCode != ws.OpBinary || string(f.Payload) != string(want) {
		c.t.Fatalf("received %s, want %d bytes %.100q", frameText(f), len(want), want)
	}
}

func frameText(f ws.Frame) string {
	if f.Header.OpCode == ws.OpClose {
		code, reason := ws.ParseCloseFrameData(f.Payload)
		return fmt.Sprintf("close %d %q", code, reason)
	}
	return fmt.Sprintf("opcode %d %.100q", f.Header.OpCode, f.Payload)
}

// closed makes sure that the next frame closes, answers it, and sees the stream end.
func (c *client) closed(code ws.StatusCode, reason string) {
	c.t.Helper()
	c.closeFrame(code, reason)
	c.sendClose(code, "")
	c.ends()
}

// leaves goes through the closing handshake, and sees that it is answered in kind.
func (c *client) leaves(code ws.StatusCode, reason string) {
	c.t.Helper()
	c.sendClose(code, reason)
	c.closeFrame(code, reason)
	c.ends()
}

// vanishes resets the connection.
func (c *client) vanishes() {
	c.tcp.SetLinger(0)
	c.tcp.Close()
}

func (c *client) closeFrame(code ws.StatusCode, reason string) {
	c.t.Helper()
	f := c.frame()
	gotCode, gotReason := ws.ParseCloseFrameData(f.Payload)
	if f.Header.OpCode != ws.OpClose || gotCode != code || gotReason != reason {
		c.t.Fatalf("received %s, want close %d %q", frameText(f), code, reason)
	}
}

func (c *client) sendClose(code ws.StatusCode, reason string) {
	c.t.Helper()
	c.send(ws.OpClose, ws.NewCloseFrameBody(code, reason))
}

// ends makes sure that the server ends the stream, with nothing more on it.
func (c *client) ends() {
	c.t.Helper()
	defer c.tcp.Close()
	if rest, err := io.ReadAll(c.r); len(rest) != 0 || err != nil {
		c.t.Fatalf("behind the close frame: %q, %v", rest, err)
	}
}

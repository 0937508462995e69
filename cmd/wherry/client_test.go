package main

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// A client is a WebSocket connection to the binary.
type client struct {
	net.Conn
	r io.Reader // what Conn reads, after what came with the handshake
}

// newClient takes over what ws.Dial returned; early may be nil.
func newClient(conn net.Conn, early *bufio.Reader) *client {
	if early != nil {
		return &client{conn, early}
	}
	return &client{conn, conn}
}

// Read implements [io.Reader].
func (c *client) Read(b []byte) (int, error) { return c.r.Read(b) }

func (c *client) send(t *testing.T, text string) {
	t.Helper()
	if err := wsutil.WriteClientText(c, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next message.
func (c *client) receive(t *testing.T) string {
	t.Helper()
	text, err := wsutil.ReadServerText(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// receiveUntil skips messages until one that contains text.
func (c *client) receiveUntil(t *testing.T, text string) string {
	t.Helper()
	for {
		if got := c.receive(t); strings.Contains(got, text) {
			return got
		}
	}
}

// receiveClose reads to the close frame, answers it and returns its code.
func (c *client) receiveClose(t *testing.T) ws.StatusCode {
	t.Helper()
	for {
		frame, err := ws.ReadFrame(c)
		if err != nil {
			t.Fatalf("waiting for a close frame: %v", err)
		}
		if frame.Header.OpCode != ws.OpClose {
			continue
		}
		code, _ := ws.ParseCloseFrameData(frame.Payload)
		if err := ws.WriteFrame(c, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, "")))); err != nil {
			t.Fatal(err)
		}
		return code
	}
}

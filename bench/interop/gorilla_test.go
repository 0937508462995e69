package interop_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// dialGorilla connects; the test's end hangs up. writeBytes is the size of a write
// buffer, and so of the fragments that a streamed message leaves in.
func dialGorilla(t *testing.T, url string, writeBytes int) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{WriteBufferSize: writeBytes, HandshakeTimeout: exchangeLimit}
	conn, _, err := dialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	limitExchange(t, conn)
	return conn
}

// limitExchange gives conn exchangeLimit from now for what it does next.
func limitExchange(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	deadline := time.Now().Add(exchangeLimit)
	if err := errors.Join(conn.SetReadDeadline(deadline), conn.SetWriteDeadline(deadline)); err != nil {
		t.Fatal(err)
	}
}

// expectGorilla reads one message and compares it.
func expectGorilla(t *testing.T, conn *websocket.Conn, kind int, want []byte) {
	t.Helper()
	gotKind, got, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if gotKind != kind || !bytes.Equal(got, want) {
		t.Fatalf("echo of %d bytes, opcode %d, came back as %d bytes, opcode %d", len(want), kind, len(got), gotKind)
	}
}

func testGorilla(t *testing.T, url string) {
	t.Run("messages", func(t *testing.T) {
		conn := dialGorilla(t, url, 0)
		for _, size := range messageSizes {
			for kind, payload := range map[int][]byte{websocket.TextMessage: text(size), websocket.BinaryMessage: binary(size)} {
				limitExchange(t, conn)
				if err := conn.WriteMessage(kind, payload); err != nil {
					t.Fatal(err)
				}
				expectGorilla(t, conn, kind, payload)
			}
		}
	})
	t.Run("fragments", func(t *testing.T) { testGorillaFragments(t, url) })
	t.Run("ping", func(t *testing.T) { testGorillaPing(t, url) })
	for _, tc := range []struct {
		code   int
		reason string
	}{
		{websocket.CloseNormalClosure, ""},
		{websocket.CloseGoingAway, "off to the other shore"},
		{3000, "Fähre"},
		{4999, string(text(123))},
		{websocket.CloseNoStatusReceived, ""}, // an empty close frame
	} {
		t.Run(fmt.Sprint("close ", tc.code), func(t *testing.T) { testGorillaClose(t, url, tc.code, tc.reason) })
	}
}

// testGorillaFragments streams a message through a small write buffer, which leaves
// as one fragment each time the buffer is full, with a ping between two of them.
func testGorillaFragments(t *testing.T, url string) {
	conn := dialGorilla(t, url, 512)
	for _, kind := range []int{websocket.TextMessage, websocket.BinaryMessage} {
		payload := text(10_000)
		w, err := conn.NextWriter(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range pieces(payload, 7) {
			if _, err := w.Write(part); err != nil {
				t.Fatal(err)
			}
			if err := conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(exchangeLimit)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		expectGorilla(t, conn, kind, payload)
	}
}

// testGorillaPing sends a ping, then a message: when the echo is here, the pong must be.
func testGorillaPing(t *testing.T, url string) {
	conn := dialGorilla(t, url, 0)
	for _, payload := range []string{"", "anyone there?", string(text(125))} {
		var pongs []string
		conn.SetPongHandler(func(payload string) error {
			pongs = append(pongs, payload)
			return nil
		})
		if err := conn.WriteControl(websocket.PingMessage, []byte(payload), time.Now().Add(exchangeLimit)); err != nil {
			t.Fatal(err)
		}
		if err := conn.WriteMessage(websocket.TextMessage, []byte("echo")); err != nil {
			t.Fatal(err)
		}
		expectGorilla(t, conn, websocket.TextMessage, []byte("echo"))
		if len(pongs) != 1 || pongs[0] != payload {
			t.Errorf("ping %q: got pongs %q", payload, pongs)
		}
	}
}

// testGorillaClose closes and wants the same code and reason back (RFC 6455 section 5.5.1).
func testGorillaClose(t *testing.T, url string, code int, reason string) {
	conn := dialGorilla(t, url, 0)
	conn.SetCloseHandler(func(int, string) error { return nil }) // ours is out already
	if err := conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason)); err != nil {
		t.Fatal(err)
	}
	_, _, err := conn.ReadMessage()
	closed, ok := errors.AsType[*websocket.CloseError](err)
	if !ok || closed.Code != code || closed.Text != reason {
		t.Errorf("got %v, want close %d %q", err, code, reason)
	}
}

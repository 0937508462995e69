package interop_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/coder/websocket"
)

// dialCoder connects; the test's end hangs up.
func dialCoder(ctx context.Context, t *testing.T, url string, opts *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(ctx, url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(maxMessageBytes)
	return conn
}

// expectCoder reads one message and compares it.
func expectCoder(ctx context.Context, t *testing.T, conn *websocket.Conn, kind websocket.MessageType, want []byte) {
	t.Helper()
	gotKind, got, err := conn.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if gotKind != kind || !bytes.Equal(got, want) {
		t.Fatalf("echo of %d bytes, %v, came back as %d bytes, %v", len(want), kind, len(got), gotKind)
	}
}

func testCoder(t *testing.T, url string) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*exchangeLimit)
	defer cancel()
	t.Run("messages", func(t *testing.T) {
		conn := dialCoder(ctx, t, url, nil)
		for _, size := range messageSizes {
			for kind, payload := range map[websocket.MessageType][]byte{websocket.MessageText: text(size), websocket.MessageBinary: binary(size)} {
				if err := conn.Write(ctx, kind, payload); err != nil {
					t.Fatal(err)
				}
				expectCoder(ctx, t, conn, kind, payload)
			}
		}
	})
	t.Run("fragments", func(t *testing.T) { testCoderFragments(ctx, t, url) })
	t.Run("compression offered", func(t *testing.T) {
		conn := dialCoder(ctx, t, url, &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
		for range 3 {
			if err := conn.Write(ctx, websocket.MessageText, text(5000)); err != nil {
				t.Fatal(err)
			}
			expectCoder(ctx, t, conn, websocket.MessageText, text(5000))
		}
	})
	t.Run("ping", func(t *testing.T) {
		conn := dialCoder(ctx, t, url, nil)
		reading := conn.CloseRead(ctx) // Ping needs somebody who reads the pong
		for range 3 {
			if err := conn.Ping(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if reading.Err() != nil {
			t.Error("the server closed after a ping")
		}
	})
	t.Run("close", func(t *testing.T) {
		// Close returns nil only if the same code came back.
		conn := dialCoder(ctx, t, url, nil)
		if err := conn.Close(4321, "off to the other shore"); err != nil {
			t.Error(err)
		}
	})
}

// testCoderFragments streams messages; every Write leaves as a fragment of its own,
// cut without regard for characters.
func testCoderFragments(ctx context.Context, t *testing.T, url string) {
	conn := dialCoder(ctx, t, url, nil)
	for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		for _, size := range []int{3, 1000, 200_000} {
			payload := text(size)
			w, err := conn.Writer(ctx, kind)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range pieces(payload, 11) {
				if _, err := w.Write(part); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			expectCoder(ctx, t, conn, kind, payload)
		}
	}
}

package interop_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const (
	crowdConns    = 2000
	crowdDialers  = 64 // connecting at the same time
	crowdMessages = 5  // on each connection
)

// TestCrowd opens two thousand connections on two loops, and only when all are open
// talks on all of them at once.
func TestCrowd(t *testing.T) {
	allowFiles(t, 2*crowdConns+200)
	url := startWherry(t, "--loops", "2")
	conns := dialCrowd(t, url)

	errs := make(chan error, crowdConns)
	for i, conn := range conns {
		go func() { errs <- chat(conn, i) }()
	}
	failed := 0
	for range conns {
		if err := <-errs; err != nil {
			if failed++; failed <= 10 {
				t.Error(err)
			}
		}
	}
	if failed > 10 {
		t.Errorf("%d of %d connections failed", failed, crowdConns)
	}
}

// dialCrowd opens all connections; the test's end hangs up.
func dialCrowd(t *testing.T, url string) []*websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: exchangeLimit, ReadBufferSize: 512, WriteBufferSize: 512}
	conns, errs := make([]*websocket.Conn, crowdConns), make([]error, crowdConns)
	var dialers sync.WaitGroup
	for first := range crowdDialers {
		dialers.Go(func() {
			for i := first; i < crowdConns; i += crowdDialers {
				conns[i], _, errs[i] = dialer.Dial(url, nil)
			}
		})
	}
	dialers.Wait()
	t.Cleanup(func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	})
	for i, err := range errs {
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	return conns
}

// chat exchanges messages that only this connection sends, then closes.
func chat(conn *websocket.Conn, serial int) error {
	deadline := time.Now().Add(exchangeLimit)
	if err := errors.Join(conn.SetReadDeadline(deadline), conn.SetWriteDeadline(deadline)); err != nil {
		return err
	}
	for n := range crowdMessages {
		want := fmt.Appendf(nil, "connection %d, message %d", serial, n)
		if err := conn.WriteMessage(websocket.TextMessage, want); err != nil {
			return fmt.Errorf("connection %d: %w", serial, err)
		}
		_, got, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("connection %d: %w", serial, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("connection %d: got %q, want %q", serial, got, want)
		}
	}
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := conn.WriteMessage(websocket.CloseMessage, goodbye); err != nil {
		return fmt.Errorf("connection %d: %w", serial, err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		return fmt.Errorf("connection %d: got %v, want close 1000", serial, err)
	}
	return nil
}

package conformance_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

// TestVanish: a guest that pushes to a client hears within a second that it has
// gone, as an end that is not clean, with 1006 and by the peer. The client leaves
// with a reset, with the end of the stream, and with half of that, when it has read
// everything and when it has not.
func TestVanish(t *testing.T) {
	_, addr := serve(t, recorderConfig(map[string]string{
		"/room":    "connect: accept; join room",
		"/push":    "connect: accept\ntext: publish room",
		watchRoute: watchScript,
	}, runtime.Limits{}))
	for name, leave := range map[string]func(*net.TCPConn) error{
		"reset":      func(conn *net.TCPConn) error { conn.SetLinger(0); return conn.Close() },
		"end":        (*net.TCPConn).Close,
		"half-close": (*net.TCPConn).CloseWrite,
	} {
		for _, reads := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " reads ", reads), func(t *testing.T) {
				const attempts = 3 // the machine may stand still in one
				for attempt := 1; ; attempt++ {
					took := vanish(t, addr, fmt.Sprintf("%s-%v-%d", name, reads, attempt), reads, leave)
					t.Logf("the guest knew after %v", took)
					if took < time.Second {
						return
					}
					if attempt == attempts {
						t.Fatalf("the guest knew after %v; within a second is right", took)
					}
				}
			})
		}
	}
}

// vanish has a guest push to a client until it hears that the client has left, and
// returns how long that took it.
func vanish(t *testing.T, addr, id string, reads bool, leave func(*net.TCPConn) error) time.Duration {
	watch, err := conformance.NewWatch(addr, watchRoute+"?id="+id)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	client, early := dialRoute(t, addr, "/room?id="+id)
	if reads {
		go io.Copy(io.Discard, early)
	}
	pusher, _ := dialRoute(t, addr, "/push")
	push := func() {
		if err := wsutil.WriteClientText(pusher, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		push()
	}
	type end struct {
		events []conformance.Event
		err    error
	}
	ended := make(chan end, 1)
	start := time.Now()
	if err := leave(client); err != nil {
		t.Fatal(err)
	}
	go func() {
		events, err := watch.UntilClosed()
		ended <- end{events, err}
	}()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case got := <-ended:
			took := time.Since(start)
			if got.err != nil {
				t.Fatal(got.err)
			}
			want := conformance.Event{Type: "disconnect", Code: 1006, By: "peer", Opened: 1}
			last := got.events[len(got.events)-1]
			if want.Conn = last.Conn; last != want {
				t.Errorf("the guest saw %+v, want %+v", last, want)
			}
			return took
		case <-ticker.C:
			push()
		}
	}
}

// dialRoute connects, until the test ends. Reads begin with what came behind the
// handshake.
func dialRoute(t *testing.T, addr, target string) (*net.TCPConn, io.Reader) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, early, _, err := ws.Dial(ctx, "ws://"+addr+target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if early == nil {
		early = bufio.NewReader(conn)
	}
	return conn.(*net.TCPConn), early
}

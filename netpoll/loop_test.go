package netpoll

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// run starts a loop for a, which from then on belongs to the loop's goroutine.
// The loop stops at the end of the test, unless that has stopped it.
func run(t *testing.T, a *app) *Loop { return runWith(t, a, Config{}) }

func runWith(t *testing.T, a *app, config Config) *Loop {
	t.Helper()
	a.start(t)
	l, err := New(config, a)
	if err == ErrUnsupported {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Run() }()
	t.Cleanup(func() {
		l.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		a.finish()
	})
	return l
}

// on runs f on the loop and waits for it.
func on(t *testing.T, l *Loop, f func()) {
	t.Helper()
	done := make(chan struct{})
	if !l.Post(func() { f(); close(done) }) {
		t.Fatal("the loop has stopped")
	}
	<-done
}

// listen makes loops accept from one socket and returns its address.
func listen(t *testing.T, loops ...*Loop) string {
	t.Helper()
	fd, addr, err := ListenSocket("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { CloseSocket(fd) }) // before the loops stop
	for _, l := range loops {
		on(t, l, func() {
			if err := l.Listen(fd); err != nil {
				t.Error(err)
			}
		})
	}
	return addr.String()
}

// wantEcho sends a message on conn as a client and waits for it to come back.
func wantEcho(t *testing.T, conn io.ReadWriter, op ws.OpCode, payload string) {
	t.Helper()
	if err := wsutil.WriteClientMessage(conn, op, []byte(payload)); err != nil {
		t.Error(err)
		return
	}
	got, gotOp, err := wsutil.ReadServerData(conn)
	if err != nil || gotOp != op || string(got) != payload {
		t.Errorf("sent opcode %d and %d bytes, received %d and %d bytes: %v", op, len(payload), gotOp, len(got), err)
	}
}

// Clients of another library, many at once, on two loops that share a listener.
func TestClientsOfAnotherLibrary(t *testing.T) {
	one, two := &app{}, &app{}
	addr := listen(t, run(t, one), run(t, two))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			conn, br, _, err := ws.Dial(context.Background(), "ws://"+addr+"/chat")
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if br != nil {
				t.Error("bytes came behind the handshake")
			}
			for _, size := range []int{0, 1, 1000, 70_000, 1 << 20} {
				wantEcho(t, conn, ws.OpBinary, pattern(size))
			}
			wantEcho(t, conn, ws.OpText, "grüße")
			ws.WriteFrame(conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, ""))))
			if f, err := ws.ReadFrame(conn); err != nil || f.Header.OpCode != ws.OpClose {
				t.Errorf("instead of a close frame: %+v, %v", f.Header, err)
			}
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("behind the close frame: %v", err)
			}
		})
	}
	group.Wait()
}

// A connection moves while it is routed, with every byte that came.
func TestMove(t *testing.T) {
	here, there := &app{}, &app{}
	target := run(t, there)
	here.route = func(c *Conn, _ *wshead.Head) { c.Move(target) }
	var moved atomic.Bool
	there.route = func(c *Conn, _ *wshead.Head) {
		moved.Store(c.Moved() && c.Peer().Addr() == netip.MustParseAddr("127.0.0.1") && c.loop == target)
		there.await(c)
	}
	source := run(t, here)
	conn, err := net.Dial("tcp", listen(t, source))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(join([]byte(clientHead), text("early")))
	got := make([]byte, len(serverHead)+7)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != serverHead+"\x81\x05early" {
		t.Errorf("received %q, %v", got, err)
	}
	wantEcho(t, conn, ws.OpText, "again")
	if !moved.Load() {
		t.Error("the connection does not say that it was moved, or not from where")
	}
	on(t, source, func() {}) // the turn that moved it may still go on
	on(t, source, func() {
		if n := source.Stats().Conns; n != 0 || len(here.sessions) != 0 {
			t.Errorf("the first loop still has %d connections", n)
		}
	})
}

// A loop takes over a connection of the standard library's with what was read.
func TestAdopt(t *testing.T) {
	for _, cut := range []int{0, 10, len(clientHead), len(clientHead) + 3} {
		l := run(t, &app{})
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		fd, err := DupSocket(server.(syscall.Conn))
		if err != nil {
			t.Fatal(err)
		}
		server.Close()
		wire := join([]byte(clientHead), text("early"))
		l.Adopt(fd, netip.AddrPort{}, wire[:cut])
		client.Write(wire[cut:])
		got := make([]byte, len(serverHead)+7)
		if _, err := io.ReadFull(client, got); err != nil || string(got) != serverHead+"\x81\x05early" {
			t.Errorf("cut at %d: received %q, %v", cut, got, err)
		}
	}
}

// A request that is no handshake is taken away from the loop, with its bytes.
func TestDetach(t *testing.T) {
	a := &app{}
	type detached struct {
		fd       int
		received []byte
	}
	out := make(chan detached, 1)
	a.route = func(c *Conn, _ *wshead.Head) {
		fd, received := c.Detach()
		out <- detached{fd, received}
	}
	l := run(t, a)
	client, err := net.Dial("tcp", listen(t, l))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const request = "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
	io.WriteString(client, request+"bo")
	d := <-out
	conn, err := NetConn(d.fd)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(client, "dy")
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(string(d.received)), conn)))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r.Body); string(body) != "body" || err != nil {
		t.Errorf("the body is %q, %v", body, err)
	}
	io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(client), r); err != nil || resp.StatusCode != 204 {
		t.Errorf("the response is %v, %v", resp, err)
	}
	on(t, l, func() {}) // the turn that detached it may still go on
	on(t, l, func() {
		if n := l.Stats().Conns; n != 0 {
			t.Errorf("the loop still has %d connections", n)
		}
	})
}

// What Post takes runs, in order, and what it refuses does not, while the loop
// stops.
func TestPostWhileStopping(t *testing.T) {
	for range 20 {
		l := run(t, &app{})
		var (
			group sync.WaitGroup
			ran   [8]int // written on the loop, read when it has ended
			took  [8]int
		)
		for i := range ran {
			group.Go(func() {
				for n := 0; ; n++ {
					ok := l.Post(func() {
						if ran[i] != n {
							t.Errorf("goroutine %d: its function %d ran as number %d", i, n, ran[i])
						}
						ran[i]++
					})
					if !ok {
						return
					}
					took[i]++
				}
			})
		}
		runtime.Gosched()
		l.Stop()
		group.Wait()
		if ran != took {
			t.Fatalf("posted %d, ran %d", took, ran)
		}
		if l.Post(func() {}) {
			t.Error("a stopped loop takes more")
		}
		l.Stop() // a second time does no harm
	}
}

// A driver that has more to deliver gets another turn without a wait.
func TestMoreToDeliver(t *testing.T) {
	d := &insatiable{app: &app{}, done: make(chan struct{})}
	d.start(t)
	l, err := New(Config{}, d)
	if err != nil {
		t.Skip(err)
	}
	go l.Run()
	l.Post(func() {}) // the first turn; the others come by themselves
	<-d.done
	l.Stop()
}

// insatiable has something to deliver for a hundred turns.
type insatiable struct {
	*app
	turns int
	done  chan struct{}
}

func (d *insatiable) Deliver() (more bool) {
	if d.turns++; d.turns == 100 {
		close(d.done)
	}
	return d.turns < 100
}

// The collector stops the world while a loop waits and keeps its processor: by a signal,
// or, in a second process that must not send any, when the wait ends by itself. Whoever
// posts need not wait for that.
func TestDedicated(t *testing.T) {
	const noSignals = "asyncpreemptoff=1"
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	l := runWith(t, &app{}, Config{Dedicated: true})
	conn, _, _, err := ws.Dial(context.Background(), "ws://"+listen(t, l)+"/chat")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 20 {
		wantEcho(t, conn, ws.OpText, "x")
		runtime.GC()
		on(t, l, func() {})
	}
	if os.Getenv("GODEBUG") == noSignals {
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^TestDedicated$", "-test.count=1")
	again.Env = append(os.Environ(), "GODEBUG="+noSignals)
	out, err := again.CombinedOutput()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("an emulator runs this, and the system not by itself: ", err)
	}
	if err != nil {
		t.Errorf("without signals: %v\n%s", err, out)
	}
}

// Stop closes every connection, whatever its phase, and leaves no descriptor. So
// does Adopt when the loop has stopped.
func TestStopClosesEverything(t *testing.T) {
	descriptors(t) // the first socket of a process makes the runtime open some
	before := -1
	for range 3 {
		a := &app{}
		a.connect = func(s *session) {
			if s.c.Key > 1 {
				s.c.Accept(nil, nil)
			}
		}
		l := run(t, a)
		var others []net.Conn
		adopt := func(wire string) {
			fd, other, err := Pipe()
			if err != nil {
				t.Fatal(err)
			}
			l.Adopt(fd, netip.AddrPort{}, []byte(wire))
			others = append(others, other)
		}
		adopt(clientHead)                               // waiting
		adopt(clientHead)                               // open
		adopt(clientHead + string(binary("12345"))[:9]) // open, with a body
		adopt("GET / ")                                 // opening
		adopt("nonsense\n")                             // refused, lingering
		on(t, l, func() {})
		on(t, l, func() {})
		l.Stop()
		adopt(clientHead) // too late
		for i, other := range others {
			if _, err := io.ReadAll(other); err != nil {
				t.Errorf("connection %d ended with %v", i, err)
			}
			other.Close()
		}
		if now := descriptors(t); before >= 0 && now != before {
			t.Errorf("%d descriptors are open, before there were %d", now, before)
		} else {
			before = now
		}
	}
}

// descriptors returns how many descriptors the process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(fds)
}

// A loop that waits wakes for the next deadline, and for nothing before it.
func TestRealClock(t *testing.T) {
	a := &app{settings: Settings{ConnectTimeout: 150 * time.Millisecond}}
	a.connect = func(*session) {}
	l := run(t, a)
	fd, other, err := Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	start := time.Now()
	l.Adopt(fd, netip.AddrPort{}, []byte(clientHead))
	got, err := io.ReadAll(other)
	took := time.Since(start)
	if !strings.HasPrefix(string(got), "HTTP/1.1 503") || err != nil || took < 150*time.Millisecond-tickLength || took > 5*time.Second {
		t.Errorf("after %v: %q, %v", took, got, err)
	}
	on(t, l, func() {
		if n := l.Stats().Turns; n > 20 {
			t.Errorf("waiting took %d turns", n)
		}
	})
}

// TestPostAfterPost: what is posted to a loop that has just run what was posted before
// runs, too: the report that woke it is no connection's.
func TestPostAfterPost(t *testing.T) {
	l := run(t, &app{})
	ran := 0
	for range 5000 {
		on(t, l, func() { ran++ })
	}
	if ran != 5000 {
		t.Errorf("%d of 5000 have run", ran)
	}
}

package runtime_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// resuming is a tenant whose guest resumes connections, and wants to hear when it
// is to stop.
func resuming(t *testing.T) runtime.Tenant {
	return runtime.Tenant{Name: "test", Module: readGuest(t, "puppet-resume")}
}

// serveResuming has it at "/", and a gate on the same loop.
func serveResuming(t *testing.T) (*testServer, *gate) {
	g := newGate()
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{resuming(t), g.tenant()},
		Routes:  []runtime.Route{{Pattern: "/gate", Tenant: "gate"}, {Pattern: "/{path...}", Tenant: "test"}},
		Loops:   1,
	})
	return s, g
}

// seesResumes returns the next events, which must be resumes of these connections
// in any order, by what the puppet says of them.
func (o observer) seesResumes(conns map[uint64]string) {
	o.t.Helper()
	for len(conns) > 0 {
		got := o.sees()
		want, ok := conns[got.Conn]
		if got.Kind != abi.Resume || !ok || got.reason != want {
			o.t.Fatalf("the fresh instance sees %v, want a resume among %v", got, conns)
		}
		delete(conns, got.Conn)
	}
}

// TestResume: the connection whose event it was closes, the others go on with a
// fresh instance under the same handles, with what was attached to them and the
// topics that they are in.
func TestResume(t *testing.T) {
	s, _ := serveResuming(t)
	o := s.observe(t, "/o")
	a := s.dial(t, "/a")
	ca := o.seesKind(abi.Connect).Conn
	b := s.dial(t, "/b?x=y")
	cb := o.seesKind(abi.Connect).Conn
	a.command(command{record(abi.Attach), "something"}, command{record(abi.Subscribe), "topic"})
	o.seesKind(abi.Message)
	for range 3 {
		c := s.dial(t, "/c")
		o.seesKind(abi.Connect)
		c.send(ws.OpBinary, trapScript)
		o.seesResumes(map[uint64]string{ca: "/a something", cb: "/b"})
		c.expectClose(1011, "handler failed")
		a.echoes(ws.OpText, []byte("still here"))
		b.echoes(ws.OpText, textOf(100_000))
		if err := s.Publish("test", "topic", true, []byte("to a")); err != nil {
			t.Fatal(err)
		}
		a.expect("to a")
		o.seesKind(abi.Message)
		o.seesKind(abi.Message)
	}
	a.closes(1000, "")
	if e := o.sees(); e.Kind != abi.Close || e.Conn != ca {
		t.Errorf("%v, want the close of a", e)
	}
	b.closes(1000, "")
	if e := o.sees(); e.Kind != abi.Close || e.Conn != cb {
		t.Errorf("%v, want the close of b", e)
	}
	o.echoes(ws.OpText, []byte("nothing more"))
	if n := s.logged("event=message"); n != 3 {
		t.Errorf("%d traps were logged with their event, want 3", n)
	}
	if n := s.logs.count("wherry_v1_turn"); n < 3 {
		t.Errorf("%d traps were logged with the guest's stack, want 3", n)
	}
}

// TestRedelivery: what else was in the turn is delivered to the fresh instance: the
// messages of others in their order, a handshake, and an end, once.
func TestRedelivery(t *testing.T) {
	s, g := serveResuming(t)
	holder := s.dial(t, "/gate")
	o := s.observe(t, "/o")
	a, b, c := s.dial(t, "/a"), s.dial(t, "/b"), s.dial(t, "/c")
	var conns []uint64
	for range 3 {
		conns = append(conns, o.seesKind(abi.Connect).Conn)
	}
	half := clientFrame(ws.OpText, textOf(200_000))
	b.write(half[:150_000]) // in memory of the instance's by then
	a.echoes(ws.OpText, []byte("b was read"))

	release := g.hold(t, holder)
	for i := range 100 {
		a.say(fmt.Sprint("before ", i))
	}
	c.send(ws.OpBinary, trapScript)
	a.say("last")
	a.sendClose(4000, "bye")
	b.write(half[150_000:])
	late, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	late.SetDeadline(time.Now().Add(patience))
	late.Write([]byte(upgradeRequest("/late") + "\r\n"))
	release()

	for i := range 100 {
		a.expect(fmt.Sprint("before ", i))
	}
	a.expect("last")
	a.readClose(4000, "bye")
	a.expectEnd()
	b.expect(string(textOf(200_000)))
	c.expectClose(1011, "handler failed")
	if r, err := http.ReadResponse(bufio.NewReader(late), nil); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("the late one was answered with %v, %v", r, err)
	}
	b.closes(1000, "")
	closes := make(map[uint64]int)
	for closes[conns[1]] == 0 {
		if e := o.sees(); e.Kind == abi.Close {
			closes[e.Conn]++
		}
	}
	if closes[conns[0]] != 1 || closes[conns[2]] != 0 {
		t.Errorf("close events %v; want one of a, and none of c", closes)
	}
	if n := s.logged("error=guest_trapped"); n != 1 {
		t.Errorf("%d traps, want 1", n)
	}
}

// TestPoison: whatever the guest says about where it was, the host and the others
// are not harmed.
func TestPoison(t *testing.T) {
	cursor := func(at uint32) command { return command{abi.Record{Kind: puppetCursor, Code: at}, ""} }
	wipe := func(with uint32) command { return command{abi.Record{Kind: puppetWipe, Code: with}, ""} }
	trap := command{Record: record(puppetTrap)}
	for _, tc := range []struct {
		name   string
		script []byte
	}{
		{"honest", script(trap)},
		{"a cursor behind the last event", script(cursor(1), trap)},
		{"the greatest cursor", script(cursor(1<<32-1), trap)},
		{"after a flush", script(command{record(puppetFlush), ""}, trap)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, _ := serveResuming(t)
			o := s.observe(t, "/o")
			a := s.dial(t, "/a")
			c := s.dial(t, "/c")
			for range 2 {
				o.seesKind(abi.Connect)
			}
			c.send(ws.OpBinary, tc.script)
			c.expectClose(1011, "handler failed")
			a.echoes(ws.OpText, []byte("still here"))
			a.closes(1000, "")
			o.seesKind(abi.Resume)
			o.seesKind(abi.Close)
			o.echoes(ws.OpText, []byte("nothing more"))
		})
	}
	// A guest that overwrites its inbox has no events to be told again, and nobody
	// to be blamed.
	for _, with := range []uint32{0, 3, 0xff} {
		t.Run(fmt.Sprint("an inbox of ", with), func(t *testing.T) {
			s, _ := serveResuming(t)
			o := s.observe(t, "/o")
			c := s.dial(t, "/c")
			o.seesKind(abi.Connect)
			c.send(ws.OpBinary, script(wipe(with)))
			o.seesKind(abi.Resume)
			c.echoes(ws.OpText, []byte("still here"))
			c.closes(1000, "")
			o.seesKind(abi.Close)
			o.echoes(ws.OpText, []byte("nothing more"))
		})
	}
}

// TestTrapOnClose: a guest that traps at the end of a connection does not hear of
// that end again, and the client sees none of it.
func TestTrapOnClose(t *testing.T) {
	s, _ := serveResuming(t)
	o := s.observe(t, "/o")
	a := s.dial(t, "/a")
	o.seesKind(abi.Connect)
	c := s.dial(t, "/c")
	cc := o.seesKind(abi.Connect).Conn
	c.command(command{abi.Record{Kind: puppetTrapAt, Code: uint32(abi.Close)}, ""})
	o.seesKind(abi.Message)
	c.closes(1000, "")
	if e := o.sees(); e.Kind == abi.Close && e.Conn == cc {
		o.seesKind(abi.Resume)
	}
	a.echoes(ws.OpText, []byte("still here"))
	o.seesKind(abi.Message)
	o.echoes(ws.OpText, []byte("nothing more"))
	if n := s.logged("event=close"); n != 1 {
		t.Errorf("%d traps at a close event were logged, want 1", n)
	}
}

// TestResumeWaits: a handshake that waits is told to the fresh instance as it was
// to the last, and that can answer it.
func TestResumeWaits(t *testing.T) {
	s, _ := serveResuming(t)
	o := s.observe(t, "/o")
	waiting := make(chan *http.Response, 1)
	go func() { waiting <- s.ask(t, upgradeRequest("/w?wait")+"\r\n") }()
	w := o.seesKind(abi.Connect).Conn
	c := s.dial(t, "/c")
	o.seesKind(abi.Connect)
	c.send(ws.OpBinary, trapScript)
	c.expectClose(1011, "handler failed")
	if e := o.seesKind(abi.Connect); e.Conn != w {
		t.Errorf("%v, want the connect of %x again", e, w)
	}
	o.command(command{abi.Record{Kind: abi.Reject, Conn: w, Code: 418}, ""})
	if r := await(t, waiting, "answer"); r.StatusCode != 418 {
		t.Errorf("answered with %s, want what the fresh instance said", r.Status)
	}
	if e := o.seesKind(abi.Close); e.Conn != w {
		t.Errorf("%v, want the close of %x", e, w)
	}
}

// TestBackoff: a tenant that traps again and again is not reached for a while; its
// connections that go on have an instance again when one may be started.
func TestBackoff(t *testing.T) {
	s, _ := serveResuming(t)
	a := s.dial(t, "/a")
	for range 5 {
		c := s.dial(t, "/c")
		c.send(ws.OpBinary, trapScript)
		c.expectClose(1011, "handler failed")
	}
	r := s.ask(t, upgradeRequest("/c")+"\r\n")
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") != "1" || len(r.Header.Values("Retry-After")) != 1 {
		t.Errorf("answered with %s, Retry-After %q; want a 503 and 1", r.Status, r.Header.Values("Retry-After"))
	}
	a.echoes(ws.OpText, []byte("with the next instance"))
	for r.StatusCode != http.StatusSwitchingProtocols {
		if r = s.ask(t, upgradeRequest("/c")+"\r\n"); r.StatusCode != http.StatusServiceUnavailable && r.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("answered with %s", r.Status)
		}
	}
	a.echoes(ws.OpText, []byte("still here"))
	if n := s.logged("error=guest_backoff"); n != 1 {
		t.Errorf("%d back-offs were logged, want 1", n)
	}
}

// TestStopOnShutdown: a guest that wants to is told that the server ends, and then
// of the end of each connection.
func TestStopOnShutdown(t *testing.T) {
	s, _ := serveResuming(t)
	o := s.observe(t, "/o")
	a := s.dial(t, "/a")
	o.seesKind(abi.Connect)
	done := make(chan struct{})
	go func() { defer close(done); stop(s.Server) }()
	if e := o.sees(); e.Record != (abi.Record{Kind: abi.Stop, Code: abi.StopShutdown}) {
		t.Errorf("%v, want a stop", e)
	}
	a.readClose(1001, "server is shutting down")
	<-done
}

// ---- Replacing a module. ----

// edition returns a module that is another one and does the same.
func edition(wasm []byte, n int) []byte {
	name := fmt.Sprintf("edition %08d", n)
	section := append([]byte{byte(len(name))}, name...)
	return append(append(append([]byte(nil), wasm...), 0, byte(len(section))), section...)
}

// TestReload: sockets stay open, the old instance hears that it stops, the new one
// of the connections that there are.
func TestReload(t *testing.T) {
	s, _ := serveResuming(t)
	o := s.observe(t, "/o")
	a := s.dial(t, "/a")
	ca := o.seesKind(abi.Connect).Conn
	a.command(command{record(abi.Attach), "something"})
	o.seesKind(abi.Message)
	for i := range 3 {
		if err := s.Reload("test", edition(readGuest(t, "puppet-resume"), i)); err != nil {
			t.Fatal(err)
		}
		if e := o.sees(); e.Record != (abi.Record{Kind: abi.Stop, Code: abi.StopDeploy}) {
			t.Errorf("%v, want a stop", e)
		}
		o.seesResumes(map[uint64]string{ca: "/a something"})
		a.echoes(ws.OpText, []byte("still here"))
		o.seesKind(abi.Message)
	}
	a.closes(1000, "")
	if e := o.sees(); e.Kind != abi.Close || e.Conn != ca {
		t.Errorf("%v, want the close of a", e)
	}
}

// TestReloadCloses: who cannot go on with the new module is told to come back, and
// finds it.
func TestReloadCloses(t *testing.T) {
	s, _ := serveResuming(t)
	a := s.dial(t, "/a")
	waiting := make(chan *http.Response, 1)
	o := s.observe(t, "/o")
	go func() { waiting <- s.ask(t, upgradeRequest("/w?wait")+"\r\n") }()
	o.seesKind(abi.Connect)
	if err := s.Reload("test", readGuest(t, "puppet")); err != nil {
		t.Fatal(err)
	}
	a.expectClose(1012, "handler was replaced")
	if r := await(t, waiting, "answer"); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("the handshake that waited was answered with %s", r.Status)
	}
	s.dial(t, "/a").echoes(ws.OpText, []byte("with the new module"))
}

// TestReloadRefused: what runs is not touched by a module that is refused.
func TestReloadRefused(t *testing.T) {
	g := newGate()
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "test", Module: readGuest(t, "puppet"), Limits: runtime.Limits{MemoryPages: 20}}, g.tenant()},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "test"}, {Pattern: "/gate", Tenant: "gate"}},
	})
	a := s.dial(t, "/")
	for name, wasm := range map[string][]byte{"no module": []byte("hello"), "half of one": readGuest(t, "puppet")[:1000]} {
		var refused *runtime.ModuleError
		if err := s.Reload("test", wasm); !errors.As(err, &refused) || refused.Tenant != "test" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Reload("nobody", nil); err != runtime.ErrNotFound {
		t.Errorf("an unknown tenant: %v", err)
	}
	if err := s.Reload("gate", readGuest(t, "puppet")); err != runtime.ErrNative {
		t.Errorf("a native handler: %v", err)
	}
	a.echoes(ws.OpText, []byte("still here"))
	stop(s.Server)
	if err := s.Reload("test", readGuest(t, "puppet")); err != runtime.ErrServerClosed {
		t.Errorf("after Shutdown: %v", err)
	}
}

// TestReloadUnderLoad replaces the module again and again while messages fly:
// none is lost, none comes twice, and memory does not grow.
func TestReloadUnderLoad(t *testing.T) {
	reloads := 20
	if os.Getenv("WHERRY_LONG") != "" {
		reloads = 1000
	}
	wasm := readGuest(t, "puppet-resume")
	for _, loops := range []int{1, 2} {
		t.Run(fmt.Sprint(loops, " loops"), func(t *testing.T) {
			s := serve(t, runtime.Config{
				Tenants: []runtime.Tenant{resuming(t)},
				Routes:  []runtime.Route{{Pattern: "/", Tenant: "test", Placement: runtime.PerLoop}},
				Loops:   loops,
			})
			quit, done := make(chan struct{}), make(chan int)
			for range 4 {
				c := s.dial(t, "/")
				c.SetDeadline(time.Time{})
				go func() {
					n := 0
					defer func() { done <- n }()
					for ; ; n++ {
						select {
						case <-quit:
							return
						default:
							c.echoes(ws.OpText, []byte(strings.Repeat("x", n%3000)))
						}
					}
				}()
			}
			var before uint64
			for i := range reloads {
				if err := s.Reload("test", edition(wasm, i)); err != nil {
					t.Fatal(err)
				}
				if i == reloads/10 {
					before = liveBytes()
				}
			}
			after := liveBytes()
			close(quit)
			for range 4 {
				if n := await(t, done, "end of a client"); n == 0 {
					t.Error("a client was not served at all")
				}
			}
			t.Logf("live heap %d KiB after a tenth of %d reloads, %d KiB after all", before>>10, reloads, after>>10)
			if after > before+4<<20 {
				t.Errorf("memory grew by %d bytes", after-before)
			}
		})
	}
}

// TestLives: connections come, talk, end and poison their guest in every way at
// once, while its module is replaced. Who is not to blame gets every message back,
// in order, and in the end nothing is left of any of them.
func TestLives(t *testing.T) {
	lives, clients := 40, 8
	if os.Getenv("WHERRY_LONG") != "" {
		lives = 1000
	}
	wasm := readGuest(t, "puppet-resume")
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{resuming(t)},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "test", Placement: runtime.PerLoop}},
		Loops:   2,
	})
	var group sync.WaitGroup
	for k := range clients {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(k), 1))
			for range lives {
				live(t, s, random)
			}
		})
	}
	done := make(chan struct{})
	go func() { defer close(done); group.Wait() }()
	for i := 0; ; i++ { // which ends back-offs, too
		if err := s.Reload("test", edition(wasm, i)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		default:
			continue
		}
		break
	}
	for end := time.Now().Add(patience); s.Stats().Conns > 0; {
		if time.Now().After(end) {
			t.Fatalf("%d connections are left", s.Stats().Conns)
		}
	}
	stats, err := s.TenantStats("test")
	if err != nil || stats.Conns != 0 || stats.Instances > 2 {
		t.Errorf("%+v, %v; want no connections and two instances at most", stats, err)
	}
	t.Logf("%+v", stats)
}

// live is one connection's life.
func live(t *testing.T, s *testServer, random *rand.Rand) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * patience))
	conn.Write([]byte(upgradeRequest("/") + "\r\n"))
	r := bufio.NewReader(conn)
	if response, err := http.ReadResponse(r, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		if err != nil || response.StatusCode != http.StatusServiceUnavailable && response.StatusCode != http.StatusInternalServerError {
			t.Errorf("answered with %v, %v", response, err)
		}
		return
	}
	n := random.IntN(20)
	var out []byte
	for i := range n {
		out = append(out, clientFrame(ws.OpText, fmt.Appendf(nil, "%d %s", i, textOf(random.IntN(5000))))...)
	}
	if random.IntN(10) == 0 {
		out = append(out, clientFrame(ws.OpText, textOf(random.IntN(300_000)))...)
		n++
	}
	ending := random.IntN(8)
	if ending == 0 {
		conn.Write(append(out, clientFrame(ws.OpBinary, trapScript)...))
		return
	}
	go conn.Write(out)
	for i := range n {
		f, err := ws.ReadFrame(r)
		if err != nil || f.Header.OpCode != ws.OpText {
			t.Errorf("message %d of %d: %v %.100q, %v", i, n, f.Header, f.Payload, err)
			return
		}
		if i < 20 && len(f.Payload) > 0 && !strings.HasPrefix(string(f.Payload), fmt.Sprintf("%d ", i)) && i != n-1 {
			t.Errorf("message %d of %d is %.20q", i, n, f.Payload)
			return
		}
	}
	if ending < 3 {
		return // it vanishes
	}
	ws.WriteFrame(conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(4000, "bye"))))
	f, err := ws.ReadFrame(r)
	if err != nil || f.Header.OpCode != ws.OpClose || string(f.Payload) != "\x0f\xa0bye" {
		t.Errorf("in answer to the close: %v %q, %v", f.Header, f.Payload, err)
	}
}

// liveBytes returns what is left on the heap after a collection.
func liveBytes() uint64 {
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return m.HeapAlloc
}

package netpoll

import (
	"errors"
	"net"
	"testing"
	"time"
	"unsafe"
)

// A world is a loop that a test steps by hand, with a clock that a test moves,
// the app above it and the peers at the other ends. Nothing in it runs on its own.
type world struct {
	t     testing.TB
	app   *app
	loop  *Loop
	now   time.Duration
	peers []*peer
	fd    int // listening socket, or 0
	addr  net.Addr

	scratch [64 << 10]byte
}

// newWorld returns a world and checks at the end of the test that it left nothing.
func newWorld(t testing.TB, a *app) *world { return newWorldWith(t, a, Config{}) }

func newWorldWith(t testing.TB, a *app, config Config) *world {
	t.Helper()
	w := &world{t: t, app: a}
	a.start(t)
	config.Clock = func() time.Duration { return w.now }
	loop, err := New(config, a)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.loop = loop
	t.Cleanup(w.end)
	return w
}

func (w *world) end() {
	w.loop.shut()
	w.loop.freeDead()
	if !w.app.keep {
		w.checkEmpty()
	}
	w.app.finish()
	for _, p := range w.peers {
		p.close()
	}
	if w.fd > 0 {
		CloseSocket(w.fd)
	}
}

// checkEmpty checks that the loop holds nothing for any connection.
func (w *world) checkEmpty() {
	w.t.Helper()
	l := w.loop
	if l.conns.used != 0 || l.wheel.armed != 0 || len(l.dead) != 0 {
		w.t.Errorf("without connections: %d slots used, %d deadlines, %d dead; want none",
			l.conns.used, l.wheel.armed, len(l.dead))
	}
}

// turn lets the peers write and read, and the loop make a turn.
func (w *world) turn() {
	w.t.Helper()
	for _, p := range w.peers {
		p.pump()
	}
	if err := w.loop.turn(false); err != nil {
		w.t.Fatal(err)
	}
	w.check()
	for _, p := range w.peers {
		p.pump()
	}
}

// until makes turns until cond is true.
func (w *world) until(what string, cond func() bool) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); !cond(); w.turn() {
		if time.Now().After(end) {
			w.t.Fatalf("still waiting until %s", what)
		}
	}
}

// quiet makes turns until the loop has nothing to do.
func (w *world) quiet() {
	w.t.Helper()
	for before := w.loop.stats; ; before = w.loop.stats {
		w.turn()
		w.turn()
		after := w.loop.stats
		if after.Reads == before.Reads && after.Writes == before.Writes && !w.loop.more {
			return
		}
	}
}

// pass moves the clock by d in steps that no deadline is lost in, and makes turns.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := w.now + d; w.now < end; {
		w.now = min(w.now+tickLength, end)
		w.turn()
	}
}

// check looks for what must never be: a buffer with two owners, output that is
// not counted, a deadline that is not linked. It poisons all free buffers.
func (w *world) check() {
	w.t.Helper()
	l := w.loop
	owners := map[*byte]string{}
	own := func(b []byte, owner string) {
		if cap(b) == 0 {
			return
		}
		p := unsafe.SliceData(b)
		if owners[p] != "" {
			w.t.Fatalf("a buffer of %d bytes belongs to %s and to %s", cap(b), owners[p], owner)
		}
		owners[p] = owner
	}
	for k, free := range l.pool.free {
		for _, b := range free {
			own(b, "the pool")
			if len(b) != 0 || cap(b) != classBytes(k) {
				w.t.Fatalf("class %d holds a buffer of %d and %d bytes", k, len(b), cap(b))
			}
			poison(b[:min(cap(b), 4096)])
		}
	}
	deadlines := 0
	l.conns.each(func(c *Conn) {
		if c.timer != 0 {
			deadlines++
		}
		if x := c.more; x != nil {
			own(x.spill, "a spill")
			own(x.protocols, "a list of protocols")
			if !x.body.reserved {
				own(x.body.buf, "a body")
			}
		}
		if q := c.out; q != nil {
			bytes := 0
			for _, s := range q.segments[q.first:] {
				bytes += len(s.buf) - s.off
				if !s.shared {
					own(s.buf, "a queue")
				}
			}
			if bytes != q.bytes {
				w.t.Fatalf("a queue counts %d bytes and holds %d", q.bytes, bytes)
			}
			if q.bytes == 0 || !c.is(wantWrite) {
				w.t.Fatalf("a queue of %d bytes is left after a turn, and wantWrite is %v", q.bytes, c.is(wantWrite))
			}
		}
	})
	if deadlines != l.wheel.armed {
		w.t.Fatalf("%d connections have a deadline, and the wheel counts %d", deadlines, l.wheel.armed)
	}
}

func poison(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}

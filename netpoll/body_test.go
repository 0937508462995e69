package netpoll

import (
	"testing"
	"unsafe"

	"github.com/gobwas/ws"
)

// An arena gives memory for messages with its neighbours in sight.
type arena struct {
	memory [4 << 20]byte
	next   int
	asked  []int
}

func (a *arena) reserve(n int) []byte {
	a.asked = append(a.asked, n)
	b := a.memory[a.next : a.next+n] // not clipped: whoever appends to it is found out
	a.next += n + 64
	return b
}

// checkGaps checks that nothing was written between the messages.
func (a *arena) checkGaps(t *testing.T) {
	t.Helper()
	at := 0
	for _, n := range a.asked {
		at += n
		for range 64 {
			if a.memory[at] != 0 {
				t.Fatalf("the byte at %d, behind a message, was written", at)
			}
			at++
		}
	}
}

// The rest of a large message is read straight into memory of the handler's.
func TestReserve(t *testing.T) {
	const size = 500_000
	var mem arena
	a := &app{reserve: mem.reserve}
	bodies := 0
	a.message = func(s *session, m *Incoming) (error, bool) {
		if b := m.Body(); b != nil {
			bodies++
			if unsafe.SliceData(b) != &mem.memory[mem.next-size-64] || len(b) != size || m.Len != size {
				t.Errorf("the body is not what Reserve returned, or not all of it")
			}
		}
		return nil, false
	}
	w := newWorld(t, a)
	p := w.open()
	for range 3 {
		wire := join(binary(pattern(size)), binary("small"))
		n := 150_000 // enough to be asked for the whole
		for ; len(wire) > 0; n = min(len(wire), 30_000) {
			p.send(wire[:n])
			wire = wire[n:]
			w.turn()
		}
		p.expect(ws.OpBinary, pattern(size))
		p.expect(ws.OpBinary, "small")
	}
	if bodies != 3 || len(mem.asked) != 3 || a.abandoned != 0 {
		t.Errorf("%d bodies, asked for %d, %d abandoned; want 3, three times, 0", bodies, mem.asked, a.abandoned)
	}
	mem.checkGaps(t)
}

// A header alone makes nobody hold memory for what it announces.
func TestReserveInProportion(t *testing.T) {
	const size = 400_000
	var mem arena
	a := &app{reserve: mem.reserve}
	w := newWorld(t, a)
	p := w.open()
	wire := binary(pattern(size))
	head := len(wire) - size
	few := size/bodyLead/4 - 1
	p.send(wire[:head+few])
	w.quiet()
	body := &a.only().c.more.body
	if most := classBytes(classOf(bodyLead * few)); len(mem.asked) != 0 || cap(body.buf) > most {
		t.Errorf("for %d bytes: asked for %d, holds %d; want nothing and at most %d", few, mem.asked, cap(body.buf), most)
	}
	p.send(wire[head+few:])
	p.expect(ws.OpBinary, pattern(size))
	mem.checkGaps(t)
}

// Abandon is called once for memory whose message will not be.
func TestAbandon(t *testing.T) {
	const size = 400_000
	whole := binary(pattern(size))
	first := clientFrame(false, ws.OpBinary, pattern(size)) // another frame follows
	badText := text(pattern(size))
	cases := []struct {
		name string
		send func(w *world, p *peer)
	}{
		{"the peer leaves", func(w *world, p *peer) { p.send(whole[:size*3/4]); w.quiet(); p.close() }},
		{"the peer resets", func(w *world, p *peer) { p.send(whole[:size*3/4]); w.quiet(); p.reset() }},
		{"the handler closes", func(w *world, p *peer) {
			p.send(whole[:size*3/4])
			w.quiet()
			w.app.only().c.Close(1000, "", ByHandler)
			p.send(whole[size*3/4:])
			p.send(closeFrame(1000, ""))
		}},
		{"the handler fails", func(w *world, p *peer) {
			p.send(whole[:size*3/4])
			w.quiet()
			w.app.only().c.Fail(1011, "")
		}},
		{"a close frame inside", func(w *world, p *peer) { p.send(first); w.quiet(); p.send(closeFrame(1000, "")) }},
		{"it is fragmented", func(w *world, p *peer) {
			p.send(first)
			w.quiet()
			p.send(clientFrame(true, ws.OpContinuation, "end"))
			p.expect(ws.OpBinary, pattern(size)+"end")
		}},
		{"it grows too large", func(w *world, p *peer) {
			p.send(first)
			w.quiet()
			p.send(clientFrame(true, ws.OpContinuation, pattern(1<<20)))
		}},
		{"it is not UTF-8", func(w *world, p *peer) { p.send(badText) }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var mem arena
			a := &app{reserve: mem.reserve}
			w := newWorld(t, a)
			p := w.openTCP()
			tc.send(w, p)
			w.quiet()
			if len(mem.asked) != a.abandoned || tc.name != "it is not UTF-8" && a.abandoned == 0 {
				t.Errorf("reserved %d, abandoned %d", mem.asked, a.abandoned)
			}
			mem.checkGaps(t)
		})
	}
}

// A handler that returns an error for a message in its own memory gets it back.
func TestAbandonRefusedMessage(t *testing.T) {
	var mem arena
	a := &app{reserve: mem.reserve}
	a.message = func(*session, *Incoming) (error, bool) { return ErrNoRoom, true }
	w := newWorld(t, a)
	p := w.openTCP()
	wire := binary(pattern(300_000))
	p.send(wire[:200_000])
	w.quiet()
	p.send(wire[200_000:])
	p.expectClose(StatusTryAgainLater, "no room for the message")
	if a.abandoned != 1 {
		t.Errorf("%d abandoned, want 1", a.abandoned)
	}
}

// A handler with no room left may deliver in the middle of Message and so end
// the very connection. The message is still whole, and its memory is nobody
// else's, until Message returns.
func TestCloseInsideMessage(t *testing.T) {
	const size = 300_000
	for name, reserve := range map[string]bool{"in our memory": false, "in the handler's": true} {
		for how, end := range map[string]func(*Conn){
			"Close": func(c *Conn) { c.Close(1000, "enough", ByHandler) },
			"Fail":  func(c *Conn) { c.Fail(1011, "enough") },
		} {
			t.Run(how+" "+name, func(t *testing.T) {
				var mem arena
				a := &app{}
				if reserve {
					a.reserve = mem.reserve
				}
				seen := 0
				a.message = func(s *session, m *Incoming) (error, bool) {
					seen++
					end(s.c)
					other := s.c.loop.pool.get(m.Len) // what a Send could get now
					poison(other[:cap(other)])
					s.c.loop.pool.put(other)
					got := m.Body()
					if got == nil {
						got = make([]byte, m.Len)
						m.Copy(got)
					} else {
						a.settle(got, "Message")
					}
					if string(got) != pattern(size) {
						t.Error("the message changed while it was handed over")
					}
					return nil, true
				}
				w := newWorld(t, a)
				p := w.openTCP()
				wire := join(binary(pattern(size)), binary("nobody sees this"))
				p.send(wire[:size*3/4])
				w.quiet()
				p.send(wire[size*3/4:])
				w.quiet()
				if seen != 1 || a.abandoned != 0 {
					t.Errorf("%d messages seen, %d abandoned", seen, a.abandoned)
				}
			})
		}
	}
}

// Reserve may end the connection as well, by a trap for one.
func TestEndInsideReserve(t *testing.T) {
	var mem arena
	cases := []struct {
		name    string
		reserve func(c *Conn, n int) []byte
		code    ws.StatusCode
	}{
		{"Fail", func(c *Conn, n int) []byte { c.Fail(1011, "end"); return nil }, 1011},
		{"Close", func(c *Conn, n int) []byte { c.Close(1000, "end", ByHandler); return nil }, 1000},
		{"Close and memory", func(c *Conn, n int) []byte { c.Close(1000, "end", ByHandler); return mem.reserve(n) }, 1000},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			a := &app{}
			a.reserve = func(n int) []byte { return tc.reserve(a.only().c, n) }
			w := newWorld(t, a)
			p := w.openTCP()
			p.send(join(clientFrame(false, ws.OpBinary, "x"), clientFrame(true, ws.OpContinuation, pattern(100_000))))
			p.send(closeFrame(tc.code, "end"))
			p.expectClose(tc.code, "end")
			if a.only().received != 0 {
				t.Error("a message came after the end")
			}
		})
	}
}

// An error that Message returns for a connection that it has just closed does
// not send a second close frame.
func TestErrorAfterCloseInsideMessage(t *testing.T) {
	a := &app{}
	a.message = func(s *session, m *Incoming) (error, bool) {
		s.c.Close(1000, "enough", ByHandler)
		return ErrNoRoom, true
	}
	w := newWorld(t, a)
	p := w.openTCP()
	p.send(join(binary("x"), binary("y")))
	p.expectClose(1000, "enough")
	wantEnd(t, a.only(), End{Code: 1000, Cause: ByHandler, Opened: true}, "enough")
}

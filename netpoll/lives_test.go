package netpoll

import (
	encoding "encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A life is a client that does random things and knows what must come back: its
// messages, in order, each with a number in front, up to where it ends.
type life struct {
	*peer
	rnd      *rand.Rand
	wire     []byte // made and not sent yet
	sent     uint32 // messages in wire or sent
	echoed   uint32
	finished bool // no more messages: a close frame, garbage or the end came behind them

	pattern string // of which messages are made
}

const longestLife = 300_000 // bytes of a message, without its number

// message returns a numbered message of random size in random fragments, with
// pings between them.
func (f *life) message() []byte {
	payload := encoding.BigEndian.AppendUint32(nil, f.sent)
	payload = append(payload, f.pattern[:f.size()]...)
	f.sent++
	var wire []byte
	op := ws.OpBinary
	for f.rnd.IntN(3) == 0 {
		n := f.rnd.IntN(len(payload) + 1)
		wire = append(wire, clientFrame(false, op, string(payload[:n]))...)
		wire = append(wire, ping("between")...)
		payload, op = payload[n:], ws.OpContinuation
	}
	return append(wire, clientFrame(true, op, string(payload))...)
}

func (f *life) size() int {
	switch f.rnd.IntN(10) {
	case 0:
		return f.rnd.IntN(longestLife)
	case 1, 2:
		return f.rnd.IntN(20_000)
	}
	return f.rnd.IntN(200)
}

// act does one random thing.
func (f *life) act() {
	f.slow = f.rnd.IntN(4) == 0
	if len(f.wire) == 0 && !f.finished {
		switch f.rnd.IntN(60) {
		case 0:
			f.wire, f.finished = closeFrame(1000, "done"), true
		case 1:
			f.wire, f.finished = []byte{0xff}, true
		case 2:
			f.finished = true
			endStream(f.fd)
		case 3:
			f.finished = true
			f.reset()
		default:
			f.wire = f.message()
		}
	}
	if n := min(len(f.wire), 1+f.rnd.IntN(100_000)); n > 0 && len(f.out) == 0 && f.fd >= 0 {
		f.send(f.wire[:n])
		f.wire = f.wire[n:]
	}
}

// check looks at what came back.
func (f *life) check() {
	for op, payload, ok := f.next(); ok; op, payload, ok = f.next() {
		if op != ws.OpBinary {
			continue
		}
		if len(payload) < 4 || encoding.BigEndian.Uint32(payload) != f.echoed {
			f.w.t.Fatalf("instead of echo %d of %d came %d bytes %.20q", f.echoed, f.sent, len(payload), payload)
		}
		if string(payload[4:]) != f.pattern[:len(payload)-4] {
			f.w.t.Fatalf("echo %d was damaged", f.echoed)
		}
		f.echoed++
	}
}

// Many random lives on one loop, above which an app delivers at random moments,
// reserves memory at random, and closes connections at random. world.check looks
// at every buffer after every turn, and the app at every callback.
func TestRandomLives(t *testing.T) {
	messages := pattern(longestLife)
	for seed := range uint64(2) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		a := &app{settings: Settings{SendBytes: 64 << 20, StallTimeout: 20 * time.Second, CloseTimeout: 5 * time.Second}}
		a.reserve = func(n int) []byte {
			if rnd.IntN(2) == 0 {
				return nil
			}
			return make([]byte, n)
		}
		a.message = func(*session, *Incoming) (error, bool) {
			if rnd.IntN(5) == 0 {
				a.Deliver() // as one that has no room left
			}
			return nil, false
		}
		a.receive = func(s *session, op ws.OpCode, p []byte) {
			if s.released {
				return
			}
			if rnd.IntN(300) == 0 {
				s.c.Close(4000, "enough", ByHandler)
			}
			s.c.Send(op, p)
			if rnd.IntN(300) == 0 {
				s.c.Fail(1011, "broken")
			}
		}
		w := newWorld(t, a)
		var lives []*life
		echoed := uint32(0)
		for range 300 {
			if len(lives) < 20 {
				f := &life{peer: w.openTCP(), rnd: rnd, pattern: messages}
				lives = append(lives, f)
			}
			for i := len(lives) - 1; i >= 0; i-- {
				f := lives[i]
				f.act()
				f.check()
				if f.ended != nil || f.fd < 0 {
					echoed += f.echoed
					f.close()
					f.slow = true
					lives = append(lives[:i], lives[i+1:]...)
				}
			}
			w.now += tickLength / 2
			w.turn()
		}
		if echoed < 150 {
			t.Errorf("only %d messages came back", echoed)
		}
		for _, f := range lives {
			f.close()
		}
		w.until("all have gone", func() bool { w.now += tickLength; return w.loop.conns.used == 0 })
		w.checkEmpty()
	}
}

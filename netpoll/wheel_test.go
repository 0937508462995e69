package netpoll

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A model is the wheel as one would write it without caring for time.
type model struct {
	now tick
	due map[*Conn]tick
}

func (m *model) arm(c *Conn, at tick) {
	if int32(at-m.now) <= 0 {
		at = m.now + 1
	}
	m.due[c] = at
}

// The wheel and the model do the same random things, among them arming and
// disarming any connection while a deadline fires, over more than a turn of the
// wheel and over the end of the tick's range.
func TestWheelAgainstModel(t *testing.T) {
	for _, start := range []tick{0, 1000, math.MaxUint32 - 700} {
		var (
			w     = wheel{now: start}
			m     = model{start, map[*Conn]tick{}}
			conns [40]Conn
			rnd   = rand.New(rand.NewPCG(1, uint64(start)))
			fired int
		)
		act := func() {
			c := &conns[rnd.IntN(len(conns))]
			if rnd.IntN(4) == 0 {
				w.disarm(c)
				delete(m.due, c)
				return
			}
			at := w.now + tick(rnd.IntN(3*wheelSlots)) - 5 // sometimes in the past
			if rnd.IntN(2) == 0 {
				at = w.now + tick(rnd.IntN(10))
			}
			m.now = w.now
			w.arm(c, at)
			m.arm(c, at)
		}
		fire := func(c *Conn) {
			if due, ok := m.due[c]; !ok || due != w.now {
				t.Fatalf("tick %d: fired a deadline of %d (armed: %v)", w.now, due, ok)
			}
			delete(m.due, c)
			fired++
			for range rnd.IntN(3) {
				act()
			}
		}
		for range 5000 {
			act()
			w.advance(w.now+tick(rnd.IntN(20)), fire)
			if w.armed != len(m.due) {
				t.Fatalf("tick %d: %d deadlines, want %d", w.now, w.armed, len(m.due))
			}
			for c, due := range m.due {
				if int32(due-w.now) <= 0 {
					t.Fatalf("tick %d: a deadline of %d did not fire", w.now, due)
				}
				if in := w.next(); in > time.Duration(due-w.now)*tickLength {
					t.Fatalf("tick %d: next is in %v, which is behind %d", w.now, in, due)
				}
				if c.timer == 0 {
					t.Fatal("an armed connection is on no list")
				}
			}
		}
		if fired < 1000 {
			t.Errorf("only %d deadlines fired", fired)
		}
	}
}

// All deadlines of a tick are on the list that fires while the first one is
// handled: it must be able to end the others.
func TestWheelDisarmWhileFiring(t *testing.T) {
	var (
		w     wheel
		conns [3]Conn
		fired int
	)
	for i := range conns {
		w.arm(&conns[i], 5)
	}
	w.advance(5, func(*Conn) {
		fired++
		for i := range conns {
			w.disarm(&conns[i])
		}
	})
	if fired != 1 || w.armed != 0 {
		t.Errorf("%d fired and %d are left, want 1 and 0", fired, w.armed)
	}
}

func TestWheelNext(t *testing.T) {
	var (
		w wheel
		c Conn
	)
	if got := w.next(); got >= 0 {
		t.Errorf("without a deadline, next is in %v", got)
	}
	for _, at := range []tick{1, 7, wheelSlots - 1, wheelSlots, wheelSlots + 3} {
		w.arm(&c, at)
		want := time.Duration(at) * tickLength
		if at > wheelSlots {
			want = time.Duration(at-wheelSlots) * tickLength // to look again
		}
		if got := w.next(); got != want {
			t.Errorf("with a deadline at %d, next is in %v, want %v", at, got, want)
		}
	}
}

func TestTicks(t *testing.T) {
	cases := []struct {
		d    time.Duration
		want tick
	}{
		{0, 0},
		{1, 1},
		{tickLength, 1},
		{tickLength + 1, 2},
		{time.Hour, 56250},
		{deadlineMax, 1 << 29},
		{math.MaxInt64, 1 << 29}, // "for ever" is not in the past
	}
	for _, tc := range cases {
		if got := ticks(tc.d); got != tc.want {
			t.Errorf("ticks(%v) = %d, want %d", tc.d, got, tc.want)
		}
	}
}

package runtime

import (
	"container/heap"
	"time"

	"github.com/seed-c6589352/wherry/abi"
)

// Timers of programs. They are finer than the deadlines of connections and there
// can be more of them than connections, so they have a heap for each home and
// not a place on the loop's wheel. Their time is the clock that programs see, in
// milliseconds, rounded up: none fires early.
//
// A timer that is due stays in its heap until its event is in the inbox. So the
// limit on timers bounds the events that wait as well, and a timer that was
// cancelled never fires.

// minTimer is the shortest time that a timer is armed for, in milliseconds: a
// guest must not keep its loop awake all the time.
const minTimer = 10

// Most timers are moved later again and again before they fire. That only notes
// the new time: a timer keeps its place in the heap, and is put where it belongs
// when it comes to the front.

// timers are those of one instance. Owned by the loop. Arming one again, or one
// after another has fired, allocates nothing (TestTimerBudget).
type timers struct {
	due     timerHeap
	byToken map[uint64]*timer
	spare   []*timer
}

// A timer is armed, or spare.
type timer struct {
	token uint64
	at    int64 // when it is due, in milliseconds of the shard's clock
	place int64 // what its place in the heap is for: at, or earlier
	index int   // in the heap
}

// arm arms the timer token, or moves it. It reports false, and does nothing, if
// there are limit others.
func (t *timers) arm(token uint64, at int64, limit int) bool {
	if armed := t.byToken[token]; armed != nil {
		armed.at = at
		if at < armed.place {
			armed.place = at
			heap.Fix(&t.due, armed.index)
		}
		return true
	}
	if len(t.due) >= limit {
		return false
	}
	if t.byToken == nil {
		t.byToken = make(map[uint64]*timer)
	}
	var armed *timer
	if last := len(t.spare) - 1; last >= 0 {
		armed = t.spare[last]
		t.spare = t.spare[:last]
	} else {
		armed = new(timer)
	}
	armed.token, armed.at, armed.place = token, at, at
	t.byToken[token] = armed
	heap.Push(&t.due, armed)
	return true
}

// first returns the timer that is due first, or nil.
func (t *timers) first() *timer {
	for len(t.due) > 0 {
		first := t.due[0]
		if first.place == first.at {
			return first
		}
		first.place = first.at
		heap.Fix(&t.due, 0)
	}
	return nil
}

// cancel disarms the timer token, if it is armed.
func (t *timers) cancel(token uint64) {
	if armed := t.byToken[token]; armed != nil {
		t.remove(armed)
	}
}

func (t *timers) remove(armed *timer) {
	heap.Remove(&t.due, armed.index)
	delete(t.byToken, armed.token)
	t.spare = append(t.spare, armed)
}

// A timerHeap has the timer with the earliest place in front. It implements [heap.Interface].
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].place < h[j].place }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(armed any) {
	armed.(*timer).index = len(*h)
	*h = append(*h, armed.(*timer))
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	armed := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return armed
}

// setTimer arms the program's timer token to fire in ms milliseconds, or moves
// it; with 0 it cancels it.
func (h *home) setTimer(token uint64, ms uint32) abi.Status {
	switch {
	case h.program.wants()&abi.Timer.Bit() == 0:
		return abi.Denied // it would never hear of it
	case ms == 0:
		h.timers.cancel(token)
		return abi.OK
	}
	at := ceilMillis(h.shard.clock.Mono) + int64(max(ms, minTimer))
	if !h.timers.arm(token, at, h.tenant.limits.Timers) {
		return abi.Busy
	}
	h.shard.await(h, at)
	return abi.OK
}

// ceilMillis returns nanoseconds in milliseconds, rounded up.
func ceilMillis(ns int64) int64 { return (ns + 1e6 - 1) / 1e6 }

// ring stages the timers that are due. It returns when it is to be called again,
// or false if no timer is armed.
func (h *home) ring(now int64) (next int64, armed bool) {
	for first := h.timers.first(); first != nil; first = h.timers.first() {
		if first.at > now {
			return first.at, true
		}
		h.shard.want(h)
		if h.held || h.program == nil || h.program.busy() {
			return now + 1, true // its inbox is not to be touched
		}
		h.small = abi.Record{Kind: abi.Timer, Token: first.token}
		if _, ok := h.push(&h.small, 0); !ok {
			return now + 1, true // the inbox is full: after its turn
		}
		h.timers.remove(first)
	}
	return 0, false
}

// await makes sure that h is asked for its timers at that time.
func (s *shard) await(h *home, at int64) {
	if len(s.timed) == 0 || at < s.alarm {
		s.alarm = at
		s.loop.Wake(time.Duration(at*1e6 - s.clock.Mono))
	}
	if !h.timed {
		h.timed = true
		s.timed = append(s.timed, h)
	}
}

// ring has every home stage the timers that are due.
func (s *shard) ring() {
	if len(s.timed) == 0 {
		return
	}
	s.tell()
	now := s.clock.Mono / 1e6
	if now < s.alarm {
		s.loop.Wake(time.Duration(s.alarm*1e6 - s.clock.Mono))
		return
	}
	timed := s.timed
	s.timed = s.timed[:0]
	for i, h := range timed {
		timed[i], h.timed = nil, false
		if next, armed := h.ring(now); armed {
			s.await(h, next)
		}
	}
}

package runtime

import (
	"slices"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// HTTP requests that a program answers. net/http reads and writes them, on a
// goroutine of its own for each (ask.go); here is what the loop does with one.

// An exchange is an HTTP request and where its answer goes.
type exchange struct {
	fields []byte      // of the request event. Owned by the loop once it was posted.
	answer chan answer // Takes one answer without a wait.
	handle handle      // Owned by the loop. 0: nobody can answer it any more.

	within time.Duration // for the answer; 0: any. Only a stepped server looks at it, and at due.
	due    time.Duration // Owned by the loop: when that is over
}

// An answer is a program's response, or why there is none.
type answer struct {
	refusal  *wshead.Refusal // not nil: the host answers
	unwanted bool            // the program does not want requests
	status   int
	lines    []byte // header lines
	body     []byte
}

// maxRequests is how many requests a home can hold. Their handles have the
// slots that are not for sessions, so that neither passes for the other.
const maxRequests = 1 << 16

// requests are a home's exchanges. Owned by the loop.
type requests struct {
	slots  []requestSlot
	vacant []uint32
}

type requestSlot struct {
	waiting    *exchange // nil: vacant
	generation uint32
}

// isRequest reports whether h can only be the handle of a request.
func (h handle) isRequest() bool { return h.slot() >= maxSessions }

// add gives x a handle, and reports whether there is one.
func (t *requests) add(x *exchange, tag uint8) bool {
	if len(t.vacant) == 0 {
		if len(t.slots) == maxRequests {
			return false
		}
		t.vacant = append(t.vacant, uint32(len(t.slots)))
		t.slots = append(t.slots, requestSlot{})
	}
	last := len(t.vacant) - 1
	slot := t.vacant[last]
	t.vacant = t.vacant[:last]
	s := &t.slots[slot]
	s.generation = max(s.generation+1, 1) // generation 0 is nobody's
	s.waiting = x
	x.handle = makeHandle(maxSessions+slot, s.generation, tag)
	return true
}

// find returns the exchange that a program's handle names. One that is over is
// Closed, and what never was a request's of this home is Denied.
func (t *requests) find(h handle, tag uint8) (*exchange, abi.Status) {
	if !h.isRequest() || h.tag() != tag || int(h.slot()-maxSessions) >= len(t.slots) {
		return nil, abi.Denied
	}
	s := &t.slots[h.slot()-maxSessions]
	switch {
	case h.generation() == s.generation && s.waiting != nil:
		return s.waiting, abi.OK
	case h.generation() == 0 || h.generation() > s.generation:
		return nil, abi.Denied
	}
	return nil, abi.Closed
}

// remove makes x's slot vacant. It reports false if that was done before.
func (t *requests) remove(x *exchange) bool {
	if x.handle == 0 {
		return false
	}
	slot := x.handle.slot() - maxSessions
	t.slots[slot].waiting = nil
	t.vacant = append(t.vacant, slot)
	x.handle = 0
	return true
}

// request stages a request event.
func (h *home) request(x *exchange) {
	switch {
	case h.shard.draining:
		x.answer <- answer{refusal: wshead.ShuttingDown}
		return
	case !h.ready():
		x.answer <- answer{refusal: wshead.GuestDown}
		return
	case h.program.wants()&abi.Request.Bit() == 0:
		x.answer <- answer{unwanted: true}
		return
	case !h.requests.add(x, h.sessions.tag):
		x.answer <- answer{refusal: wshead.TooManyRequests}
		return
	}
	if v := h.shard.server.virtual; v != nil {
		x.due = v.elapsed() + x.within
	}
	h.record = abi.Record{Kind: abi.Request, Conn: uint64(x.handle)}
	fields := x.fields
	x.fields = nil
	if h.held {
		h.hold(&h.record, fields)
		return
	}
	if to, ok := h.room(&h.record, len(fields)); ok {
		copy(to, fields)
		return
	}
	if !h.stageLarge(&h.record, len(fields), func(to []byte) { copy(to, fields) }) {
		h.end(x, answer{refusal: wshead.BodyTooLarge})
	}
}

// end gives x its answer, if it has none yet.
func (h *home) end(x *exchange, a answer) {
	if h.requests.remove(x) {
		x.answer <- a
	}
}

// failRequests refuses all requests that wait: their program will not answer.
func (h *home) failRequests(r *wshead.Refusal) {
	h.requests.each(func(x *exchange) { h.end(x, answer{refusal: r}) })
}

// each calls f for every request that waits. f may end it.
func (t *requests) each(f func(*exchange)) {
	for i := range t.slots {
		if x := t.slots[i].waiting; x != nil {
			f(x)
		}
	}
}

// maxResponseBytes bounds the body of a program's response to a request.
const maxResponseBytes = 1 << 20

// respond answers a request with a program's response.
func (h *home) respond(key handle, code uint32, fields []byte) abi.Status {
	x, status := h.requests.find(key, h.sessions.tag)
	if status != abi.OK {
		return status
	}
	if code < 200 || code > 599 {
		return abi.Invalid
	}
	lines, protocol, body, status := h.headerLines(fields)
	switch {
	case status != abi.OK:
		return status
	case protocol != nil:
		return abi.Invalid
	case len(body) > maxResponseBytes:
		return abi.TooBig
	}
	h.end(x, answer{status: int(code), lines: slices.Clone(lines), body: slices.Clone(body)})
	return abi.OK
}

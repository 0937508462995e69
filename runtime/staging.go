package runtime

import (
	"errors"
	"slices"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
)

// What a home stages, and what comes of it. Events go to the program's inbox as
// they come, and all at once to the program in deliver. While commands are being
// applied, by any home of the shard, nothing is staged: the inbox may be where
// they point to. It waits outside, in order.

// An event waits outside the inbox.
type event struct {
	record  abi.Record
	payload []byte
}

// room stages an event with room for n bytes of payload, after an early turn if
// the inbox is full. It reports false if there is no room even then, no program
// any more, or if that turn ended the connection that the event is about.
func (h *home) room(r *abi.Record, n int) ([]byte, bool) {
	if h.program == nil {
		return nil, false
	}
	b, ok := h.program.push(r, n)
	if !ok {
		if h.deliver(); h.program == nil || h.shard.applying > 0 || h.parted(r.Conn) {
			return nil, false
		}
		if b, ok = h.program.push(r, n); !ok {
			return nil, false
		}
	}
	h.shard.want(h)
	return b, true
}

// stage stages an event, now or when it can be.
func (h *home) stage(r abi.Record, payload []byte) {
	if h.program == nil {
		return
	}
	if h.shard.applying == 0 && len(h.later) == 0 {
		h.small = r
		if b, ok := h.program.push(&h.small, len(payload)); ok {
			copy(b, payload)
			h.staged(&h.small)
			return
		}
	}
	h.later = append(h.later, event{r, append([]byte(nil), payload...)})
	h.shard.want(h)
}

// staged notes that r, which had its payload from the start, is in the inbox.
func (h *home) staged(r *abi.Record) {
	if r.Kind == abi.Close {
		h.told++
	}
	h.shard.want(h)
}

// parted reports whether the connection has ended, or begun to, by what the
// program commanded in a turn that came between an event and its staging:
// nothing may follow the close event. Of no connection it reports false.
func (h *home) parted(key uint64) bool {
	if key == 0 {
		return false
	}
	s, status := h.sessions.find(handle(key))
	return status != abi.OK || s.state != sessionLive || s.leaving
}

// stageLarge stages an event whose payload the inbox does not take, in memory
// that the program gives for it.
func (h *home) stageLarge(r *abi.Record, n int, put func([]byte)) bool {
	b := h.reserve(n)
	if b == nil {
		return false
	}
	put(b)
	return h.pushReserved(r, b) || h.takeBack(b)
}

// reserve asks the program for memory. The program may end by that.
func (h *home) reserve(n int) []byte {
	if h.program == nil || h.shard.applying > 0 {
		return nil
	}
	h.shard.applying++
	b, err := h.program.reserve(n)
	h.shard.applying--
	if err != nil {
		h.trapped(err)
	}
	return b
}

// pushReserved stages an event whose payload is b, from reserve, as room does.
func (h *home) pushReserved(r *abi.Record, b []byte) bool {
	if !h.program.pushReserved(r, b) {
		h.deliver()
		if h.program == nil || h.parted(r.Conn) || !h.program.pushReserved(r, b) {
			return false
		}
	}
	h.shard.want(h)
	return true
}

// takeBack gives memory from reserve back to the program, if that lives still.
func (h *home) takeBack(b []byte) bool {
	if h.program != nil {
		h.program.unreserve(b)
	}
	return false
}

// fault stages the refusal of a command. It is told in the next turn, so that a
// guest that answers every fault with a command that is refused spends turns and
// not this one.
func (h *home) fault(r *abi.Record, status abi.Status) {
	if len(h.later) >= maxLater {
		h.flooded = true
		return
	}
	h.later = append(h.later, event{record: r.Refused(status)})
	h.shard.want(h)
}

// maxLater is how many events may wait outside the inbox. A guest that causes
// more refusals than it reads is ended: they are never dropped silently, nor
// kept without bound.
const maxLater = 1 << 16

var errFlooded = errors.New("runtime: more refused commands than the guest takes faults")

// deliver lets the program run if events are staged, and settles what came of it.
func (h *home) deliver() {
	h.listed = false
	if h.shard.applying > 0 {
		h.shard.want(h)
		return
	}
	told := h.told
	h.told = 0
	if h.program != nil && h.program.staged() > 0 {
		h.shard.applying++
		h.turns++
		err := h.program.turn(h)
		h.closeSlow()
		h.shard.applying--
		if err == nil && h.flooded {
			err = errFlooded
		}
		if err != nil {
			h.trapped(err)
		}
	}
	h.release(min(told, len(h.ended)))
	h.unqueue()
}

// unqueue stages what had to wait, as far as there is room.
func (h *home) unqueue() {
	for i := range h.later {
		e := &h.later[i]
		b, ok := h.program.push(&e.record, len(e.payload))
		if !ok {
			h.later = append(h.later[:0], h.later[i:]...)
			h.shard.want(h)
			return
		}
		copy(b, e.payload)
		h.staged(&e.record)
	}
	clear(h.later)
	h.later = h.later[:0]
}

// release lets go of the first told of the connections that have ended, whose
// close events were delivered, and of the orphans.
func (h *home) release(told int) {
	for _, c := range h.ended[:told] {
		h.letGo(c)
	}
	h.ended = slices.Delete(h.ended, 0, told)
	for _, c := range h.orphans {
		h.letGo(c)
	}
	clear(h.orphans)
	h.orphans = h.orphans[:0]
}

func (h *home) letGo(c *netpoll.Conn) {
	h.sessions.free(handle(c.Key))
	h.discount(c)
	c.Release()
}

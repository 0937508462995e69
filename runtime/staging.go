package runtime

import (
	"errors"
	"slices"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
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

// early lets the program run in the middle of a read, because its inbox is full,
// and reports whether there may be room now. If its tenant owes time, it has to
// wait with that, and what comes waits outside.
func (h *home) early() bool {
	if h.owes() {
		h.held = true
		h.shard.want(h)
		return false
	}
	h.shard.begin()
	h.deliver()
	return h.program != nil && !h.held && h.shard.applying == 0
}

// hold keeps an event outside of the inbox, behind what waits there. The payload
// belongs to it.
func (h *home) hold(r *abi.Record, payload []byte) {
	h.later = append(h.later, event{*r, payload})
	h.shard.want(h)
}

// push stages an event with room for n bytes of payload, or reports false where
// there is no room before the next turn, or as many events as that may have.
func (h *home) push(r *abi.Record, n int) ([]byte, bool) {
	if h.program.staged() >= h.batch {
		return nil, false
	}
	return h.program.push(r, n)
}

// room stages an event with room for n bytes of payload, after an early turn if
// the inbox is full. It reports false if there is no room even then, no program
// any more, or if that turn ended the connection that the event is about; and if
// events are held, which is for the caller to do then.
func (h *home) room(r *abi.Record, n int) ([]byte, bool) {
	if h.program == nil || h.held {
		return nil, false
	}
	b, ok := h.push(r, n)
	if !ok {
		if !h.early() || h.parted(r.Conn) {
			return nil, false
		}
		if b, ok = h.push(r, n); !ok {
			return nil, false
		}
	}
	h.shard.want(h)
	return b, true
}

// stage stages an event, now or when it can be.
func (h *home) stage(r abi.Record, payload []byte) {
	if h.program == nil && !h.held {
		return
	}
	if h.shard.applying == 0 && !h.held && len(h.later) == 0 {
		h.small = r
		if b, ok := h.push(&h.small, len(payload)); ok {
			copy(b, payload)
			h.staged(&h.small)
			return
		}
	}
	h.hold(&r, append([]byte(nil), payload...))
}

// staged notes that r, which had its payload from the start, is in the inbox.
func (h *home) staged(r *abi.Record) {
	switch r.Kind {
	case abi.Close:
		h.told++
	case abi.Fault:
		h.faults--
	case abi.Message:
		h.note(r.Conn)
	}
	h.shard.want(h)
}

// parted reports whether the connection has ended, or begun to, by what the
// program commanded in a turn that came between an event and its staging:
// nothing may follow the close event. Of none, and of a request, it reports false.
func (h *home) parted(key uint64) bool {
	if key == 0 || handle(key).isRequest() {
		return false
	}
	s, status := h.sessions.find(handle(key))
	return status != abi.OK || s.state != sessionLive || s.leaving
}

// stageLarge stages an event whose payload the inbox does not take, in memory
// that the program gives for it.
func (h *home) stageLarge(r *abi.Record, n int, put func([]byte)) bool {
	b := h.reserve(n, r.Conn, r.Kind)
	if b == nil {
		return false
	}
	put(b)
	return h.pushReserved(r, b) || h.takeBack(b)
}

// reserve asks the program for memory, for an event of conn's. The program may
// end by that.
func (h *home) reserve(n int, conn uint64, kind abi.Kind) []byte {
	if h.program == nil || h.held && h.program.busy() || h.shard.applying > 0 {
		return nil
	}
	h.shard.begin()
	h.shard.applying++
	b, err := h.program.reserve(n)
	h.shard.applying--
	if h.shard.contended() {
		h.club.charge(h.shard.since())
	}
	if err != nil {
		h.trapped(err, culprit{conn, kind})
	}
	return b
}

// pushReserved stages an event whose payload is b, from reserve, as room does.
func (h *home) pushReserved(r *abi.Record, b []byte) bool {
	if !h.program.pushReserved(r, b) {
		if !h.early() || h.parted(r.Conn) || !h.program.pushReserved(r, b) {
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
	if h.faults >= maxLater {
		h.flooded = true
		return
	}
	h.faults++
	h.tenant.counters.faultsTold.Add(1)
	refused := r.Refused(status)
	h.hold(&refused, nil)
}

// maxLater is how many faults may wait outside the inbox. A guest that causes
// more refusals than it reads is ended: they are never dropped silently, nor
// kept without bound.
const maxLater = 1 << 16

var errFlooded = errors.New("runtime: more refused commands than the guest takes faults")

// deliver lets the program run if events are staged, or goes on with what it
// answered before, and settles what came of it.
func (h *home) deliver() {
	h.listed = false
	if h.shard.applying > 0 {
		h.shard.want(h)
		return
	}
	if h.program == nil {
		h.carryOutSwap()
		if h.held {
			h.revive()
		}
	}
	h.announceSwap()
	if h.program != nil && (h.program.busy() || h.program.staged() > 0) {
		h.run()
	}
	if h.program != nil && h.program.busy() {
		h.held = true // the inbox may be where its commands point to
		h.shard.want(h)
		return
	}
	h.release(min(h.telling, len(h.ended)))
	h.telling = 0
	h.carryOutSwap()
	h.unqueue()
}

// run gives the program a turn, or a slice of time to apply the last one.
func (h *home) run() {
	s := h.shard
	if !h.program.busy() {
		h.telling, h.told = h.told, 0
		h.turns++
	}
	h.club.runs()
	s.cost = 0
	s.applying++
	err := h.program.turn(h)
	if err != nil || !h.program.busy() {
		h.closeSlow()
	}
	s.applying--
	if s.contended() {
		h.club.charge(s.since())
	}
	switch {
	case err != nil:
		h.trapped(err, culprit{})
	case h.flooded:
		h.trapped(errFlooded, culprit{})
	default:
		h.fresh = false
	}
}

// unqueue stages what had to wait, as far as there is room. When all is staged,
// what was held for it goes on.
func (h *home) unqueue() {
	if h.program == nil {
		return
	}
	for i := range h.later {
		e := &h.later[i]
		if h.moot(e) {
			continue
		}
		if b, ok := h.push(&e.record, len(e.payload)); ok {
			copy(b, e.payload)
			h.staged(&e.record)
			continue
		}
		h.shard.want(h)
		if h.program.staged() > 0 {
			h.later = append(h.later[:0], h.later[i:]...)
			return
		}
		large := *e
		h.later = append(h.later[:0], h.later[i+1:]...)
		h.unqueueLarge(&large)
		return
	}
	clear(h.later)
	h.later = h.later[:0]
	h.held = false
	h.goOn()
}

// moot reports whether an event that waited is not to be told any more: its
// connection has gone, or the program has closed it. One that would have to go on
// with a program that does not resume connections ends here.
func (h *home) moot(e *event) bool {
	switch e.record.Kind {
	case abi.Connect, abi.Message, abi.Close, abi.Resume:
	case abi.Request:
		_, status := h.requests.find(handle(e.record.Conn), h.sessions.tag)
		return status != abi.OK
	default:
		return false
	}
	s, status := h.sessions.find(handle(e.record.Conn))
	switch {
	case status != abi.OK:
		return true
	case e.record.Kind == abi.Resume && h.program.wants()&abi.Resume.Bit() == 0:
		h.part(s, replaced)
		return true
	}
	// What a client said that the host or the program has turned away since is not
	// to be replied to any more.
	return e.record.Kind == abi.Message && (s.leaving || s.state != sessionLive && s.conn.End().Cause != netpoll.ByPeer)
}

// unqueueLarge stages an event that waited and that an empty inbox does not take.
func (h *home) unqueueLarge(e *event) {
	put := func(to []byte) { copy(to, e.payload) }
	if h.stageLarge(&e.record, len(e.payload), put) || h.program == nil {
		return
	}
	if e.record.Kind == abi.Request {
		if x, status := h.requests.find(handle(e.record.Conn), h.sessions.tag); status == abi.OK {
			h.end(x, answer{refusal: wshead.BodyTooLarge})
		}
		return
	}
	s, status := h.sessions.find(handle(e.record.Conn))
	switch {
	case status != abi.OK || s.state != sessionLive:
	case e.record.Kind == abi.Message:
		s.conn.Fail(netpoll.StatusTryAgainLater, "no room for the message")
	case e.record.Kind == abi.Connect:
		h.refuseLarge(s.conn, s)
	default:
		h.part(s, failed)
	}
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

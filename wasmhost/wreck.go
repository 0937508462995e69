package wasmhost

import "github.com/seed-c6589352/wherry/abi"

// A Wreck says how far a guest had come when it trapped. Its numbers are the
// host's own but for Cursor and Flushed, which are what the guest says.
type Wreck struct {
	Events  int    // that were staged, or delivered by the turn in which it trapped
	Turning bool   // it trapped in a turn; otherwise in alloc, and was at none of the events
	Cursor  uint32 // index of the event that it was at; may be any number
	Flushed int    // index of the event at which it flushed last in the turn, or -1
}

// Wreck returns how far the guest had come. Only after a trap, and before Close.
func (in *Instance) Wreck() Wreck {
	return Wreck{Events: in.events, Turning: in.turning, Cursor: in.cursor, Flushed: in.flushed}
}

// Salvage calls f for the events of the wreck, in order, with their index and
// their payload, which is a view that is valid until Close.
//
// They are read from the inbox, to which the guest could write, so that they are
// its word: f must hold kind, flags and connection against what it knows. What
// can be relied on is that payloads lie where the host put some, and that they do
// not overlap: together they are no larger than the inbox and the buffers that
// alloc lent. An event that was tampered with so that this would not be true is
// left out.
func (in *Instance) Salvage(f func(i int, r *abi.Record, payload []byte)) {
	if in.life != dead {
		return
	}
	back := uint64(inboxEnd(uint32(len(in.inbox))))
	for i := range in.events {
		var r abi.Record
		r.Get(in.inbox[i*abi.RecordSize:])
		if l := in.loan(r.Data); l != nil && l.state == delivered && r.Len <= l.size {
			l.state = returned // nobody gets it twice
			payload, _ := abi.View(in.memory.bytes, r.Data, r.Len)
			f(i, &r, payload)
			continue
		}
		// Push goes from the end of the inbox to its front.
		at := uint64(r.Data) - uint64(in.inboxAddr)
		end := at + uint64(r.Len)
		if uint64(r.Data) < uint64(in.inboxAddr) || end > back || at < uint64(in.events*abi.RecordSize) {
			continue
		}
		back = at
		f(i, &r, in.inbox[at:end:end])
	}
}

package wasmhost

import "github.com/seed-c6589352/wherry/abi"

// The inbox is a slotted page: records from its front, payloads from its back,
// full when they meet.
//
//	├ record ┼ record ┼ record ┤    ── room ──    ├ payload ┼ payload ┼ payload ┤
//	0                          front              back                        end
//
// Payloads start at multiples of 8; so does back.

// inboxEnd returns where payloads end in an inbox of that many bytes.
func inboxEnd(inboxBytes uint32) int {
	return int(min(inboxBytes, abi.MaxInboxBytes) &^ 7)
}

// Push stages an event with n bytes of payload: it fills in Data and Len of r,
// writes the record to the inbox and returns the place of the payload, which
// the caller has to write before Turn. It reports false where there is no room
// until the next turn, which is always so while the guest runs and when it is
// dead. n must not be negative.
//
// Budget: 0 allocations, 0 locks, 0 copies (TestTurnBudget).
func (in *Instance) Push(r *abi.Record, n int) (payload []byte, ok bool) {
	at := (in.back - n) &^ 7
	front := in.front + abi.RecordSize
	if at < front {
		return nil, false
	}
	payload = in.inbox[at : at+n : at+n]
	r.Data, r.Len = in.inboxAddr+uint32(at), uint32(n)
	r.Put(in.inbox[in.front:])
	in.backBefore = in.back
	in.front, in.back = front, at
	return payload, true
}

// TakeBack forgets the event that Push staged last, whose payload turned out to
// be none. It must not be called twice for one Push, nor after PushAt.
func (in *Instance) TakeBack() {
	if in.front == 0 {
		return // the turn took it, or the instance is dead
	}
	in.front -= abi.RecordSize
	in.back = in.backBefore
}

// PushAt stages an event whose payload lies in a buffer from Alloc: Data of r
// is its address, Len at most its size. The buffer is the guest's again, to
// free, when the next turn has ended. PushAt reports false where there is no
// room for the record; the buffer is then kept. It panics if there is no such
// buffer.
func (in *Instance) PushAt(r *abi.Record) bool {
	if in.life > running {
		return false
	}
	l := in.loan(r.Data)
	if l == nil || l.state != held || r.Len > l.size {
		panic("wasmhost: PushAt of memory that Alloc did not give")
	}
	front := in.front + abi.RecordSize
	if in.back < front {
		return false
	}
	r.Put(in.inbox[in.front:])
	in.front = front
	l.state = delivered
	return true
}

// Pending returns how many events are staged.
func (in *Instance) Pending() int { return in.front / abi.RecordSize }

// InboxRoom returns the size in bytes of the largest payload that Push would
// take now; negative if it would not even take an event without.
func (in *Instance) InboxRoom() int { return in.back - in.front - abi.RecordSize }

// MaxInboxPayload returns the size in bytes of the largest payload that Push
// takes when nothing is staged. A larger one needs Alloc.
func (in *Instance) MaxInboxPayload() int {
	return len(in.inbox)&^7 - abi.RecordSize
}

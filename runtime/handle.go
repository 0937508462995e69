package runtime

import (
	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
)

// A handle names a connection, or an HTTP request, to a program: a slot, a
// generation that counts the slot's tenants, and a tag of the home, so that a
// handle of another instance is told from a stale one.
//
//	0          24                          56      64
//	├─ slot ───┼─ generation ──────────────┼─ tag ──┤
//
// It is checked against the home's own table, so whatever a guest makes up
// reaches one of its own connections or none.
type handle uint64

const (
	slotBits       = 24
	generationBits = 32
	maxSessions    = 1<<slotBits - maxRequests // the slots above are for requests
)

func makeHandle(slot, generation uint32, tag uint8) handle {
	return handle(slot) | handle(generation)<<slotBits | handle(tag)<<(slotBits+generationBits)
}

func (h handle) slot() uint32       { return uint32(h) & (1<<slotBits - 1) }
func (h handle) generation() uint32 { return uint32(h >> slotBits) }
func (h handle) tag() uint8         { return uint8(h >> (slotBits + generationBits)) }

// A session is the pairing of a connection with a home.
type session struct {
	conn       *netpoll.Conn // nil: the slot is vacant
	extra      *sessionExtra // nil: none of what is in it
	generation uint32
	heard      uint32 // the home's turn for which its last message was staged
	route      uint16 // index of the tenant's route that it came by
	state      sessionState
	slow       bool // its backlog was over the limit: it closes
	leaving    bool // the program has commanded its close
}

type sessionState uint8

const (
	sessionLive   sessionState = iota
	sessionEnded               // its close event is staged; replies may still be sent
	sessionSilent              // its close event is staged, and there is nothing to reply to
	sessionOrphan              // the instance that knew it is gone: nobody is told of its end
)

// A sessionExtra is what few connections have.
type sessionExtra struct {
	memberships []membership
	attachment  []byte
	head        []byte // fields for a resume event, where the program wanted those
	drops       dropRecord
}

// sessions are a home's, in slots that never move. Owned by the loop.
type sessions struct {
	tag    uint8
	chunks []*[sessionChunk]session
	vacant []uint32
	used   int
}

const sessionChunk = 64

func (t *sessions) at(slot uint32) *session {
	return &t.chunks[slot/sessionChunk][slot%sessionChunk]
}

// add makes a session for c. There must be fewer than maxSessions.
func (t *sessions) add(c *netpoll.Conn) (*session, handle) {
	if len(t.vacant) == 0 {
		first := uint32(len(t.chunks) * sessionChunk)
		t.chunks = append(t.chunks, new([sessionChunk]session))
		for slot := first + sessionChunk; slot > first; slot-- {
			t.vacant = append(t.vacant, slot-1)
		}
	}
	last := len(t.vacant) - 1
	slot := t.vacant[last]
	t.vacant = t.vacant[:last]
	t.used++
	s := t.at(slot)
	// Generation 0 is no tenancy's, so that no handle is 0.
	if s.generation++; s.generation == 0 {
		s.generation = 1
	}
	s.conn, s.state, s.leaving, s.slow, s.heard = c, sessionLive, false, false, 0
	return s, makeHandle(slot, s.generation, t.tag)
}

// find returns the session that a program's handle names. A handle whose
// connection has gone, or that an earlier instance had, is Closed; one that never
// was this home's is Denied.
func (t *sessions) find(h handle) (*session, abi.Status) {
	slot := h.slot()
	if int(slot/sessionChunk) >= len(t.chunks) || h.tag() != t.tag {
		return nil, abi.Denied
	}
	s := t.at(slot)
	if h.generation() == s.generation && s.conn != nil && s.state != sessionOrphan {
		return s, abi.OK
	}
	if h.generation() == 0 || h.generation() > s.generation {
		return nil, abi.Denied
	}
	return nil, abi.Closed
}

// free makes the slot of a session vacant.
func (t *sessions) free(h handle) {
	s := t.at(h.slot())
	s.conn, s.extra = nil, nil
	t.used--
	t.vacant = append(t.vacant, h.slot())
}

// each calls f for every session.
func (t *sessions) each(f func(*session)) {
	for _, chunk := range t.chunks {
		for i := range chunk {
			if chunk[i].conn != nil {
				f(&chunk[i])
			}
		}
	}
}

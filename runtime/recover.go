package runtime

import (
	"fmt"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// What becomes of connections when their program ends. The one whose event it was
// ends with it. The others go on with a fresh program, if that resumes
// connections, and so do handshakes that nobody has looked at yet; the rest ends
// too. What was told to the program and not dealt with is told again to the next.
//
// Which connections there are, and which of them have ended, the home knows by
// itself. Of what the program leaves behind it uses messages and heads of
// handshakes only, and only for connections that may have some.

// A culprit is whose event it was at which a program ended.
type culprit struct {
	conn uint64
	kind abi.Kind // 0: nobody knows, or what the program left tells
}

// A parting is how a connection ends that does not go on with the next program.
type parting struct {
	code    ws.StatusCode
	reason  string
	refusal *wshead.Refusal // of a handshake that waits
}

// statusServiceRestart is the close code of the IANA registry for a server that
// has taken its service down for a moment.
const statusServiceRestart ws.StatusCode = 1012

var (
	failed   = parting{ws.StatusInternalServerError, "handler failed", wshead.GuestFailed}
	replaced = parting{statusServiceRestart, "handler was replaced", wshead.GuestDown}
)

// A loss is the end of a home's program while it is dealt with.
type loss struct {
	home    *home
	parting parting
	resume  bool            // the next program resumes connections
	all     bool            // nothing goes on
	blamed  map[uint64]bool // connections whose event it was
	again   []event         // for the next program, as far as their connections go on
}

// newLoss begins to deal with the end of h's program.
func (h *home) newLoss(p parting) *loss {
	resume := h.tenant.wants()&abi.Resume.Bit() != 0
	return &loss{home: h, parting: p, resume: resume, blamed: make(map[uint64]bool)}
}

// trapped ends the program.
func (h *home) trapped(err error, by culprit) {
	if h.program == nil { // it has ended already, or has not come to be
		h.logTrap(err, by.kind)
		return
	}
	l := h.newLoss(failed)
	l.salvage(&by)
	h.logTrap(err, by.kind)
	// What cannot start will not start the next time.
	l.all = h.fresh && by.kind == abi.Start
	l.settle()
}

// salvage takes from the program's memory what it had not dealt with, and looks
// whose event it was at: that at the cursor, or all of them if the cursor is at
// none. An event at or before the last flush has had an effect, or a part of it,
// and is not told again; none of the others has.
func (l *loss) salvage(by *culprit) {
	w := l.home.program.wreck()
	if by.conn != 0 {
		l.blamed[by.conn] = true
	}
	known := int64(w.Cursor) < int64(w.Events)
	l.home.program.salvage(func(i int, r *abi.Record, payload []byte) {
		switch {
		case w.Turning && known && i == int(w.Cursor):
			*by = culprit{r.Conn, r.Kind}
			l.blamed[r.Conn] = true
		case w.Turning && !known:
			l.blamed[r.Conn] = true
		case r.Kind == abi.Connect || r.Kind == abi.Message && i > w.Flushed:
			own := abi.Record{Kind: r.Kind, Flags: r.Flags & abi.Text, Conn: r.Conn}
			l.again = append(l.again, event{own, append([]byte(nil), payload...)})
		}
	})
}

// settle takes the program from the home, ends what does not go on, and makes a
// list of what the next program is to be told: connections that it has not met,
// then what they said, then which of them have ended.
func (l *loss) settle() {
	h := l.home
	for _, e := range h.later {
		if e.record.Kind == abi.Connect || e.record.Kind == abi.Message {
			l.again = append(l.again, e)
		}
	}
	h.later = nil
	h.shard.dead = append(h.shard.dead, h.program)
	h.tenant.counters.instances.Add(-1)
	h.program = nil
	h.flooded, h.lent, h.faults, h.told, h.telling = false, 0, 0, 0, 0
	h.timers = timers{}
	h.failRequests(l.parting.refusal)

	unseen := l.unseen()
	h.sessions.each(func(s *session) { l.place(s, unseen[s.conn.Key]) })
	for _, e := range l.again {
		if l.tells(&e.record, unseen) {
			h.later = append(h.later, e)
		}
	}
	l.tellEnds()
	h.held = len(h.later) > 0
	if !h.held {
		h.goOn()
	}
	h.shard.want(h)
}

// unseen returns the handshakes that wait and whose connect event is to be told
// again.
func (l *loss) unseen() map[uint64]bool {
	keys := make(map[uint64]bool)
	for _, e := range l.again {
		if e.record.Kind != abi.Connect || l.all {
			continue
		}
		s, status := l.home.sessions.find(handle(e.record.Conn))
		if status == abi.OK && s.waits() && !l.blamed[e.record.Conn] {
			keys[e.record.Conn] = true
		}
	}
	return keys
}

// place decides whether a session goes on with the next program, which is then to
// be told of it, or ends.
func (l *loss) place(s *session, unseen bool) {
	h, key := l.home, s.conn.Key
	opened := s.conn.Opened()
	if s.state == sessionSilent {
		s.state = sessionEnded // what it said may be told again, and be replied to
	}
	switch {
	case s.state == sessionOrphan:
	case l.all || l.blamed[key] || s.state == sessionEnded && !(l.resume && opened):
		h.part(s, l.parting)
	case opened && l.resume:
		s.conn.Keep()
		h.later = append(h.later, event{abi.Record{Kind: abi.Resume, Conn: key}, s.resumeFields()})
	case !opened && unseen:
	case !opened && l.resume && s.extra != nil && s.extra.head != nil:
		h.later = append(h.later, event{abi.Record{Kind: abi.Connect, Conn: key}, s.extra.head})
	default:
		h.part(s, l.parting)
	}
}

// tells reports whether an event of the last program's is one for the next. Of the
// connect events of a connection the first is.
func (l *loss) tells(r *abi.Record, unseen map[uint64]bool) bool {
	s, status := l.home.sessions.find(handle(r.Conn))
	if status != abi.OK {
		return false
	}
	if r.Kind == abi.Message {
		return s.conn.Opened()
	}
	first := unseen[r.Conn]
	delete(unseen, r.Conn)
	return first && s.waits()
}

// tellEnds adds the close events of what has ended and goes on to be told of.
func (l *loss) tellEnds() {
	h := l.home
	kept := h.ended[:0]
	for _, c := range h.ended {
		if h.sessions.at(handle(c.Key).slot()).state == sessionOrphan {
			h.orphans = append(h.orphans, c)
			continue
		}
		kept = append(kept, c)
		e := c.End()
		h.later = append(h.later, event{closeRecord(c, e), append([]byte(nil), e.Reason...)})
	}
	clear(h.ended[len(kept):])
	h.ended = kept
}

// part ends a session that does not go on: no program is told of it any more.
func (h *home) part(s *session, p parting) {
	live := s.state == sessionLive
	s.state = sessionOrphan
	switch {
	case !live:
	case s.conn.Opened():
		s.conn.Fail(p.code, p.reason)
	default:
		h.refuse(s.conn, p.refusal, netpoll.End{Code: p.code, Cause: netpoll.ByHost})
	}
}

// revive starts a program for what waits for one, when one may be started.
func (h *home) revive() {
	h.shard.tell()
	if wait := h.tenant.backoff.start(h.shard.clock.Mono); wait > 0 {
		h.shard.sleep(h, wait)
		return
	}
	if h.launch() || h.program != nil || !h.held {
		return
	}
	l := h.newLoss(failed)
	l.all = true
	l.settle()
}

// backingOff returns for how long new connections are refused because the
// tenant's programs have trapped too often.
func (h *home) backingOff() time.Duration {
	if h.tenant.backoff.until.Load() == 0 {
		return 0
	}
	h.shard.tell()
	return h.tenant.backoff.refuses(h.shard.clock.Mono)
}

// guestDown is the refusal that says when to come back.
func guestDown(wait time.Duration) *wshead.Refusal {
	r := *wshead.GuestDown
	r.Fields = fmt.Sprintf("Retry-After: %d\r\n", (wait+time.Second-1)/time.Second)
	return &r
}

// ---- What a session keeps for the next program. ----

// waits reports whether the session is a handshake that was not answered yet.
func (s *session) waits() bool { return s.state == sessionLive && !s.conn.Opened() }

func (s *session) need() *sessionExtra {
	if s.extra == nil {
		s.extra = new(sessionExtra)
	}
	return s.extra
}

// remember keeps the n bytes of a connect event's fields.
func (s *session) remember(f *connectFields, n int) {
	s.need().head = make([]byte, n)
	f.put(s.extra.head)
}

// picked adds the subprotocol that was agreed on to what is kept.
func (s *session) picked(protocol []byte) {
	if s.extra != nil && s.extra.head != nil && len(protocol) > 0 {
		s.extra.head = abi.AppendField(s.extra.head, abi.FieldProtocol, protocol)
	}
}

// resumeFields returns the fields of a resume event.
func (s *session) resumeFields() (b []byte) {
	if s.extra == nil {
		return nil
	}
	b = append(b, s.extra.head...)
	if len(s.extra.attachment) > 0 {
		b = abi.AppendField(b, abi.FieldAttachment, s.extra.attachment)
	}
	return b
}

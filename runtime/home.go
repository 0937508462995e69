package runtime

import (
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// A home is where connections and their program live together: one tenant on
// one loop. It is the handler of its connections: what it is told in the middle
// of a read it stages, and in the turn's Deliver it lets the program run.
//
// The program comes with the first connection; after a trap a fresh one comes, at
// once for connections that go on with it or else with the next. The home stays.
// Owned by the loop, but for load.
type home struct {
	shard    *shard                       // Set by New, never changed.
	tenant   *tenant                      // Set by New, never changed.
	club     *club                        // Set by New, never changed.
	settings *netpoll.Settings            // Set with the program.
	routed   map[*route]*netpoll.Settings // the same, of routes that differ
	sendMax  int                          // Set with the program: bytes of the largest message that it can send.

	program  program // nil before the first connection and after a trap
	fresh    bool    // the program has not ended a turn yet
	batch    int     // events that its next turn may have
	saved    int64   // fuel that events have left of theirs
	sessions sessions
	requests requests
	timers   timers
	load     atomic.Int32 // connections; other loops compare

	later   []event         // could not be staged: the program runs, or there is no room
	ended   []*netpoll.Conn // reported closed, in the order of their close events
	told    int             // of ended: how many close events are in the inbox
	telling int             // and how many were delivered with the turn that is being applied
	orphans []*netpoll.Conn // reported closed, with nobody to be told
	slow    []*netpoll.Conn // to be closed with 1008 when the turn's commands are applied
	turns   uint32          // of programs that there were
	listed  bool            // on the shard's list of those to deliver
	timed   bool            // on the shard's list of those with timers
	asleep  bool            // on the shard's list of those that sleep
	faults  int             // of later
	flooded bool            // more faults than later may hold
	held    bool            // everything goes to later and nothing is read, until later is empty
	halted  []handle        // connections that are not read for that
	swap    *swap           // not nil: the program is to be replaced
	lent    int             // bytes that Reserve has returned and that are not a message yet

	record abi.Record // scratch: what connect and Message stage; a local one would be allocated
	small  abi.Record // scratch: what stage stages
	lines  []byte     // scratch: response header lines
}

// ready makes sure that there is a program, and reports whether there is. One that
// traps too often may not be started at any time.
func (h *home) ready() bool {
	if h.program != nil {
		return true
	}
	h.shard.tell()
	return h.tenant.backoff.start(h.shard.clock.Mono) == 0 && h.launch()
}

// launch starts a program, and reports whether there is one then.
func (h *home) launch() bool {
	if !h.tenant.takeMemory() {
		return false
	}
	p, err := h.tenant.start(h)
	if err != nil {
		h.tenant.counters.instances.Add(-1)
		h.logTrap(err, abi.Start)
		return false
	}
	h.program, h.fresh, h.batch, h.saved = p, true, h.firstBatch(), 0
	settings := h.tenant.limits.settings()
	h.sendMax = max(settings.MessageBytes, settings.SendBytes)
	settings.MessageBytes = p.largest(settings.MessageBytes)
	settings.Backlog = &h.club.backlog
	h.settings, h.routed = &settings, make(map[*route]*netpoll.Settings)
	if !h.greet() && h.program != nil {
		h.trapped(errNoGreeting, culprit{kind: abi.Start})
	}
	return h.program != nil
}

// errNoGreeting is the end of a guest that cannot be told its configuration.
var errNoGreeting = errors.New("runtime: the start event does not fit the guest's inbox, and the guest lends no buffer for it")

// settingsFor returns the settings of connections that come by a route. Shared,
// and never changed.
func (h *home) settingsFor(r *route) *netpoll.Settings {
	if r.deflate == nil {
		return h.settings
	}
	s := h.routed[r]
	if s == nil {
		own := *h.settings
		own.Deflate = r.deflate
		s = &own
		h.routed[r] = s
	}
	return s
}

// greet stages the first event of a program's life, and reports whether there
// was room for it.
func (h *home) greet() bool {
	b := abi.AppendField(nil, abi.FieldTenant, h.tenant.name)
	b = abi.AppendField(b, abi.FieldInstance, strconv.FormatUint(h.shard.server.instances.Add(1), 10))
	b = abi.AppendField(b, abi.FieldMaxMessage, strconv.Itoa(h.settings.MessageBytes))
	for _, key := range h.tenant.configKeys {
		b = abi.AppendField(b, abi.FieldConfig+key, h.tenant.config[key])
	}
	r := abi.Record{Kind: abi.Start}
	if to, ok := h.program.push(&r, len(b)); ok {
		copy(to, b)
		h.shard.want(h)
		return true
	}
	return h.stageLarge(&r, len(b), func(to []byte) { copy(to, b) })
}

// admit counts a connection, if there may be one more: of the client's address,
// of the server, of the tenant, and in the home's table. Otherwise it returns why
// not.
func (h *home) admit(c *netpoll.Conn) *wshead.Refusal {
	s := h.shard.server
	if !s.addresses.enter(c.Peer()) {
		return wshead.AddressFull
	}
	h.load.Add(1)
	conns, ofTenant := s.conns.Add(1), h.tenant.conns.Add(1)
	if conns > s.maxConns || ofTenant > int64(h.tenant.limits.Conns) || h.sessions.used == maxSessions {
		h.discount(c)
		if conns <= s.maxConns {
			h.tenant.counters.connsFull.Add(1)
		}
		return wshead.Full
	}
	return nil
}

// discount forgets a connection that admit has counted.
func (h *home) discount(c *netpoll.Conn) {
	h.load.Add(-1)
	h.tenant.conns.Add(-1)
	h.shard.server.conns.Add(-1)
	h.shard.server.addresses.leave(c.Peer())
}

// connect makes the home the handler of a connection, and stages its connect
// event, whose fields f are.
func (h *home) connect(c *netpoll.Conn, f connectFields) {
	if h.tooFast() {
		h.shard.refuse(c, wshead.TooFast)
		return
	}
	if wait := h.backingOff(); wait > 0 {
		h.tenant.counters.backoffs.Add(1)
		h.shard.refuse(c, guestDown(wait))
		return
	}
	if !h.held && !h.ready() {
		h.shard.refuse(c, wshead.GuestDown)
		return
	}
	if refusal := h.admit(c); refusal != nil {
		h.shard.refuse(c, refusal)
		return
	}
	s, key := h.sessions.add(c)
	s.route = f.route.index
	c.Await(h, uint64(key), h.settingsFor(f.route))
	h.record = abi.Record{Kind: abi.Connect, Conn: uint64(key)}
	n := f.size()
	if h.tenant.wants()&abi.Resume.Bit() != 0 {
		s.remember(&f, n)
	}
	if b, ok := h.room(&h.record, n); ok {
		f.put(b)
		return
	}
	large := f // by itself: only what takes this way pays for an allocation
	h.connectLarge(c, s, n, large.put)
}

// connectLarge stages a connect event of n bytes for which the inbox has no room.
func (h *home) connectLarge(c *netpoll.Conn, s *session, n int, put func([]byte)) {
	if !h.held && h.stageLarge(&h.record, n, put) || s.state != sessionLive {
		return
	}
	if h.held {
		b := make([]byte, n)
		put(b)
		h.hold(&h.record, b)
		return
	}
	h.refuseLarge(c, s)
}

// refuseLarge refuses a handshake for whose head the program has no room. Whose
// connect it has not seen, it is not told the end of.
func (h *home) refuseLarge(c *netpoll.Conn, s *session) {
	s.state = sessionOrphan
	h.refuse(c, wshead.HeadTooLarge, netpoll.End{Code: ws.StatusMessageTooBig, Cause: netpoll.ByHost})
}

// refuse ends a connection that waits for its answer.
func (h *home) refuse(c *netpoll.Conn, r *wshead.Refusal, e netpoll.End) {
	h.shard.Refused(c, r)
	e.Status = r.Status
	h.shard.response = wshead.AppendRefusal(h.shard.response[:0], r, nil)
	c.Refuse(h.shard.response, &e)
}

// Message implements [netpoll.Handler].
func (h *home) Message(c *netpoll.Conn, m *netpoll.Incoming) error {
	h.came(m.Len)
	r := &h.record
	*r = abi.Record{Kind: abi.Message, Conn: c.Key}
	if m.Text {
		r.Flags = abi.Text
	}
	if b := m.Body(); b != nil {
		return h.lentMessage(c, b)
	}
	b, ok := h.room(r, m.Len)
	switch {
	case !ok && h.parted(c.Key):
		return nil
	case !ok && h.held:
		return h.holdMessage(m)
	case !ok:
		return h.largeMessage(c, m)
	}
	if err := m.Copy(b); err != nil {
		h.program.takeBack()
		return err
	}
	h.note(c.Key)
	return nil
}

// note remembers that the program may have a message of the connection's to reply
// to, once its next turn has come.
func (h *home) note(key uint64) { h.sessions.at(handle(key).slot()).heard = h.turns }

// lentMessage stages the message of h.record, which lies in memory that the
// program has lent. If the program ends by the turn that makes room for it, that
// memory is there until the loop's turn is over.
func (h *home) lentMessage(c *netpoll.Conn, b []byte) error {
	lender := h.program
	staged := !h.held && h.pushReserved(&h.record, b)
	if !staged && !h.parted(c.Key) {
		if !h.held {
			return netpoll.ErrNoRoom // and it is abandoned
		}
		h.hold(&h.record, append([]byte(nil), b...))
	}
	if staged {
		h.note(c.Key)
	}
	if h.program == lender {
		h.lent -= cap(b)
		if !staged {
			lender.unreserve(b)
		}
	}
	return nil
}

// holdMessage keeps the message of h.record outside of the inbox.
func (h *home) holdMessage(m *netpoll.Incoming) error {
	b := make([]byte, m.Len)
	if err := m.Copy(b); err != nil {
		return err
	}
	h.hold(&h.record, b)
	return nil
}

// largeMessage stages a message that does not fit the inbox.
func (h *home) largeMessage(c *netpoll.Conn, m *netpoll.Incoming) error {
	b := h.reserve(m.Len, c.Key, abi.Message)
	if b == nil {
		return h.noRoom(c)
	}
	lender := h.program
	if err := m.Copy(b); err != nil {
		lender.unreserve(b)
		return err
	}
	if h.pushReserved(&h.record, b) {
		h.note(c.Key)
		return nil
	}
	held := h.held && !h.parted(c.Key)
	if held {
		h.hold(&h.record, append([]byte(nil), b...))
	}
	if h.program == lender {
		lender.unreserve(b)
	}
	if held {
		return nil
	}
	return h.noRoom(c)
}

// noRoom is the answer to a message that was not staged. If that was because the
// connection has ended, by a trap or by what the program commanded, nothing is
// to be done.
func (h *home) noRoom(c *netpoll.Conn) error {
	if h.parted(c.Key) {
		return nil
	}
	return netpoll.ErrNoRoom
}

// Reserve implements [netpoll.Handler].
//
// What is lent to messages that have not come yet is at most a quarter of the
// guest's memory: clients that stop in the middle of theirs must not use it up.
func (h *home) Reserve(c *netpoll.Conn, n int) []byte {
	if h.lent+n > int(h.tenant.limits.MemoryPages)<<16/4 {
		return nil
	}
	if h.held {
		return nil
	}
	b := h.reserve(n, c.Key, abi.Message)
	h.lent += len(b)
	return b
}

// Abandon implements [netpoll.Handler].
func (h *home) Abandon(c *netpoll.Conn, b []byte) {
	if h.program != nil && h.sessions.at(handle(c.Key).slot()).state != sessionOrphan {
		h.lent -= cap(b)
		h.program.unreserve(b)
	}
}

// Drained implements [netpoll.Handler].
func (h *home) Drained(c *netpoll.Conn) {
	if h.program != nil && h.program.wants()&abi.Writable.Bit() != 0 {
		h.stage(abi.Record{Kind: abi.Writable, Conn: c.Key}, nil)
	}
}

// Closed implements [netpoll.Handler].
func (h *home) Closed(c *netpoll.Conn, e *netpoll.End) {
	s := h.sessions.at(handle(c.Key).slot())
	h.logEnd(c, s, e)
	h.club.leaveAll(s)
	if s.state == sessionLive {
		s.state = sessionEnded
		if s.heard != h.turns && !h.held {
			s.state = sessionSilent
		}
		h.ended = append(h.ended, c)
		h.stage(closeRecord(c, e), e.Reason)
		return
	}
	h.orphans = append(h.orphans, c)
	h.shard.want(h)
}

func closeRecord(c *netpoll.Conn, e *netpoll.End) abi.Record {
	return abi.Record{Kind: abi.Close, Flags: endFlags(e), Code: uint32(e.Code), Conn: c.Key}
}

func endFlags(e *netpoll.End) (f abi.Flags) {
	switch e.Cause {
	case netpoll.ByPeer:
		f = abi.ByPeer
	case netpoll.ByHandler:
		f = abi.ByGuest
	default:
		f = abi.ByHost
	}
	if e.Clean {
		f |= abi.Clean
	}
	if e.Opened {
		f |= abi.Opened
	}
	return f
}

// retire ends the program of a loop that has stopped.
func (h *home) retire() {
	if h.program != nil {
		h.program.close()
		h.program = nil
		h.tenant.counters.instances.Add(-1)
	}
	h.failRequests(wshead.ShuttingDown)
}

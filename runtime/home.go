package runtime

import (
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A home is where connections and their program live together: one tenant on
// one loop. It is the handler of its connections: what it is told in the middle
// of a read it stages, and in the turn's Deliver it lets the program run.
//
// The program comes with the first connection and after a trap with the next;
// the home stays. Owned by the loop, but for load.
type home struct {
	shard    *shard                       // Set by New, never changed.
	tenant   *tenant                      // Set by New, never changed.
	club     *club                        // Set by New, never changed.
	settings *netpoll.Settings            // Set with the program.
	routed   map[*route]*netpoll.Settings // the same, of routes that differ
	sendMax  int                          // Set with the program: bytes of the largest message that it can send.

	program  program // nil before the first connection and after a trap
	sessions sessions
	load     atomic.Int32 // connections; other loops compare

	later   []event         // could not be staged: the program runs, or there is no room
	ended   []*netpoll.Conn // reported closed, in the order of their close events
	told    int             // of ended: how many close events are in the inbox
	orphans []*netpoll.Conn // reported closed, with nobody to be told
	slow    []*netpoll.Conn // to be closed with 1008 when the turn's commands are applied
	turns   uint32          // of programs that there were
	listed  bool            // on the shard's list
	flooded bool            // more faults than later may hold
	lent    int             // bytes that Reserve has returned and that are not a message yet

	record abi.Record // scratch: what connect and Message stage; a local one would be allocated
	small  abi.Record // scratch: what stage stages
	lines  []byte     // scratch: response header lines
}

// ready makes sure that there is a program, and reports whether there is.
func (h *home) ready() bool {
	if h.program != nil {
		return true
	}
	h.shard.tell()
	p, err := h.tenant.start(h)
	if err != nil {
		h.logTrap(err)
		return false
	}
	h.program = p
	settings := h.tenant.limits.settings()
	h.sendMax = max(settings.MessageBytes, settings.SendBytes)
	settings.MessageBytes = p.largest(settings.MessageBytes)
	h.settings, h.routed = &settings, make(map[*route]*netpoll.Settings)
	if !h.greet() && h.program != nil {
		h.trapped(errNoGreeting)
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
	if to, ok := h.room(&r, len(b)); ok {
		copy(to, b)
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
	if !h.ready() {
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
	if b, ok := h.room(&h.record, n); ok {
		f.put(b)
		return
	}
	large := f // by itself: only what takes this way pays for an allocation
	if !h.stageLarge(&h.record, n, large.put) && h.program != nil && s.state == sessionLive {
		s.state = sessionOrphan // whose connect it has not seen, it is not told the end of
		h.refuse(c, wshead.HeadTooLarge, netpoll.End{Code: ws.StatusMessageTooBig, Cause: netpoll.ByHost})
	}
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
	r := &h.record
	*r = abi.Record{Kind: abi.Message, Conn: c.Key}
	if m.Text {
		r.Flags = abi.Text
	}
	if b := m.Body(); b != nil {
		if !h.pushReserved(r, b) {
			if err := h.noRoom(c); err != nil {
				return err // and it is abandoned
			}
			h.takeBack(b)
		}
		h.note(c)
		if h.program != nil {
			h.lent -= cap(b)
		}
		return nil
	}
	b, ok := h.room(r, m.Len)
	switch {
	case !ok && h.parted(c.Key):
		return nil
	case !ok:
		return h.largeMessage(c, m)
	}
	if err := m.Copy(b); err != nil {
		h.program.takeBack()
		return err
	}
	h.note(c)
	return nil
}

// note remembers that the program may have a message of c's to reply to, once its
// next turn has come.
func (h *home) note(c *netpoll.Conn) { h.sessions.at(handle(c.Key).slot()).heard = h.turns }

// largeMessage stages a message that does not fit the inbox.
func (h *home) largeMessage(c *netpoll.Conn, m *netpoll.Incoming) error {
	b := h.reserve(m.Len)
	if b == nil {
		return h.noRoom(c)
	}
	if err := m.Copy(b); err != nil {
		h.program.unreserve(b)
		return err
	}
	if !h.pushReserved(&h.record, b) {
		h.takeBack(b)
		return h.noRoom(c)
	}
	h.note(c)
	return nil
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
	b := h.reserve(n)
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
		if s.heard != h.turns {
			s.state = sessionSilent
		}
		h.ended = append(h.ended, c)
		h.stage(abi.Record{Kind: abi.Close, Flags: endFlags(e), Code: uint32(e.Code), Conn: c.Key}, e.Reason)
		return
	}
	h.orphans = append(h.orphans, c)
	h.shard.want(h)
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

// trapped ends the program and, with 1011 or 500, all connections that it knew.
// The next connection gets a fresh one.
func (h *home) trapped(err error) {
	h.logTrap(err)
	if h.program == nil {
		return // it has ended already, or has not come to be
	}
	h.sessions.each(func(s *session) {
		live := s.state == sessionLive
		s.state = sessionOrphan
		if !live {
			return
		}
		if s.conn.Opened() {
			s.conn.Fail(ws.StatusInternalServerError, "handler failed")
		} else {
			h.refuse(s.conn, wshead.GuestFailed, netpoll.End{Code: ws.StatusInternalServerError, Cause: netpoll.ByHost})
		}
	})
	h.program.close()
	h.program = nil
	h.later, h.flooded, h.lent = nil, false, 0
	h.orphans = append(h.orphans, h.ended...)
	clear(h.ended)
	h.ended, h.told = h.ended[:0], 0
	h.shard.want(h)
}

// retire ends the program of a loop that has stopped.
func (h *home) retire() {
	if h.program != nil {
		h.program.close()
		h.program = nil
	}
}

func (h *home) logTrap(err error) {
	reason := "start_failed"
	var trap *wasmhost.TrapError
	switch {
	case errors.As(err, &trap):
		reason = string(trap.Reason)
	case errors.Is(err, errFlooded):
		reason = "fault_flood"
	case errors.Is(err, errPanicked):
		reason = "panic"
	}
	h.shard.server.logger.Error("guest trapped", slog.String("error", "guest_trapped"),
		slog.String("reason", reason), slog.String("tenant", h.tenant.name),
		slog.String("module", h.tenant.digest), slog.String("detail", err.Error()))
}

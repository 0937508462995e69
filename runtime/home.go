package runtime

import (
	"errors"
	"log/slog"
	"slices"
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
	listed  bool            // on the shard's list
	flooded bool            // more faults than later may hold
	lent    int             // bytes that Reserve has returned and that are not a message yet

	record abi.Record // scratch: what connect and Message stage; a local one would be allocated
	lines  []byte     // scratch: response header lines
}

// An event waits outside the inbox.
type event struct {
	record  abi.Record
	payload []byte
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
		if b, ok := h.program.push(&r, len(payload)); ok {
			copy(b, payload)
			h.staged(&r)
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

// closeSlow closes the connections whose backlog is over its limit, and whose
// program does not want to hear when it drains.
func (h *home) closeSlow() {
	for i, c := range h.slow {
		h.slow[i] = nil
		c.Fail(ws.StatusPolicyViolation, reasonSlow)
	}
	h.slow = h.slow[:0]
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
	h.load.Add(-1)
	h.tenant.conns.Add(-1)
	h.shard.server.conns.Add(-1)
	c.Release()
}

// admit counts a connection, and reports whether there may be one more: of the
// server, of the tenant, and in the home's table.
func (h *home) admit() bool {
	s := h.shard.server
	if s.conns.Add(1) > s.maxConns {
		s.conns.Add(-1)
		return false
	}
	if h.tenant.conns.Add(1) > int64(h.tenant.limits.Conns) || h.sessions.used == maxSessions {
		h.tenant.conns.Add(-1)
		s.conns.Add(-1)
		return false
	}
	h.load.Add(1)
	return true
}

// connect makes the home the handler of a connection, and stages its connect
// event.
func (h *home) connect(c *netpoll.Conn, head *wshead.Head, r *route) {
	if !h.ready() {
		h.shard.refuse(c, wshead.GuestDown)
		return
	}
	if !h.admit() {
		h.shard.refuse(c, wshead.Full)
		return
	}
	s, key := h.sessions.add(c)
	s.route = r.index
	c.Await(h, uint64(key), h.settingsFor(r))
	f := connectFields{conn: c, head: head, route: r}
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

// takeBack gives memory from reserve back to the program, if that lives still.
func (h *home) takeBack(b []byte) bool {
	if h.program != nil {
		h.program.unreserve(b)
	}
	return false
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
	return nil
}

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

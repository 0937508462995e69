package runtime

import (
	"errors"
	"log/slog"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/proxyhead"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// warmGuests is how many guests of a loop keep the engine's stack between turns:
// 12 MiB of them at most, and more tenants than are busy at once.
const warmGuests = 1024

// A shard is what the server has on one loop: the homes there, and which of them
// have events waiting. It is the loop's driver. Owned by the loop.
type shard struct {
	server *Server
	index  int
	loop   *netpoll.Loop
	clubs  map[*tenant]*club // Set by New, never changed.
	homes  []*home           // Set by New, never changed.

	due      []*home   // homes with events or ends to deliver
	spare    []*home   // the list that is not due
	asleep   []*home   // that wait until a fresh program may be started
	timed    []*home   // homes with armed timers
	alarm    int64     // when the first of those may be due, in milliseconds of the clock
	dead     []program // ended in this turn; a message in progress may lie in the memory of one
	applying int       // homes that apply commands: nothing is delivered then
	cost     int64     // of the commands that were applied since the program was last entered, or gone on with
	active   []*club   // of tenants that had a turn of late
	given    int64     // to each tenant that is active, since the start
	swept    int64     // when it was looked who is not active any more
	shared   int64     // when active ones were given their share last, as the monotonic clock
	clock    wasmhost.Clock
	stacks   *wasmhost.Stacks // of the guests
	started  time.Time
	dropped  uint64 // messages that slow connections did not get
	response []byte // scratch for heads and responses
	draining bool   // the server is to end: nobody new is let in
	emptying bool   // and all that are there were told to go
}

// Route implements [netpoll.Driver].
func (s *shard) Route(c *netpoll.Conn, head *wshead.Head) {
	direct := c.Peer()
	from := s.server.proxies.caller(direct, head)
	c.SetPeer(from.peer)
	if s.draining {
		s.refuse(c, wshead.ShuttingDown)
		return
	}
	if !head.WantsUpgrade() {
		s.server.plain.take(c, direct, head)
		return
	}
	if refusal := head.CheckUpgrade(); refusal != nil {
		s.refuse(c, refusal)
		return
	}
	r := s.server.finder.match(view(head.Host), view(head.Path))
	if r == nil {
		s.refuse(c, wshead.NotFound)
		return
	}
	if r.disabled {
		s.refuse(c, wshead.WebSocketOff)
		return
	}
	if origin, has := head.Get("Origin"); !r.allows(view(origin), has) {
		s.refuse(c, wshead.OriginRefused)
		return
	}
	h := r.homeFor(s.index)
	if c.Moved() && r.placement == PerLoop {
		h = r.homes[s.index] // it came here because here was best
	}
	if h.shard != s {
		c.SetPeer(direct) // to be asked again
		c.Move(h.shard.loop)
		return
	}
	h.connect(c, connectFields{conn: c, head: head, route: r, secure: from.secure})
}

// refuse answers a handshake that no program sees.
func (s *shard) refuse(c *netpoll.Conn, r *wshead.Refusal) {
	s.Refused(c, r)
	s.response = wshead.AppendRefusal(s.response[:0], r, nil)
	c.Refuse(s.response, nil)
}

// Refused implements [netpoll.Driver]. What a client does wrong is no error of
// ours, so it is logged as information.
func (s *shard) Refused(c *netpoll.Conn, r *wshead.Refusal) {
	s.server.logger.Info("handshake refused",
		slog.String("error", r.Name), slog.Int("status", r.Status), slog.String("peer", c.Peer().String()))
}

// Dropped implements [netpoll.Driver].
func (s *shard) Dropped(c *netpoll.Conn, err error) {
	name := slog.String("error", "proxy_malformed")
	switch {
	case errors.Is(err, netpoll.ErrUntrusted):
		name = slog.String("error", "proxy_untrusted")
	case errors.Is(err, proxyhead.ErrMissing):
		name = slog.String("error", "proxy_missing")
	}
	s.server.logger.Info("connection dropped", name,
		slog.String("detail", err.Error()), slog.String("peer", c.Peer().String()))
}

// stats returns what the shard and its loop have counted.
func (s *shard) stats() Stats {
	l := s.loop.Stats()
	return Stats{
		Conns: l.Conns, Accepts: l.Accepts, Turns: l.Turns, Waits: l.Waits, Reads: l.Reads, Writes: l.Writes,
		Dropped: s.dropped,
	}
}

// Deliver implements [netpoll.Driver]: it lets every program that has events run
// once, but for those whose tenants owe time to others.
func (s *shard) Deliver() (more bool) {
	s.clean()
	s.awake()
	s.ring()
	if len(s.due) == 0 {
		return false
	}
	s.tell()
	s.share()
	due := s.due
	s.due = s.spare[:0]
	for i, h := range due {
		due[i] = nil
		if h.owes() {
			s.due = append(s.due, h)
			continue
		}
		h.deliver()
	}
	s.spare = due[:0]
	return s.ready()
}

// ready reports whether a home on the list can be delivered to at once, and sees to
// it that the loop wakes up for those that cannot.
func (s *shard) ready() bool {
	if len(s.due) == 0 {
		return false
	}
	soonest := s.due[0].credit()
	for _, h := range s.due {
		if !h.owes() {
			return true
		}
		soonest = min(soonest, h.credit())
	}
	s.loop.Wake(soonest)
	return false
}

// since returns how many nanoseconds have passed since the clock was read, and
// reads it.
func (s *shard) since() int64 {
	before := s.clock.Mono
	s.tell()
	return s.clock.Mono - before
}

// stop tells the programs that want to know that the server ends, while they can
// still say so to their connections.
func (s *shard) stop() {
	s.tell()
	for _, h := range s.homes {
		if h.program != nil && !h.program.busy() {
			h.stop(abi.StopShutdown)
			h.deliver()
		}
	}
}

// retire ends the programs of a loop that has stopped.
func (s *shard) retire() {
	s.clean()
	for _, h := range s.homes {
		h.retire()
	}
}

// clean closes the programs that have ended.
func (s *shard) clean() {
	for i, p := range s.dead {
		s.dead[i] = nil
		p.close()
	}
	s.dead = s.dead[:0]
}

// sleep takes h off the list of those to deliver for a while.
func (s *shard) sleep(h *home, d time.Duration) {
	if !h.asleep {
		h.asleep = true
		s.asleep = append(s.asleep, h)
	}
	s.loop.Wake(d)
}

// awake puts those that sleep back on the list. Whoever is too early sleeps again.
func (s *shard) awake() {
	for i, h := range s.asleep {
		s.asleep[i] = nil
		h.asleep = false
		s.want(h)
	}
	s.asleep = s.asleep[:0]
}

// tell reads the clock that programs see until the next Deliver.
func (s *shard) tell() {
	if v := s.server.virtual; v != nil {
		s.clock = v.read()
		return
	}
	now := time.Now()
	s.clock = wasmhost.Clock{Wall: now.UnixNano(), Mono: int64(now.Sub(s.started)) + 1}
}

// elapsed returns the time since the shard started.
func (s *shard) elapsed() time.Duration {
	if v := s.server.virtual; v != nil {
		return v.elapsed()
	}
	return time.Since(s.started)
}

// want puts h on the list of those to deliver.
func (s *shard) want(h *home) {
	if !h.listed {
		h.listed = true
		s.due = append(s.due, h)
	}
}

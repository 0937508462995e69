package runtime

import (
	"errors"
	"log/slog"
	"time"

	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/proxyhead"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A shard is what the server has on one loop: the homes there, and which of them
// have events waiting. It is the loop's driver. Owned by the loop.
type shard struct {
	server *Server
	index  int
	loop   *netpoll.Loop
	clubs  map[*tenant]*club // Set by New, never changed.

	due      []*home // homes with events or ends to deliver
	spare    []*home // the list that is not due
	applying int     // homes that apply commands: nothing is delivered then
	clock    wasmhost.Clock
	started  time.Time
	dropped  uint64 // messages that slow connections did not get
	response []byte // scratch for heads and responses
	draining bool
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
	r := s.server.routes.match(view(head.Host), view(head.Path))
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
// once.
func (s *shard) Deliver() (more bool) {
	if len(s.due) == 0 {
		return false
	}
	s.tell()
	due := s.due
	s.due = s.spare[:0]
	for i, h := range due {
		due[i] = nil
		h.deliver()
	}
	s.spare = due[:0]
	return len(s.due) > 0
}

// tell reads the clock that programs see until the next Deliver.
func (s *shard) tell() {
	now := time.Now()
	s.clock = wasmhost.Clock{Wall: now.UnixNano(), Mono: int64(now.Sub(s.started)) + 1}
}

// want puts h on the list of those to deliver.
func (s *shard) want(h *home) {
	if !h.listed {
		h.listed = true
		s.due = append(s.due, h)
	}
}

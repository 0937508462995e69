package runtime

import (
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// A club is a tenant's topics on one loop, for all its homes there.
type club struct {
	shard   *shard            // Set by New, never changed.
	tenant  *tenant           // Set by New, never changed.
	peers   []*club           // Set by New, never changed: the tenant's on the other loops.
	topics  map[string]*topic // Owned by the loop.
	members atomic.Int32      // subscriptions in all; other loops look whether there are any
	posted  atomic.Int64      // bytes of frames that other loops posted and this one has not come to
	scratch []byte            // Owned by the loop: where a small publication is encoded
	shared  netpoll.Shared    // Owned by the loop: the publication that is being sent

	backlog netpoll.Backlog // Owned by the loop: of the tenant's connections here
	quotas  quotas
	logs    guestLog
	limits  *Limits   // Set by New, never changed.
	count   *counters // Set by New, never changed.
	balance int64     // Owned by the loop: see share.go; so are the next three.
	taken   int64     // of what the shard has given, what is in the balance
	ran     int64     // when a program of the tenant's had its last turn
	active  bool      // on the shard's list
}

func newClub(s *shard, t *tenant) *club {
	c := &club{shard: s, tenant: t, topics: make(map[string]*topic), backlog: netpoll.Backlog{Limit: t.limits.TotalSendBytes}, quotas: t.limits.quotas(), limits: &t.limits, count: &t.counters}
	c.logs = guestLog{logger: s.server.logger.With(slog.String("tenant", t.name)), club: c}
	return c
}

// A topic is who subscribes to a name on this loop. One without members is gone.
type topic struct {
	name    string
	members []*session
}

// A membership is a session's place in a topic.
type membership struct {
	topic *topic
	index int // of the session in topic.members
}

// maxMemberships is how many topics a connection can be subscribed to: their
// names are the host's memory, and a membership is found by looking at them all.
const maxMemberships = 256

// subscribe makes s a member of the topic. To be a member twice is to be one. It
// reports false if s has too many memberships, or the tenant.
func (c *club) subscribe(s *session, name []byte) bool {
	if s.extra == nil {
		s.extra = new(sessionExtra)
	}
	t := c.topics[string(name)]
	switch {
	case t != nil && membershipOf(s, t) >= 0:
		return true
	case len(s.extra.memberships) == maxMemberships:
		return false
	case int(c.members.Load()) >= c.limits.Subscriptions, t == nil && len(c.topics) >= c.limits.Topics:
		c.count.topicsFull.Add(1)
		return false
	case t == nil:
		t = &topic{name: string(name)}
		c.topics[t.name] = t
	}
	s.extra.memberships = append(s.extra.memberships, membership{t, len(t.members)})
	t.members = append(t.members, s)
	c.members.Add(1)
	return true
}

// unsubscribe reports whether s was a member of the topic, which it is not after.
func (c *club) unsubscribe(s *session, name []byte) bool {
	t := c.topics[string(name)]
	if t == nil || s.extra == nil {
		return false
	}
	i := membershipOf(s, t)
	if i < 0 {
		return false
	}
	c.leave(s, i)
	return true
}

// leaveAll ends all of s's memberships.
func (c *club) leaveAll(s *session) {
	if s.extra == nil {
		return
	}
	for i := len(s.extra.memberships) - 1; i >= 0; i-- {
		c.leave(s, i)
	}
}

// leave ends the i-th membership of s. The topic's last member takes its place.
func (c *club) leave(s *session, i int) {
	m := s.extra.memberships[i]
	s.extra.memberships = slices.Delete(s.extra.memberships, i, i+1)
	t := m.topic
	last := len(t.members) - 1
	moved := t.members[last]
	t.members[last] = nil
	t.members = t.members[:last]
	if moved != s {
		t.members[m.index] = moved
		moved.extra.memberships[membershipOf(moved, t)].index = m.index
	}
	if last == 0 {
		delete(c.topics, t.name)
	}
	c.members.Add(-1)
}

// size returns how many members a topic has on this loop.
func (c *club) size(name []byte) int {
	if t := c.topics[string(name)]; t != nil {
		return len(t.members)
	}
	return 0
}

func membershipOf(s *session, t *topic) int {
	return slices.IndexFunc(s.extra.memberships, func(m membership) bool { return m.topic == t })
}

// publish sends one message to every member of the topic on this loop, but for
// except, and to those on the tenant's other loops. It is encoded once.
// payload is the caller's again when publish returns. It reports false, and has
// sent nothing, while another loop is too far behind.
func (c *club) publish(name []byte, op ws.OpCode, payload []byte, except *session) bool {
	elsewhere, behind := c.elsewhere()
	t := c.topics[string(name)]
	switch {
	case behind:
		return false
	case t == nil && !elsewhere:
		return true
	}
	size := wsframe.HeaderSize(len(payload)) + len(payload)
	frame := c.scratch[:0]
	if size >= netpoll.SharedMin || elsewhere {
		frame = make([]byte, 0, size) // it outlives this call; the collector knows when the last has written it
	}
	frame = wsframe.AppendFrame(frame, op, payload)
	if size < netpoll.SharedMin && !elsewhere {
		c.scratch = frame
	}
	if t != nil {
		c.shard.cost += t.cost(frame)
		c.send(t, frame, except)
	}
	if elsewhere {
		c.post(string(name), frame)
	}
	return true
}

// maxPosted is how many bytes of publications may wait for a loop: one turn of a
// guest can publish far more than memory holds.
const maxPosted = 64 << 20

// elsewhere reports whether the tenant has members of topics on other loops, and
// whether one of those loops is behind by more than maxPosted.
func (c *club) elsewhere() (members, behind bool) {
	for _, peer := range c.peers {
		if peer.members.Load() > 0 {
			members = true
			behind = behind || peer.posted.Load() > maxPosted
		}
	}
	return members, behind
}

// post hands a frame to the tenant's other loops.
func (c *club) post(name string, frame []byte) {
	const overhead = 256 // of what is posted for each
	size := int64(len(frame) + overhead)
	for _, peer := range c.peers {
		if peer.members.Load() > 0 {
			peer.posted.Add(size)
			peer.shard.loop.Post(func() {
				peer.posted.Add(-size)
				peer.deliver(name, frame)
			})
		}
	}
}

// deliver sends a frame that was published on another loop.
func (c *club) deliver(name string, frame []byte) {
	if t := c.topics[name]; t != nil {
		c.charge(t.cost(frame))
		c.send(t, frame, nil)
	}
}

// cost returns what it takes to send a frame to every member; see share.go. It is
// copied for each: a large one by the kernel, on the spot.
func (t *topic) cost(frame []byte) int64 {
	each := deliveryCost + len(frame)/8
	if len(frame) >= netpoll.SharedMin {
		each += writeCost + len(frame)/8
	}
	return int64(len(t.members)) * int64(each)
}

// send sends a frame to the members of t, but for except.
func (c *club) send(t *topic, frame []byte, except *session) {
	c.shared.Set(frame)
	// A member whose socket turns out to be broken leaves the topic on the
	// spot, and the last one takes its place: go from the back.
	for i := len(t.members) - 1; i >= 0; i-- {
		if s := t.members[i]; s != except {
			c.sendShared(s)
		}
	}
	c.shared.Set(nil)
}

// sendShared sends the publication to one member.
func (c *club) sendShared(s *session) {
	switch {
	case s.conn.SendShared(&c.shared) != netpoll.ErrWouldBlock:
	case c.shard.policy(s) == DropSlow:
		c.shard.drop(s, c.tenant)
	default:
		c.count.slowClients.Add(1)
		s.conn.Fail(ws.StatusPolicyViolation, reasonSlow)
	}
}

// checkTopic says whether name can be a topic's.
func checkTopic(name []byte) abi.Status {
	switch {
	case len(name) == 0:
		return abi.Invalid
	case len(name) > abi.MaxTopic:
		return abi.TooBig
	}
	return abi.OK
}

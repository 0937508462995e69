package runtime

import (
	"errors"
	"net"
	"net/netip"
	goruntime "runtime"
	"time"

	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// Stepped is a server that does nothing by itself, for tests of programs: it has one
// loop, of which its owner makes every turn, and a clock that its owner moves. It has
// the frame engine, admission and limits of any other server, since it is one.
//
// Its methods, but for Wake and Dial, are to be called by one goroutine at a time.
// Methods of its Server that wait for the loop (Shutdown, Reload and Stats) have to be
// called by another, or they wait for ever. Deadlines that net/http keeps, for requests
// that come slowly and responses that are not read, are in real time, as is the limit
// on a guest's computing time.
type Stepped struct {
	Server *Server

	virtual *virtual
	shard   *shard
}

// NewStepped is [New] for a stepped server, at a time of day. config.Loops can be 0 or
// 1, and there is no DrainWindow. The logger is called where something is logged, and must not wait for the owner.
func NewStepped(config Config, at time.Time) (*Stepped, error) {
	if config.Loops > 1 {
		return nil, configError("%d loops; a stepped server has one", config.Loops)
	}
	config.Loops, config.DrainWindow = 1, 0 // a window would be one of real time
	v := &virtual{started: at}
	s, err := newServer(config, v)
	if err != nil {
		return nil, err
	}
	s.plain.start()
	return &Stepped{Server: s, virtual: v, shard: s.shards[0]}, nil
}

// Turn makes one turn of the loop, and reports whether anything happened or is still
// to be done. With block it waits until there is something to do, for which no time
// passes. After Shutdown it returns [ErrServerClosed].
func (s *Stepped) Turn(block bool) (busy bool, err error) {
	// A guest's time is its thread's.
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	busy, err = s.shard.loop.Step(block)
	if errors.Is(err, netpoll.ErrStopped) {
		err = ErrServerClosed
	}
	return busy, err
}

// Wake ends a Turn that blocks, or the next one that would. Any goroutine may call it.
func (s *Stepped) Wake() { s.shard.loop.Post(func() {}) }

// Now returns the time of day.
func (s *Stepped) Now() time.Time { return s.virtual.started.Add(s.virtual.now) }

// Next returns how far the clock can move until something may be due, and false if
// nothing waits for its time.
func (s *Stepped) Next() (time.Duration, bool) {
	next, ok := s.shard.loop.Next()
	s.eachRequest(func(_ *home, x *exchange) {
		if x.within > 0 {
			left := max(x.due-s.virtual.now, 0)
			if !ok || left < next {
				next, ok = left, true
			}
		}
	})
	return next, ok
}

// Advance moves the clock by d. What is due then happens in the next turns; whoever
// wants all of it to happen at its own time asks Next first.
func (s *Stepped) Advance(d time.Duration) {
	s.virtual.now += max(d, 0)
	s.eachRequest(func(h *home, x *exchange) {
		if x.within > 0 && x.due <= s.virtual.now {
			h.end(x, noResponse())
		}
	})
}

// Requests returns how many HTTP requests wait for a program's answer. Others that are
// on their way are with net/http, which goes on by itself.
func (s *Stepped) Requests() (waiting int) {
	s.eachRequest(func(*home, *exchange) { waiting++ })
	return waiting
}

// Leaving reports whether Shutdown waits for somebody: for a client that has not
// answered its close frame, or a program that has not answered a request. It may take
// time to pass until they have.
func (s *Stepped) Leaving() bool {
	return s.shard.emptying && (s.shard.loop.Stats().Conns > 0 || s.Requests() > 0)
}

func (s *Stepped) eachRequest(f func(h *home, x *exchange)) {
	for _, h := range s.shard.homes {
		h.requests.each(func(x *exchange) { f(h, x) })
	}
}

// Dial returns the client's end of a new connection inside the process, which counts
// as accepted from peer. Any goroutine may call it.
func (s *Stepped) Dial(peer netip.AddrPort) (net.Conn, error) {
	fd, conn, err := netpoll.Pipe()
	if err != nil {
		return nil, err
	}
	s.shard.loop.Take(fd, peer)
	return conn, nil
}

// virtual is the time of a stepped server. Owned by the loop.
type virtual struct {
	started time.Time
	now     time.Duration // since then
}

// clock returns the clock of a stepped server's loop, or nil, for the real one.
func (v *virtual) clock() func() time.Duration {
	if v == nil {
		return nil
	}
	return v.elapsed
}

func (v *virtual) elapsed() time.Duration { return v.now }

// read returns what programs see.
func (v *virtual) read() wasmhost.Clock {
	return wasmhost.Clock{Wall: v.started.Add(v.now).UnixNano(), Mono: int64(v.now) + 1}
}

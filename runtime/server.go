package runtime

import (
	"context"
	"errors"
	"log/slog"
	"net"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A Server serves WebSocket connections to tenants' programs. Its methods may be
// called from any goroutine; but Shutdown and Stats wait for the loops, so that a
// [Handler] must not call them.
type Server struct {
	// Set by New, never changed.
	logs    *logQueue    // nil where it is stepped
	logger  *slog.Logger // to logs
	virtual *virtual     // not nil: it is stepped, and this is its time
	host    *wasmhost.Host
	tenants map[string]*tenant
	routes  routes
	finder  routeIndex // of routes
	proxies proxies
	shards  []*shard
	plain   *plainSide

	drainWindow time.Duration
	drainCode   ws.StatusCode

	running   sync.WaitGroup // loops
	arrivals  atomic.Uint32  // connections taken over from net/http
	instances atomic.Uint64  // that were started: the last one's name
	conns     atomic.Int64   // connections that have a session, on all loops
	maxConns  int64          // Set by New, never changed.
	addresses addresses

	reloading sync.Mutex    // one at a time
	ended     chan struct{} // closed when the loops have ended

	mu        sync.Mutex
	listeners []int // Guarded by mu.
	closed    bool  // Guarded by mu.
}

// ErrServerClosed is returned by methods of a server that was shut down.
var ErrServerClosed = errors.New("runtime: server closed")

// New checks config, admits its modules and starts the loops. An error wraps
// [ErrConfig], or is a [*ModuleError], or comes from the system.
func New(config Config) (*Server, error) {
	s, err := newServer(config, nil)
	if err != nil {
		return nil, err
	}
	for _, shard := range s.shards {
		s.running.Go(func() {
			if err := shard.loop.Run(); err != nil {
				s.logger.Error("loop failed", slog.String("error", "loop_failed"), slog.String("detail", err.Error()))
			}
		})
	}
	s.plain.start()
	return s, nil
}

// newServer returns a server of which nothing runs yet. With v it is to be stepped:
// what is logged is then written where and when it is.
func newServer(config Config, v *virtual) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	host, err := wasmhost.New(config.HostConfig())
	if err != nil {
		return nil, err
	}
	s := &Server{
		logger: config.Logger, virtual: v, host: host, tenants: make(map[string]*tenant), ended: make(chan struct{}),
		maxConns: int64(config.Conns), drainWindow: config.DrainWindow, drainCode: ws.StatusCode(config.DrainCode),
	}
	if v == nil {
		s.logs = newLogQueue(config.Logger.Handler())
		s.logger = slog.New(s.logs)
	}
	s.plain = newPlainSide(s, config.HTTP)
	if err := s.build(config); err != nil {
		for _, shard := range s.shards {
			shard.loop.Discard()
		}
		s.logs.end()
		host.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) build(config Config) error {
	var err error
	if s.proxies, err = newProxies(config.TrustedProxies); err != nil {
		return err
	}
	s.addresses = addresses{most: int32(config.AddressConns), exempt: s.proxies, conns: make(map[uint64]int32)}
	for _, t := range config.Tenants {
		built, err := newTenant(t, s.host)
		if err != nil {
			return err
		}
		s.tenants[t.Name] = built
	}
	if s.routes, err = newRoutes(config.Routes, s.tenants); err != nil {
		return err
	}
	s.finder = s.routes.finder()
	started := time.Now()
	for i := range config.Loops {
		shard := &shard{
			server: s, index: i, started: started,
			clubs:  make(map[*tenant]*club),
			stacks: wasmhost.NewStacks(warmGuests),
		}
		shard.loop, err = netpoll.New(netpoll.Config{
			HeadTimeout: config.HeadTimeout,
			Clock:       s.virtual.clock(),
			Dedicated:   config.Dedicated && goruntime.GOMAXPROCS(0) > config.Loops,
		}, shard)
		if err != nil {
			return err
		}
		for _, t := range s.tenants {
			shard.clubs[t] = newClub(shard, t)
		}
		s.shards = append(s.shards, shard)
	}
	s.introduce()
	s.settle()
	return nil
}

// introduce tells every club of the same tenant's on the other loops.
func (s *Server) introduce() {
	for _, t := range s.tenants {
		for _, shard := range s.shards {
			for _, other := range s.shards {
				if other != shard {
					shard.clubs[t].peers = append(shard.clubs[t].peers, other.clubs[t])
				}
			}
		}
	}
}

// settle gives every route its homes. Routes of one tenant with one placement
// share them; the instances of different tenants are spread over the loops.
func (s *Server) settle() {
	type key struct {
		tenant    *tenant
		placement Placement
	}
	homes := make(map[key][]*home)
	tag := uint8(0) // wraps, as there can be more homes: it tells apart, and protects nothing
	for _, r := range s.routes {
		k := key{r.tenant, r.placement}
		if homes[k] == nil {
			shards := s.shards
			if r.placement == Single {
				shards = []*shard{s.shards[len(homes)%len(s.shards)]}
			}
			for _, shard := range shards {
				h := &home{
					shard: shard, tenant: r.tenant, club: shard.clubs[r.tenant],
					sessions: sessions{tag: tag},
				}
				homes[k] = append(homes[k], h)
				shard.homes = append(shard.homes, h)
				tag++
			}
		}
		r.homes = homes[k]
	}
}

// Listen accepts connections on address, such as "127.0.0.1:8080", and returns
// the address with the real port. It may be called more than once.
func (s *Server) Listen(network, address string) (net.Addr, error) {
	return s.listen(network, address, (*netpoll.Loop).Listen)
}

// ListenProxied is Listen for connections each of which begins with a header of
// the PROXY protocol, version 1 or 2, that says whose it is. They must come from
// Config.TrustedProxies; others are closed, as are those without the header.
func (s *Server) ListenProxied(network, address string) (net.Addr, error) {
	if len(s.proxies) == 0 {
		return nil, configError("cannot listen for proxies: none is trusted")
	}
	return s.listen(network, address, func(l *netpoll.Loop, fd int) error { return l.ListenProxied(fd, s.proxies.trust) })
}

// listen opens a listening socket and has every loop accept from it.
func (s *Server) listen(network, address string, accept func(l *netpoll.Loop, fd int) error) (net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrServerClosed
	}
	fd, addr, err := netpoll.ListenSocket(network, address)
	if err != nil {
		return nil, err
	}
	s.listeners = append(s.listeners, fd)
	for _, shard := range s.shards {
		shard.loop.Post(func() {
			if err := accept(shard.loop, fd); err != nil {
				s.logger.Error("cannot accept", slog.String("error", "listen_failed"), slog.String("detail", err.Error()))
			}
		})
	}
	return addr, nil
}

// Shutdown tells the programs that want to hear of it, closes open connections with
// Config.DrainCode, spread over Config.DrainWindow, and refuses waiting and new ones
// with 503 meanwhile. Then it stops accepting, and waits until all have gone or ctx is done, whose error it
// then returns. Whatever is left is dropped, and the loops end.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.closed = true
	listeners := s.listeners
	s.mu.Unlock()

	s.drain(ctx)
	empty := make(chan struct{}, len(s.shards))
	for _, shard := range s.shards {
		shard.loop.Post(func() {
			shard.emptying = true
			shard.loop.Unlisten()
			shard.loop.Drain(s.drainCode, drainReasons[s.drainCode], func() { empty <- struct{}{} })
		})
	}
	err := s.plain.shutdown(ctx)
	for range s.shards {
		select {
		case <-empty:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	for _, shard := range s.shards {
		shard.loop.Stop()
	}
	s.running.Wait()
	close(s.ended)
	s.plain.drop()
	for _, fd := range listeners {
		netpoll.CloseSocket(fd)
	}
	for _, shard := range s.shards {
		shard.retire()
	}
	s.logs.end()
	return errors.Join(err, s.host.Close())
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Publish sends one message to every member of a tenant's topic, on all loops.
// Text must be UTF-8. payload is the caller's again when Publish returns.
func (s *Server) Publish(tenant, topic string, text bool, payload []byte) error {
	t := s.tenants[tenant]
	if t == nil {
		return ErrNotFound
	}
	frame, status := publicFrame([]byte(topic), text, payload)
	if err := statusError(status); err != nil {
		return err
	}
	posted := false
	for _, shard := range s.shards {
		club := shard.clubs[t]
		posted = shard.loop.Post(func() { club.deliver(topic, frame) }) || posted
	}
	if !posted {
		return ErrServerClosed
	}
	return nil
}

// Stats is what a server counted since it started, over all loops.
type Stats struct {
	Conns   int    // connections that there are
	Accepts uint64 // connections that came
	Turns   uint64 // turns of the loops
	Waits   uint64 // system calls that wait for events
	Reads   uint64 // system calls that read
	Writes  uint64 // system calls that write
	Dropped uint64 // messages that clients of routes with DropSlow did not get
}

// Stats asks every loop. After Shutdown it returns zeros.
func (s *Server) Stats() Stats {
	answers := make(chan Stats, len(s.shards))
	asked := 0
	for _, shard := range s.shards {
		if shard.loop.Post(func() { answers <- shard.stats() }) {
			asked++
		}
	}
	var sum Stats
	for range asked {
		a := <-answers
		sum.Conns += a.Conns
		sum.Accepts += a.Accepts
		sum.Turns += a.Turns
		sum.Waits += a.Waits
		sum.Reads += a.Reads
		sum.Writes += a.Writes
		sum.Dropped += a.Dropped
	}
	return sum
}

// Package virtual runs a guest on a server in memory and in virtual time, with
// clients that a script drives: what the test kit of the Go SDK and "wherry test" have
// in common. The server is [runtime.Stepped], so what is seen here is what a server
// does: only the sockets are inside the process, and nothing happens by itself.
package virtual

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-c6589352/wherry/runtime"
)

// Tenant is what the guest's tenant is called, where nobody calls it anything else.
const Tenant = "test"

// Config says what a [World] serves, and how.
type Config struct {
	Module []byte            // the guest
	Routes []runtime.Route   // that lead to it; their Tenant is set
	Values map[string]string // its configuration
	Limits runtime.Limits    // of its tenant

	Tenant   string    // its name (Tenant)
	Start    time.Time // the time of day at the beginning (2001-02-03 04:05:06 UTC)
	CacheDir string    // where compiled modules are kept (nowhere)

	// Server, if it is there, may change the server's configuration before it starts.
	Server func(*runtime.Config)
}

// ErrNothing says that there is nothing, and that nothing will come unless time
// passes or a client does something.
var ErrNothing = errors.New("nothing arrived, and nothing will before time passes or a client sends")

// ErrEnded is returned by methods of a [World] that was stopped.
var ErrEnded = errors.New("the server has stopped")

// ErrRestless says that a guest and its clients answer each other without an end, or
// that the guest does so with itself.
var ErrRestless = errors.New("the server does not come to rest: it has made 100000 turns without time passing")

// restlessTurns is how many turns there can be between two moments of rest.
const restlessTurns = 100_000

// A World is a server, its clients and their time. Its methods, and those of what it
// returns, may be called from any goroutine; each returns when everything has
// happened that happens without time passing.
type World struct {
	stepped *runtime.Stepped // Set by New, never changed.
	tenant  string           // Set by New, never changed.
	logs    logBook
	calls   atomic.Int64 // HTTP requests that have no response yet

	mu       sync.Mutex
	clients  []*Client // Guarded by mu. Those with a socket.
	port     uint16    // Guarded by mu. Of the last client.
	together int       // Guarded by mu. How many Together there are around.
	ended    bool      // Guarded by mu.
}

// New starts a world. Close has to be called when it is not needed any more. Errors
// are those of [runtime.New].
func New(config Config) (*World, error) {
	w := &World{tenant: config.Tenant, port: 49151}
	if w.tenant == "" {
		w.tenant = Tenant
	}
	if config.Start.IsZero() {
		config.Start = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	}
	server := runtime.Config{
		Tenants:  []runtime.Tenant{{Name: w.tenant, Module: config.Module, Config: config.Values, Limits: config.Limits}},
		CacheDir: config.CacheDir,
		Logger:   slog.New(&logHandler{book: &w.logs}),
	}
	for _, r := range config.Routes {
		r.Tenant = w.tenant
		server.Routes = append(server.Routes, r)
	}
	if config.Server != nil {
		config.Server(&server)
	}
	var err error
	if w.stepped, err = runtime.NewStepped(server, config.Start); err != nil {
		return nil, err
	}
	return w, nil
}

// Now returns the time of day in the world.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stepped.Now()
}

// Together calls f, in which nothing that clients send reaches the server before f
// returns, or asks what has arrived: the guest gets it all in one turn, if there is
// room.
func (w *World) Together(f func()) error {
	w.mu.Lock()
	w.together++
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.together--
	}()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rest()
}

// rest lets everything happen that happens without time passing.
func (w *World) rest() error {
	if w.ended {
		return nil
	}
	for turns := 0; turns < restlessTurns; turns++ {
		moved := w.pump()
		// One that waits for net/http may wait in real time, of which little passes:
		// net/http has nothing else to do than to pass the request or its answer on.
		outside := int(w.calls.Load()) > w.stepped.Requests()
		busy, err := w.stepped.Turn(!moved && outside && turns > 0)
		if err != nil {
			return err
		}
		if !moved && !busy && !outside {
			return nil
		}
	}
	return ErrRestless
}

// pump lets every client write and read, and reports whether any could.
func (w *World) pump() (moved bool) {
	kept := w.clients[:0]
	for _, c := range w.clients {
		moved = c.pump() || moved
		if c.wire != nil {
			kept = append(kept, c)
		}
	}
	clear(w.clients[len(kept):])
	w.clients = kept
	return moved
}

// settle is rest, but for what is to happen together with more.
func (w *World) settle() error {
	if w.together > 0 {
		return nil
	}
	return w.rest()
}

// Advance lets time pass. Timers and deadlines come in their order, each with all that
// follows from it. Deadlines of connections are kept in steps of 64 ms, as everywhere.
func (w *World) Advance(d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return ErrEnded
	}
	if err := w.rest(); err != nil {
		return err
	}
	for d > 0 {
		step := w.step(d)
		d -= step
		w.stepped.Advance(step)
		if err := w.rest(); err != nil {
			return err
		}
	}
	return nil
}

// step returns how far the clock moves at a time, when it is to move by d.
func (w *World) step(d time.Duration) time.Duration {
	const least = time.Millisecond // for what is due now and has to wait for a later turn
	if next, ok := w.stepped.Next(); ok {
		return min(d, max(next, least))
	}
	return d
}

// Reload gives the server another module of the guest. A module that is refused is a
// [*runtime.ModuleError].
func (w *World) Reload(module []byte) error {
	return w.wait(func() error { return w.stepped.Server.Reload(w.tenant, module) })
}

// Stop shuts the server down as SIGTERM does. Time passes if clients or the guest take
// their time. What clients have received can still be looked at.
func (w *World) Stop() error {
	err := w.wait(func() error { return w.stepped.Server.Shutdown(context.Background()) })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.pump()
	return err
}

// Close stops the server, if that was not done, and releases everything. A client that
// is still there finds its connection gone.
func (w *World) Close() error {
	err := w.Stop()
	if errors.Is(err, ErrEnded) {
		err = nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clients {
		c.hangUp()
	}
	w.clients = nil
	return err
}

// wait calls f on another goroutine, and makes turns until it returns. Time passes
// only for those whom a shutdown waits for.
func (w *World) wait(f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return ErrEnded
	}
	result := make(chan error, 1)
	go func() {
		result <- f()
		w.stepped.Wake()
	}()
	for {
		moved := w.pump()
		busy, err := w.stepped.Turn(false)
		if err != nil {
			return w.last(err, <-result)
		}
		select {
		case err := <-result:
			return errors.Join(err, w.rest())
		default:
		}
		if busy || moved {
			continue
		}
		if next, ok := w.stepped.Next(); ok && w.stepped.Leaving() {
			w.stepped.Advance(max(next, time.Millisecond))
			continue
		}
		if _, err := w.stepped.Turn(true); err != nil {
			return w.last(err, <-result)
		}
	}
}

// last is the result of a wait in which the loop ended, with turned.
func (w *World) last(turned, result error) error {
	if errors.Is(turned, runtime.ErrServerClosed) {
		return result
	}
	return errors.Join(turned, result)
}

// address returns the address of a new client.
func (w *World) address() netip.AddrPort {
	w.port++
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), w.port)
}

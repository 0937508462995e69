package guesttest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/internal/virtual"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/runtime"
)

// Config says how a guest is served. A zero field takes the default in parentheses.
type Config struct {
	// Routes are the patterns of the routes that lead to the guest, as in a server's
	// configuration, such as "/rooms/{room}". There has to be one.
	Routes []string

	Values map[string]string // the guest's configuration (none)
	Limits runtime.Limits    // of its tenant (a server's own defaults)
	Tenant string            // its name ("test")
	Start  time.Time         // the time of day at the beginning (2001-02-03 04:05:06 UTC)

	// Server may change everything else about the server before it starts, such as the
	// origins of a route. Loops stay 1, and the log is the test's.
	Server func(*runtime.Config)
}

// A Host is a server with a guest.
type Host struct {
	t     testing.TB
	world *virtual.World
}

// What errors say that methods of [Host] and [Client] return.
var (
	// ErrNothing says that there is nothing, and that nothing will come unless time
	// passes or a client does something.
	ErrNothing = virtual.ErrNothing

	// ErrEnded says that the server was stopped.
	ErrEnded = virtual.ErrEnded
)

// A Refused is the error of a handshake that was refused: its fields Status, Header and
// Body are the response that the client got.
type Refused = virtual.Refused

// A Closed is the error of a connection that is over: Code and Reason are those of the
// server's close frame. Code is 1005 where that had none, and 1006 where there was no
// close frame at all. Clean says that there was one in both directions.
type Closed = virtual.Closed

// A Line is one of the log: Level, Text and whether the Guest wrote it. Lines of the
// server's have Attrs, of which "error" is a name of docs/errors.md.
type Line = virtual.Line

// A Response is what came for an HTTP request: Status, Header and Body.
type Response = virtual.Response

// New starts a server with a module, which ends with the test. The test fails at once if
// the module is refused. If it fails later, the log is printed with it.
func New(t testing.TB, module []byte, config Config) *Host {
	t.Helper()
	if len(config.Routes) == 0 {
		t.Fatal(`guesttest: Config has no Routes; write one, such as "/ws"`)
	}
	c := virtual.Config{
		Module: module, Values: config.Values, Limits: config.Limits,
		Tenant: config.Tenant, Start: config.Start, CacheDir: virtual.CacheDir(), Server: config.Server,
	}
	for _, pattern := range config.Routes {
		c.Routes = append(c.Routes, runtime.Route{Pattern: pattern})
	}
	world, err := virtual.New(c)
	switch {
	case errors.Is(err, netpoll.ErrUnsupported):
		t.Skip("guesttest: ", err)
	case err != nil:
		t.Fatal("guesttest: ", err)
	}
	h := &Host{t, world}
	t.Cleanup(h.end)
	return h
}

func (h *Host) end() {
	if err := h.world.Close(); err != nil {
		h.t.Errorf("guesttest: stop: %v", err)
	}
	if !h.t.Failed() {
		return
	}
	for _, line := range h.Logs() {
		h.t.Log(line)
	}
}

// check fails the test if the server does not work as one.
func (h *Host) check(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("guesttest: %v", err)
	}
}

// Advance lets time pass. Timers and deadlines come in their order, each with all that
// follows from it.
func (h *Host) Advance(d time.Duration) {
	h.t.Helper()
	h.check(h.world.Advance(d))
}

// Now returns the time of day, as the guest's wall clock has it.
func (h *Host) Now() time.Time { return h.world.Now() }

// Together calls f. What clients send in it reaches the guest in one turn when f
// returns.
func (h *Host) Together(f func()) {
	h.t.Helper()
	h.check(h.world.Together(f))
}

// Reload replaces the module, as a deploy does: connections go on with the new one if it
// wants to know of them, and close with 1012 if not. A module that is refused is an error,
// and changes nothing.
func (h *Host) Reload(module []byte) error { return h.world.Reload(module) }

// Stop shuts the server down, as SIGTERM does: the guest is told, and connections close
// with 1001. Clients can still receive what they got. It is done at the end of the test
// if it was not before.
func (h *Host) Stop() {
	h.t.Helper()
	if err := h.world.Stop(); !errors.Is(err, ErrEnded) {
		h.check(err)
	}
}

// Logs returns what the guest and the server have logged.
func (h *Host) Logs() []Line { return h.world.Logs() }

// ExpectLog fails the test if no line that was logged has text in it. It returns the
// last one that has.
func (h *Host) ExpectLog(text string) Line {
	h.t.Helper()
	lines := h.Logs()
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i].String(), text) {
			return lines[i]
		}
	}
	h.t.Fatalf("no line of the log has %q in it", text)
	return Line{}
}

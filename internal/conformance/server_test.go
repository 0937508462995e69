package conformance_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

// watchRoute and watchScript make a route where the events of a connection with
// the same id are told.
const (
	watchRoute  = "/events"
	watchScript = "watch $id"
)

// recorderConfig is a server of one recorder, which plays the script of each
// route.
func recorderConfig(scripts map[string]string, limits runtime.Limits) runtime.Config {
	config := runtime.Config{
		Loops:   2, // so that connections move
		Tenants: []runtime.Tenant{{Name: "recorder", Module: guests.Recorder(), Config: scripts, Limits: limits}},
		Logger:  slog.New(slog.DiscardHandler),
	}
	for pattern := range scripts {
		config.Routes = append(config.Routes, runtime.Route{Pattern: pattern, Tenant: "recorder"})
	}
	return config
}

// start runs a server and returns it and its address.
func start(config runtime.Config) (*runtime.Server, string, error) {
	s, err := runtime.New(config)
	if err != nil {
		return nil, "", err
	}
	addr, err := s.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		stop(s)
		return nil, "", err
	}
	return s, addr.String(), nil
}

// stop ends a server. That it was stopped before, or that a case has left a
// connection that must be dropped, is no error.
func stop(s *runtime.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.Shutdown(ctx)
}

// serve runs a server until the test ends.
func serve(t *testing.T, config runtime.Config) (*runtime.Server, string) {
	t.Helper()
	s, addr, err := start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(s) })
	return s, addr
}

// settle returns once every loop of s has read what was there when it was called:
// a loop reads first in its turn and is asked last, and so the second of two
// answers comes from a turn that began after the call.
func settle(s *runtime.Server) func() {
	return func() {
		s.Stats()
		s.Stats()
	}
}

// logStats prints what the server counted: how many reads the bytes became.
func logStats(t *testing.T, s *runtime.Server) {
	stats := s.Stats()
	t.Logf("%d connections, %d reads, %d writes, %d turns", stats.Accepts, stats.Reads, stats.Writes, stats.Turns)
}

// logger returns a logger that keeps the events that the recorder logs, and
// nothing else.
func logger(log *conformance.Log) *slog.Logger {
	return slog.New(&logHandler{slog.DiscardHandler, log})
}

type logHandler struct {
	slog.Handler
	log *conformance.Log
}

func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *logHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }

// Handle takes the line of a record that is a guest's.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "line" {
			h.log.Add(a.Value.String())
		}
		return true
	})
	return nil
}

// plain answers what is no upgrade, as an application beside the guests would.
func plain(w http.ResponseWriter, r *http.Request) {
	switch _, err := io.ReadAll(r.Body); {
	case r.URL.Path != "/plain" && r.URL.Path != "/":
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, "malformed body", http.StatusBadRequest)
	default:
		io.WriteString(w, "home")
	}
}

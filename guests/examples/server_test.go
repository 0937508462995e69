package examples

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/runtime"
)

// patience is how long a test waits for what must happen. It is no measure of how
// fast that should be.
const patience = 20 * time.Second

// A server runs a guest, until the test ends.
type server struct {
	t    *testing.T
	run  *runtime.Server
	addr string
	log  *logBook
}

// serve starts a server with a guest at some routes, and a configuration for it.
func (g *guest) serve(t *testing.T, config map[string]string, routes ...string) *server {
	t.Helper()
	s := &server{t: t, log: new(logBook)}
	c := runtime.Config{
		Loops:    2, // so that connections move
		Tenants:  []runtime.Tenant{{Name: "example", Module: g.wasm, Config: config}},
		CacheDir: filepath.Join(work, "cache"),
		Logger:   slog.New(s.log),
	}
	for _, pattern := range routes {
		c.Routes = append(c.Routes, runtime.Route{Pattern: pattern, Tenant: "example"})
	}
	var err error
	if s.run, err = runtime.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	addr, err := s.run.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = addr.String()
	return s
}

// stop shuts the server down. Then all has been written to the log. Connections that
// a failed test has left open need not say goodbye.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.run.Shutdown(ctx)
}

// saw stops the server and compares all that was logged with want, line by line:
// what the guest said as "LEVEL TEXT", and of each connection that has ended "ROUTE:
// HTTP STATUS, CODE REASON, by WHOM", and whether it was clean.
func (s *server) saw(want ...string) {
	s.t.Helper()
	s.stop()
	if got := s.log.all(); !slices.Equal(got, want) {
		s.t.Errorf("the log has\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// A logBook is a slog.Handler that keeps what is logged. Any goroutine may use it.
type logBook struct {
	mu    sync.Mutex
	lines []string // Guarded by mu.
}

func (b *logBook) Enabled(context.Context, slog.Level) bool { return true }
func (b *logBook) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *logBook) WithGroup(string) slog.Handler            { return b }

// Handle keeps a record in the words of [server.saw].
func (b *logBook) Handle(_ context.Context, r slog.Record) error {
	attrs := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool {
		attrs[a.Key] = a.Value.String()
		return true
	})
	var line string
	switch r.Message {
	case "guest":
		line = r.Level.String() + " " + attrs["line"]
	case "connection":
		line = fmt.Sprintf("%s: HTTP %s, %s %s, by %s", attrs["route"], attrs["status"], attrs["code"], attrs["reason"], attrs["by"])
		if attrs["clean"] == "true" {
			line += ", clean"
		}
	default:
		line = fmt.Sprintf("%s %s: %v", r.Level, r.Message, attrs)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
	return nil
}

func (b *logBook) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// fetch makes an HTTP request and returns the response in the words of [describe].
func (s *server) fetch(method, target string) string {
	s.t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequest(method, "http://"+s.addr+target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	return describe(s.t, response)
}

// describe returns a response as text: the status; every header field but date and
// those about the connection, sorted; an empty line and the body.
func describe(t *testing.T, r *http.Response) string {
	t.Helper()
	var fields []string
	for name, values := range r.Header {
		switch name {
		case "Date", "Connection":
			continue
		}
		for _, v := range values {
			fields = append(fields, strings.ToLower(name)+": "+v)
		}
	}
	slices.Sort(fields)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d\n%s\n\n%s", r.StatusCode, strings.Join(fields, "\n"), body)
}

// response returns what describe says of a response with these fields, sorted, and
// body.
func response(status int, body string, fields ...string) string {
	fields = append(fields, fmt.Sprintf("content-length: %d", len(body)))
	slices.Sort(fields)
	return fmt.Sprintf("%d\n%s\n\n%s", status, strings.Join(fields, "\n"), body)
}

// wantResponse compares.
func wantResponse(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("the response is\n%s\nwant\n%s", got, want)
	}
}

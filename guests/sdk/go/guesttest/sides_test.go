package guesttest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests/sdk/go/guesttest"
	"github.com/seed-c6589352/wherry/runtime"
)

// ---- The kit. ----

type kitSide struct {
	t *testing.T
	h *guesttest.Host
}

func newKitSide(t *testing.T, config runtime.Config) side {
	tenant := config.Tenants[0]
	patterns := []string{}
	for _, r := range config.Routes {
		patterns = append(patterns, r.Pattern)
	}
	return &kitSide{t, guesttest.New(t, tenant.Module, guesttest.Config{
		Routes: patterns, Values: tenant.Config, Limits: tenant.Limits, Tenant: tenant.Name,
		Server: func(c *runtime.Config) { c.Routes = config.Routes },
	})}
}

func (s *kitSide) dial(target string, more ...guesttest.Option) (end, string) {
	c, err := s.h.Dial(target, more...)
	var refused *guesttest.Refused
	switch {
	case errors.As(err, &refused):
		return nil, "refused " + refusal(refused.Status, refused.Header, refused.Body)
	case err != nil:
		s.t.Fatal(err)
	}
	h := c.Header()
	h.Del("Sec-WebSocket-Accept")
	return &kitEnd{s.t, c}, "open " + refusal(101, h, nil)
}

func (s *kitSide) ask(method, target, body string) string {
	r, err := s.h.Do(method, target, []byte(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return refusal(r.Status, r.Header, r.Body)
}

func (s *kitSide) reload(module []byte) error { return s.h.Reload(module) }
func (s *kitSide) stop()                      { s.h.Stop() }

func (s *kitSide) guestLines() (lines []string) {
	for _, l := range s.h.Logs() {
		if l.Guest {
			lines = append(lines, l.Text)
		}
	}
	return lines
}

type kitEnd struct {
	t *testing.T
	c *guesttest.Client
}

func (e *kitEnd) check(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *kitEnd) text(s string)                 { e.check(e.c.SendText(s)) }
func (e *kitEnd) bytes(b []byte)                { e.check(e.c.SendBytes(b)) }
func (e *kitEnd) close(code int, reason string) { e.check(e.c.Close(code, reason)) }
func (e *kitEnd) abort()                        { e.c.Abort() }

func (e *kitEnd) next() string {
	data, text, err := e.c.Receive()
	var closed *guesttest.Closed
	switch {
	case errors.As(err, &closed):
		return ended(closed.Code, closed.Reason, closed.Clean)
	case err != nil:
		e.t.Fatal(err)
	}
	return message(text, data)
}

// ---- A server with sockets. ----

type socketSide struct {
	t      *testing.T
	server *runtime.Server
	addr   string

	ends []*socketEnd

	mu    sync.Mutex
	lines []string // Guarded by mu. Of the guest.
}

const patience = 10 * time.Second

func newSocketSide(t *testing.T, config runtime.Config) side {
	s := &socketSide{t: t}
	config.Logger = slog.New(s)
	config.Loops = 1
	var err error
	if s.server, err = runtime.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	addr, err := s.server.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = addr.String()
	return s
}

// Enabled implements [slog.Handler], as do the next three.
func (s *socketSide) Enabled(context.Context, slog.Level) bool { return true }
func (s *socketSide) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s *socketSide) WithGroup(string) slog.Handler            { return s }

func (s *socketSide) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "line" && r.Message == "guest" {
			s.lines = append(s.lines, a.Value.String())
		}
		return true
	})
	return nil
}

func (s *socketSide) guestLines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

func (s *socketSide) reload(module []byte) error { return s.server.Reload("test", module) }

// stop shuts the server down. Clients read what comes until then, as those of the kit
// do by themselves.
func (s *socketSide) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var reading sync.WaitGroup
	for _, e := range s.ends {
		reading.Go(e.readAll)
	}
	if err := s.server.Shutdown(ctx); err != nil && !errors.Is(err, runtime.ErrServerClosed) {
		s.t.Error(err)
	}
	reading.Wait()
}

func (s *socketSide) dial(target string, more ...guesttest.Option) (end, string) {
	var request bytes.Buffer
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	header, protocols := guesttest.Gather(more)
	request.WriteString("GET " + target + " HTTP/1.1\r\nHost: wherry.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
	for name, value := range map[string]string{"Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-Websocket-Version": "13"} {
		if header[name] == nil {
			header.Set(name, value)
		}
	}
	if protocols != nil {
		header.Set("Sec-Websocket-Protocol", strings.Join(protocols, ", "))
	}
	header.Write(&request)
	request.WriteString("\r\n")
	if _, err := conn.Write(request.Bytes()); err != nil {
		s.t.Fatal(err)
	}
	head, rest := s.readHead(conn)
	status, h, body := head.StatusCode, head.Header, rest
	if status != http.StatusSwitchingProtocols {
		more, err := io.ReadAll(conn)
		if err != nil {
			s.t.Fatal(err)
		}
		return nil, "refused " + refusal(status, h, append(body, more...))
	}
	h.Del("Sec-WebSocket-Accept")
	e := &socketEnd{t: s.t, conn: conn, early: rest}
	s.ends = append(s.ends, e)
	return e, "open " + refusal(101, h, nil)
}

// readHead reads up to the end of a head, and returns it and what came behind it.
func (s *socketSide) readHead(conn net.Conn) (*http.Response, []byte) {
	var all []byte
	for {
		var b [4096]byte
		n, err := conn.Read(b[:])
		all = append(all, b[:n]...)
		if head, rest, ok := bytes.Cut(all, []byte("\r\n\r\n")); ok {
			r := &http.Response{Header: make(http.Header)}
			for i, line := range strings.Split(string(head), "\r\n") {
				if name, value, ok := strings.Cut(line, ": "); ok && i > 0 {
					r.Header.Add(name, value)
				} else if i == 0 {
					r.StatusCode = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
				}
			}
			return r, rest
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *socketSide) ask(method, target, body string) string {
	r, err := http.NewRequest(method, "http://"+s.addr+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host, r.Close = "wherry.test", true
	client := http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: patience}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return refusal(answer.StatusCode, answer.Header, got)
}

// A socketEnd is a client on a socket.
type socketEnd struct {
	t       *testing.T
	conn    net.Conn
	early   []byte
	closing bool
	over    string   // how it ended
	read    []string // before it was asked for
}

func (e *socketEnd) Read(b []byte) (int, error) {
	if len(e.early) > 0 {
		n := copy(b, e.early)
		e.early = e.early[n:]
		return n, nil
	}
	return e.conn.Read(b)
}

func (e *socketEnd) send(op ws.OpCode, payload []byte) {
	f := ws.MaskFrame(ws.NewFrame(op, true, payload))
	if err := ws.WriteFrame(e.conn, f); err != nil {
		e.t.Error(err)
	}
}

func (e *socketEnd) text(s string)  { e.send(ws.OpText, []byte(s)) }
func (e *socketEnd) bytes(b []byte) { e.send(ws.OpBinary, b) }
func (e *socketEnd) abort()         { e.conn.Close() }

func (e *socketEnd) close(code int, reason string) {
	var body []byte
	if code != 1005 {
		body = append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
	}
	e.send(ws.OpClose, body)
	e.closing = true
}

// readAll reads on to the end.
func (e *socketEnd) readAll() {
	for e.over == "" {
		e.read = append(e.read, e.receive())
	}
}

func (e *socketEnd) next() string {
	if len(e.read) > 0 {
		first := e.read[0]
		e.read = e.read[1:]
		return first
	}
	return e.receive()
}

func (e *socketEnd) receive() string {
	line := e.readFrame()
	if strings.HasPrefix(line, "closed") {
		e.over = line
		e.conn.Close()
	}
	return line
}

func (e *socketEnd) readFrame() string {
	f, err := ws.ReadFrame(e)
	switch {
	case err != nil:
		return ended(1006, "", false)
	case f.Header.OpCode != ws.OpClose:
		return message(f.Header.OpCode == ws.OpText, f.Payload)
	}
	if !e.closing {
		e.send(ws.OpClose, f.Payload[:min(len(f.Payload), 2)])
	}
	if len(f.Payload) < 2 {
		return ended(1005, "", true)
	}
	return ended(int(binary.BigEndian.Uint16(f.Payload)), string(f.Payload[2:]), true)
}

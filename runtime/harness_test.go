package runtime_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// patience is how long a test waits for what must happen. It is no measure of
// how fast that should be.
const patience = 10 * time.Second

// A testServer is a running server and where it listens.
type testServer struct {
	*runtime.Server
	addr string
	logs *logBook
}

// serve starts a server, which ends with the test.
func serve(t testing.TB, config runtime.Config) *testServer {
	t.Helper()
	logs := new(logBook)
	if config.Logger == nil {
		config.Logger = slog.New(slog.NewTextHandler(logs, nil))
	}
	s, err := runtime.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(s) })
	addr, err := s.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &testServer{s, addr.String(), logs}
}

// stop shuts a server down. Connections that the test has left open need not say
// goodbye.
func stop(s *runtime.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	s.Shutdown(ctx)
}

// logged stops the server, so that all has been written, and returns how often
// text was logged.
func (s *testServer) logged(text string) int {
	stop(s.Server)
	return s.logs.count(text)
}

// serveOne is serve with one tenant at "/".
func serveOne(t testing.TB, tenant runtime.Tenant, loops int) *testServer {
	t.Helper()
	tenant.Name = "test"
	return serve(t, runtime.Config{
		Tenants: []runtime.Tenant{tenant},
		Routes:  []runtime.Route{{Pattern: "/{path...}", Tenant: "test"}},
		Loops:   loops,
	})
}

// A logBook keeps what a server logs.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer // Guarded by mu.
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// count returns how often s was logged.
func (b *logBook) count(s string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), s)
}

// readGuest returns a module of testdata.
func readGuest(t testing.TB, name string) []byte {
	t.Helper()
	wasm, err := os.ReadFile("testdata/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// A client is a WebSocket connection, seen from the other end.
type client struct {
	net.Conn // reads begin with what came behind the handshake
	t        testing.TB
}

// dial connects, with a target such as "/chat?wait".
func (s *testServer) dial(t testing.TB, target string) *client {
	t.Helper()
	return dialWith(t, ws.Dialer{}, "ws://"+s.addr+target)
}

func dialWith(t testing.TB, d ws.Dialer, url string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, early, _, err := d.Dial(ctx, url)
	if err != nil {
		t.Fatalf("dial %s: %v", url, err)
	}
	if early != nil {
		conn = &earlyConn{conn, io.MultiReader(early, conn)}
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &client{conn, t}
}

// An earlyConn is a connection of which some bytes were read already.
type earlyConn struct {
	net.Conn
	r io.Reader
}

func (c *earlyConn) Read(b []byte) (int, error) { return c.r.Read(b) }

func (c *client) send(op ws.OpCode, payload []byte) {
	c.t.Helper()
	if err := wsutil.WriteClientMessage(c, op, payload); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *client) say(text string) {
	c.t.Helper()
	c.send(ws.OpText, []byte(text))
}

// receive returns the next message.
func (c *client) receive() (ws.OpCode, []byte) {
	c.t.Helper()
	f, err := ws.ReadFrame(c)
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	if !f.Header.Fin || !f.Header.OpCode.IsData() {
		c.t.Fatalf("received %v %q; want a whole message", f.Header, f.Payload)
	}
	return f.Header.OpCode, f.Payload
}

// expect receives a text.
func (c *client) expect(want string) {
	c.t.Helper()
	if op, got := c.receive(); op != ws.OpText || string(got) != want {
		c.t.Fatalf("received %v %.100q, want text %.100q", op, got, want)
	}
}

// echoes checks that the handler sends back what it gets.
func (c *client) echoes(op ws.OpCode, payload []byte) {
	c.t.Helper()
	done := make(chan error, 1)
	go func() { done <- wsutil.WriteClientMessage(c, op, slices.Clone(payload)) }()
	gotOp, got := c.receive()
	if err := <-done; err != nil {
		c.t.Fatalf("send: %v", err)
	}
	if gotOp != op || !bytes.Equal(got, payload) {
		c.t.Fatalf("sent %v of %d bytes, got %v of %d bytes back, equal: %v", op, len(payload), gotOp, len(got), bytes.Equal(got, payload))
	}
}

// expectClose reads on to the close frame, answers it, and sees the stream end.
func (c *client) expectClose(code ws.StatusCode, reason string) {
	c.t.Helper()
	c.readClose(code, reason)
	c.sendClose(code, "")
	c.expectEnd()
}

// readClose reads on to the close frame.
func (c *client) readClose(code ws.StatusCode, reason string) {
	c.t.Helper()
	for {
		f, err := ws.ReadFrame(c)
		if err != nil {
			c.t.Fatalf("waiting for close %d: %v", code, err)
		}
		if f.Header.OpCode != ws.OpClose {
			continue
		}
		gotCode, gotReason := ws.ParseCloseFrameData(f.Payload)
		if gotCode != code || gotReason != reason {
			c.t.Fatalf("closed with %d %q, want %d %q", gotCode, gotReason, code, reason)
		}
		return
	}
}

// expectEnd sees the stream end, and ends its own side.
func (c *client) expectEnd() {
	c.t.Helper()
	defer c.Close()
	if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
		c.t.Fatalf("%d bytes behind the close frame, %v", n, err)
	}
}

func (c *client) sendClose(code ws.StatusCode, reason string) {
	c.t.Helper()
	// The server may have ended the stream already.
	ws.WriteFrame(c, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason))))
}

// closes goes through the closing handshake.
func (c *client) closes(code ws.StatusCode, reason string) {
	c.t.Helper()
	c.sendClose(code, reason)
	c.readClose(code, reason)
	c.expectEnd()
}

// ---- The puppet: see testdata/puppet.c. ----

// Kinds and values for the puppet itself.
const (
	puppetTrap   abi.Kind = 0xff00
	puppetFlush  abi.Kind = 0xff01
	puppetRepeat abi.Kind = 0xff02
	puppetCursor abi.Kind = 0xff03
	puppetWipe   abi.Kind = 0xff04
	puppetTrapAt abi.Kind = 0xff05
	puppetSpin   abi.Kind = 0xff06

	noConn   = ^uint64(0)
	dataHere = ^uint32(0)
)

// A command is a record for the puppet to issue. If its Data is 0, payload
// becomes its data.
type command struct {
	abi.Record
	payload string
}

// script encodes commands as a message to the puppet.
func script(commands ...command) []byte {
	var b []byte
	for _, c := range commands {
		if c.Data == 0 && c.Len == 0 {
			c.Data, c.Len = dataHere, uint32(len(c.payload))
		}
		var r [abi.RecordSize]byte
		c.Put(r[:])
		b = append(append(b, r[:]...), c.payload...)
		for len(b)%8 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// command has the puppet issue commands, in one turn.
func (c *client) command(commands ...command) {
	c.t.Helper()
	c.send(ws.OpBinary, script(commands...))
}

// A sighting is an event that the puppet saw.
type sighting struct {
	abi.Record
	reason string
}

func (s sighting) String() string {
	return fmt.Sprintf("kind %d flags %d code %d conn %x token %d %q", s.Kind, s.Flags, s.Code, s.Conn, s.Token, s.reason)
}

// An observer is a client that the puppet tells of its events.
type observer struct{ *client }

func (s *testServer) observe(t testing.TB, path string) observer {
	t.Helper()
	return observer{s.dial(t, path+"?observe")}
}

// sees returns the next event.
func (o observer) sees() sighting {
	o.t.Helper()
	_, line := o.receive()
	var s sighting
	n, err := fmt.Sscan(string(line), &s.Kind, &s.Flags, &s.Code, &s.Conn, &s.Token, &s.Len)
	if err != nil {
		o.t.Fatalf("the puppet reports %q: %d fields, %v", line, n, err)
	}
	if parts := strings.SplitN(string(line), " ", 7); len(parts) == 7 {
		s.reason = parts[6]
	}
	return s
}

// seesKind skips events of other kinds.
func (o observer) seesKind(kind abi.Kind) sighting {
	o.t.Helper()
	for {
		if s := o.sees(); s.Kind == kind {
			return s
		}
	}
}

// ---- Native handlers. ----

// A nativeHandler is a Handler of functions. One that is nil does what an echo
// does.
type nativeHandler struct {
	connect func(runtime.Conn, *runtime.Request)
	message func(c runtime.Conn, text bool, payload []byte)
	closed  func(runtime.Conn, runtime.End)
}

func (h *nativeHandler) Connect(c runtime.Conn, r *runtime.Request) {
	if h.connect != nil {
		h.connect(c, r)
		return
	}
	c.Accept("")
}

func (h *nativeHandler) Message(c runtime.Conn, text bool, payload []byte) {
	if h.message != nil {
		h.message(c, text, payload)
		return
	}
	c.Send(text, payload)
}

func (h *nativeHandler) Close(c runtime.Conn, end runtime.End) {
	if h.closed != nil {
		h.closed(c, end)
	}
}

// handle makes h the handler of every instance.
func (h nativeHandler) handle() runtime.Handler { return &h }

// await receives from ch, or fails the test.
func await[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

//go:build unix

package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/seed-c6589352/wherry/guests"
)

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	client := http.Client{Timeout: patience}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestServePage(t *testing.T) {
	p := serveBinary(t)
	res, body := get(t, "http://"+p.addr+"/")
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/html; charset=utf-8" {
		t.Errorf("GET / is %d, %q", res.StatusCode, got)
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, tag := range []string{"style", "script"} {
		if strings.Count(body, "<"+tag) != 1 || !strings.Contains(policy, tag+"-src "+hashSource(body, tag)) {
			t.Errorf("policy %q does not allow exactly the page's %s", policy, tag)
		}
	}
	for _, text := range []string{"/echo", "/chat", "</html>"} {
		if !strings.Contains(body, text) {
			t.Errorf("the page does not mention %s", text)
		}
	}
	if res, _ := get(t, "http://"+p.addr+"/nowhere"); res.StatusCode != http.StatusNotFound {
		t.Errorf("GET /nowhere is %d, want 404", res.StatusCode)
	}
	if res, _ := get(t, "http://"+p.addr+"/echo"); res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("GET /echo is %d, want 426", res.StatusCode)
	}
}

func TestServeBuiltinGuests(t *testing.T) {
	p := serveBinary(t)
	echo := p.dial(t, "/echo")
	for _, text := range []string{"", "hello", strings.Repeat("é", 300_000)} {
		echo.send(t, text)
		if got := echo.receive(t); got != text {
			t.Fatalf("echo of %d bytes has %d", len(text), len(got))
		}
	}

	ann, bob := p.dial(t, "/chat"), p.dial(t, "/chat?room=lobby")
	stranger := p.dial(t, "/chat?room=other")
	bob.send(t, "/nick bob")
	ann.receiveUntil(t, "is now bob")
	ann.send(t, "/nick ann")
	ann.send(t, "who rows?")
	if got := bob.receiveUntil(t, "who rows?"); got != "ann: who rows?" {
		t.Errorf("bob reads %q", got)
	}
	bob.send(t, "you do")
	ann.receiveUntil(t, "bob: you do")
	stranger.send(t, "alone")
	for got := ""; !strings.HasSuffix(got, ": alone"); {
		if got = stranger.receive(t); strings.Contains(got, "bob") {
			t.Errorf("another room reads %q", got)
		}
	}
}

// The line about the address is all that a server has to say that is well.
func TestServeAnnouncesItselfOnce(t *testing.T) {
	p := serveBinary(t)
	c := p.dial(t, "/echo")
	c.send(t, "x")
	c.receive(t)
	if got := p.lines(); len(got) != 1 || got[0] != "wherry: listening on "+p.addr {
		t.Errorf("stderr has %q", got)
	}
}

func TestServeRoutes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a=b.wasm")
	if err := os.WriteFile(file, guests.EchoWAT(), 0o600); err != nil {
		t.Fatal(err)
	}
	// Flags between and after routes; a file whose name has an equals sign.
	p := serveBinary(t, "/ws=echo", "--loops", "2", "/rooms/{room}=chat", "/all/{rest...}=chat", "/file="+file, "--max-message=1000")
	for _, route := range []string{"/ws", "/file"} {
		c := p.dial(t, route)
		c.send(t, route)
		if got := c.receive(t); got != route {
			t.Errorf("%s echoes %q", route, got)
		}
	}

	// Two routes to one module share its instance, and so its rooms.
	ann, bob := p.dial(t, "/rooms/tug"), p.dial(t, "/all/tug?room=tug")
	ann.send(t, "ahoy")
	bob.receiveUntil(t, "ahoy")

	if res, _ := get(t, "http://"+p.addr+"/"); res.StatusCode != http.StatusNotFound {
		t.Errorf("GET / is %d with routes of one's own, want 404", res.StatusCode)
	}
	c := p.dial(t, "/ws")
	c.send(t, strings.Repeat("x", 1001))
	if code := c.receiveClose(t); code != ws.StatusMessageTooBig {
		t.Errorf("1001 bytes close with %d, want 1009", code)
	}
}

// A message of the largest size must find room in the guest's memory, too.
func TestServeLargestMessage(t *testing.T) {
	const size = 16 << 20
	p := serveBinary(t, "--max-message", "16777216", "/ws=echo")
	c := p.dial(t, "/ws")
	sent := make(chan error, 1)
	go func() { sent <- wsutil.WriteClientBinary(c, make([]byte, size)) }()
	got, err := wsutil.ReadServerBinary(c)
	if err != nil || len(got) != size {
		t.Errorf("%d bytes come back as %d: %v", size, len(got), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func TestServeStopsOnSignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			p := serveBinary(t)
			echo, chat := p.dial(t, "/echo"), p.dial(t, "/chat")
			p.signal(t, signal)
			for _, c := range []*client{echo, chat} {
				if code := c.receiveClose(t); code != ws.StatusGoingAway {
					t.Errorf("closed with %d, want 1001", code)
				}
			}
			if state := p.wait(t); state.ExitCode() != 0 {
				t.Errorf("wherry ended with %v: %q", state, p.lines())
			}
			// One line at the start, and an access line for each connection.
			got := p.lines()
			if len(got) != 3 {
				t.Fatalf("stderr has %q", got)
			}
			for _, line := range got[1:] {
				if !strings.Contains(line, "msg=connection") || !strings.Contains(line, "code=1001") {
					t.Errorf("stderr has %q, want an access line", line)
				}
			}
		})
	}
}

// With a window the server goes on to answer, with 503, while the connections that
// are open are told one after the other.
func TestServeDrains(t *testing.T) {
	p := serveBinary(t, "--drain-window", "1h", "--drain-code", "1012", "--loops", "1")
	first, second := p.dial(t, "/echo"), p.dial(t, "/echo")
	p.signal(t, syscall.SIGTERM)
	if code := first.receiveClose(t); code != 1012 {
		t.Errorf("closed with %d, want 1012", code)
	}
	second.send(t, "still here")
	if got := second.receive(t); got != "still here" {
		t.Errorf("echoes %q", got)
	}
	if res, _ := get(t, "http://"+p.addr+"/"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("GET / is %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if err := wsutil.WriteClientMessage(second, ws.OpClose, ws.NewCloseFrameBody(1000, "")); err != nil {
		t.Fatal(err)
	}
	if state := p.wait(t); state.ExitCode() != 0 {
		t.Errorf("wherry ended with %v: %q", state, p.lines())
	}
}

// A peer that does not answer the close frame holds the drain up, but not a
// second signal.
func TestServeSecondSignalEndsAtOnce(t *testing.T) {
	p := serveBinary(t)
	c := p.dial(t, "/echo")
	p.signal(t, syscall.SIGTERM)
	if frame, err := ws.ReadFrame(c); err != nil || frame.Header.OpCode != ws.OpClose {
		t.Fatalf("after SIGTERM there is %v, %v", frame.Header, err)
	}
	p.signal(t, syscall.SIGTERM)
	status := p.wait(t).Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("wherry ended with status %#x, want SIGTERM's", status)
	}
}

func TestServeLogFormat(t *testing.T) {
	p := serveBinary(t, "--log-level", "debug", "--log-format", "json", "/ws=echo")
	c := p.dial(t, "/ws")
	p.signal(t, syscall.SIGTERM)
	c.receiveClose(t)
	p.wait(t)
	for i, line := range p.lines() {
		if i > 0 && !json.Valid([]byte(line)) {
			t.Errorf("line %d is not JSON: %s", i, line)
		}
	}
}

// A file can have a listener for proxies only; who is behind one is in the log.
func TestServeProxied(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wherry.toml")
	const config = "listen_proxied = [\"127.0.0.1:0\"]\ntrusted_proxies = [\"127.0.0.1\"]\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startBinary(t, "serve", "--config", file)
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n")
	d := ws.Dialer{NetDial: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	if _, _, _, err := d.Dial(t.Context(), "ws://"+p.addr+"/echo"); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	p.signal(t, syscall.SIGTERM)
	p.wait(t)
	if got := p.lines(); len(got) != 2 || !strings.Contains(got[1], "peer=192.0.2.1:56324") {
		t.Errorf("stderr has %q", got)
	}
}

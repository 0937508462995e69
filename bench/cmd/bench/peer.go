//go:build linux

package main

import (
	"context"
	"strings"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

// A peer is one server under measurement. However it is started, it listens on a
// free loopback port, writes "listening on ADDRESS" to stderr, and echoes; what comes
// on the path for broadcasts it sends to all connections that came by it.
type peer struct {
	name  string
	about string // what it is, in a few words
	goes  bool   // a server in Go that people would take instead of wherry
	mode  loadgen.Mode
	echo  string // request target of the handshake for echoes
	all   string // and for broadcasts
	can   ability

	build   func(ctx context.Context, b *builder) error
	command func(b *builder, s *scenario) ([]string, error) // the server's command line
	version func(ctx context.Context, b *builder) string    // "" where nobody knows
}

// peers are all that can be measured, the floor first. Ratios are against wsc, or what
// -base says.
func peers() []peer {
	return []peer{
		cPeer("rawc", "C, epoll: echoes bytes and knows no protocol", loadgen.Raw, 0),
		cPeer("wsc", "the least that WebSocket costs: minimal C on epoll", loadgen.WebSocket, broadcasts),
		wherry("wherry", "wherry serve, guest in C, metered", broadcasts|deflates|hosts|scales, "echo"),
		goPeer("wherry-unmetered", "the same guest, not metered", ours, broadcasts|deflates),
		wherryGo(),
		goPeer("wherry-native", "package runtime, handler in native Go", ours, broadcasts|deflates),
		goPeer("gobwas-epoll", "gobwas/ws on an epoll loop of its own", "github.com/gobwas/ws", broadcasts),
		goPeer("gobwas", "gobwas/ws, a goroutine for each connection", "github.com/gobwas/ws", broadcasts|scales),
		goPeer("gws", "lxzan/gws", "github.com/lxzan/gws", broadcasts|deflates|scales),
		goPeer("gorilla", "gorilla/websocket behind net/http", "github.com/gorilla/websocket", broadcasts|deflates|scales),
		goPeer("coder", "coder/websocket behind net/http", "github.com/coder/websocket", broadcasts|deflates|scales),
		nodePeer("ws", "npm's ws on Node.js"),
		pythonPeer("uvicorn", "uvicorn and websockets on Python"),
	}
}

// ours is the module that this repository is.
const ours = "github.com/seed-c6589352/wherry"

// ours reports whether p is wherry, in whatever way.
func (p *peer) ours() bool { return strings.HasPrefix(p.name, "wherry") }

// path is the request target for s, and how many of them there are if it is a prefix.
func (p *peer) path(s *scenario) (path string, targets int) {
	switch {
	case s.Work == loadgen.Broadcast:
		return p.all, 0
	case s.Tenants > 0:
		return tenantPrefix, s.Tenants
	}
	return p.echo, 0
}

// portArgs is the command line of every peer in peers/ behind its program: a port, 0
// for a free one, and whether messages are compressed.
func portArgs(s *scenario) []string {
	if s.Deflate {
		return []string{"0", "deflate"}
	}
	return []string{"0"}
}

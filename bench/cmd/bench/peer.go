//go:build linux

package main

import (
	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

// A peer is one server under measurement. However it is started, it listens on a
// free loopback port, writes "listening on ADDRESS" to stderr, and echoes.
type peer struct {
	name  string
	mode  loadgen.Mode
	path  string                    // request target of the handshake
	build func(out string) []string // command that builds it as file out; it runs in the module's root
	args  func(scenario) []string   // command line of the server
}

// peers are all that can be measured, the floor first.
func peers() []peer {
	return []peer{
		cPeer("rawc", loadgen.Raw),
		cPeer("wsc", loadgen.WebSocket),
		goPeer("gws"),
		goPeer("gorilla"),
		wherry(),
	}
}

// cPeer is peers/NAME/main.c.
func cPeer(name string, mode loadgen.Mode) peer {
	return peer{
		name: name,
		mode: mode,
		path: "/",
		build: func(out string) []string {
			return []string{"gcc", "-O2", "-Wall", "-Wextra", "-o", out, "peers/" + name + "/main.c"}
		},
		args: anyPort,
	}
}

// goPeer is the Go program in peers/NAME.
func goPeer(name string) peer {
	return peer{
		name:  name,
		mode:  loadgen.WebSocket,
		path:  "/",
		build: func(out string) []string { return goBuild(".", out, "./peers/"+name) },
		args:  anyPort,
	}
}

// wherry is the server that this repository is about, with its built-in echo guest.
func wherry() peer {
	return peer{
		name:  "wherry",
		mode:  loadgen.WebSocket,
		path:  "/ws",
		build: func(out string) []string { return goBuild("..", out, "./cmd/wherry") },
		args: func(s scenario) []string {
			args := []string{"serve", "--listen", "127.0.0.1:0", "--loops", "1"}
			if s.Size >= 1<<20 {
				args = append(args, "--max-message", "16777216")
			}
			return append(args, "/ws=echo")
		},
	}
}

// anyPort is the command line of every peer in peers/: a port, 0 for a free one.
func anyPort(scenario) []string { return []string{"0"} }

// goBuild is the command that builds pkg of the module in dir.
func goBuild(dir, out, pkg string) []string {
	return []string{"go", "build", "-C", dir, "-o", out, pkg}
}

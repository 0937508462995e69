//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

const (
	tenantPrefix = "/t/"    // and the tenant's number
	noisePath    = "/noise" // of the endless guest
)

// wherry is the server that this repository is about, with a configuration of its own
// for each scenario; module is its guest.
func wherry(name, about string, can ability, module string) peer {
	return peer{
		name: name, about: about, mode: loadgen.WebSocket, echo: "/ws", all: "/all", can: can,
		build: func(ctx context.Context, b *builder) error {
			return b.goBuild(ctx, "..", nil, b.path(name), "./cmd/wherry")
		},
		command: func(b *builder, s *scenario) ([]string, error) {
			file := b.path(name + "-" + s.Name + ".toml")
			if err := os.WriteFile(file, []byte(wherryConfig(b.root, module, s)), 0o600); err != nil {
				return nil, err
			}
			return []string{b.path(name), "serve", "--config", file}, nil
		},
		version: func(ctx context.Context, b *builder) string { return b.commit(ctx) },
	}
}

// wherryGo is wherry with the echo guest in Go, which is built here.
func wherryGo() peer {
	p := wherry("wherry-go", "wherry serve, guest in Go, metered", 0, "echo-go.wasm") // beside the configuration
	server := p.build
	p.build = func(ctx context.Context, b *builder) error {
		if err := server(ctx, b); err != nil {
			return err
		}
		return b.goBuild(ctx, "..", []string{"GOOS=wasip1", "GOARCH=wasm"}, b.path("echo-go.wasm"),
			"-buildmode=c-shared", "-ldflags=-s -w", "./guests/echo-go")
	}
	return p
}

// wherryConfig is the configuration file for s. Limits are the default, but for those
// that a load generator reaches and nobody else does.
func wherryConfig(root, module string, s *scenario) string {
	var b strings.Builder
	fmt.Fprintf(&b, "listen = [\"127.0.0.1:0\"]\nloops = %d\naddress_conns = \"off\"\nlog = { level = \"error\" }\n", s.loops())
	limits := "conn_rate = 1000000"
	if s.Size >= 1<<20 {
		limits += ", message_bytes = \"16MiB\""
	}
	tenant := func(name, module string) {
		fmt.Fprintf(&b, "[[tenant]]\nname = %q\nmodule = %q\nlimits = { %s }\n", name, module, limits)
	}
	route := func(pattern, tenant string) {
		fmt.Fprintf(&b, "[[route]]\npattern = %q\ntenant = %q\n", pattern, tenant)
		if s.Loops > 1 {
			b.WriteString("placement = \"per-loop\"\n")
		}
		if s.Deflate {
			b.WriteString("[route.deflate]\n")
		}
	}
	tenant("echo", module)
	route("/ws", "echo")
	if s.needs()&broadcasts != 0 {
		tenant("all", filepath.Join(root, "peers/wherry/broadcast.wasm"))
		route("/all", "all")
	}
	for i := range s.Tenants {
		tenant(fmt.Sprint("t", i), module)
		route(fmt.Sprint(tenantPrefix, i), fmt.Sprint("t", i))
	}
	if s.Noises > 0 {
		tenant("noise", filepath.Join(root, "peers/wherry/endless.wasm"))
		route(noisePath, "noise")
	}
	return b.String()
}

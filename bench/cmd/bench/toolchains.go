//go:build linux

package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

// A peer in peers/ for each toolchain: how it is built, started and asked for its
// version.

// cPeer is peers/NAME/main.c.
func cPeer(name, about string, mode loadgen.Mode, can ability) peer {
	return peer{
		name: name, about: about, mode: mode, echo: "/", all: "/all", can: can,
		build: func(ctx context.Context, b *builder) error {
			return b.run(ctx, b.root, nil, "gcc", "-O2", "-Wall", "-Wextra", "-o", b.path(name), "peers/"+name+"/main.c")
		},
		command: func(b *builder, s *scenario) ([]string, error) {
			return append([]string{b.path(name)}, portArgs(s)...), nil
		},
		version: func(ctx context.Context, b *builder) string { return b.firstLine(ctx, "gcc", "--version") },
	}
}

// goPeer is the Go program in peers/NAME; its version is that of module.
func goPeer(name, about, module string, can ability) peer {
	return peer{
		name: name, about: about, mode: loadgen.WebSocket, echo: "/", all: "/all", can: can, goes: module != ours,
		build: func(ctx context.Context, b *builder) error {
			return b.goBuild(ctx, ".", nil, b.path(name), "./peers/"+name)
		},
		command: func(b *builder, s *scenario) ([]string, error) {
			return append([]string{b.path(name)}, portArgs(s)...), nil
		},
		version: func(ctx context.Context, b *builder) string {
			if module == ours {
				return b.commit(ctx)
			}
			return moduleVersion(b.path(name), module)
		},
	}
}

// moduleVersion returns which version of module a Go program is built with.
func moduleVersion(program, module string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return ""
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return ""
}

// nodePeer is peers/NAME/server.mjs, with what its package.json says from npm.
func nodePeer(name, about string) peer {
	return peer{
		name: name, about: about, mode: loadgen.WebSocket, echo: "/", all: "/all", can: broadcasts | deflates,
		build: func(ctx context.Context, b *builder) error {
			if err := os.CopyFS(b.path(name), os.DirFS(filepath.Join(b.root, "peers", name))); err != nil {
				return err
			}
			if err := b.run(ctx, b.root, nil, "node", "--version"); err != nil {
				return err
			}
			return b.run(ctx, b.path(name), nil, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
		},
		command: func(b *builder, s *scenario) ([]string, error) {
			return append([]string{"node", filepath.Join(b.path(name), "server.mjs")}, portArgs(s)...), nil
		},
		version: func(ctx context.Context, b *builder) string {
			var installed struct{ Version string }
			text, err := os.ReadFile(filepath.Join(b.path(name), "node_modules", name, "package.json"))
			if err != nil || json.Unmarshal(text, &installed) != nil {
				return ""
			}
			return installed.Version + ", Node.js " + b.firstLine(ctx, "node", "--version")
		},
	}
}

// python is Debian's own, which its packages are for; another one may come first in
// the path.
const python = "/usr/bin/python3"

// pythonPeer is peers/NAME/server.py, with Debian's packages.
func pythonPeer(name, about string) peer {
	return peer{
		name: name, about: about, mode: loadgen.WebSocket, echo: "/", all: "/all", can: broadcasts | deflates,
		build: func(ctx context.Context, b *builder) error {
			if err := b.run(ctx, b.root, nil, python, "-c", "import uvicorn, websockets"); err != nil {
				return errors.New("python3-uvicorn and python3-websockets of Debian are not installed")
			}
			return nil
		},
		command: func(b *builder, s *scenario) ([]string, error) {
			return append([]string{python, filepath.Join(b.root, "peers", name, "server.py")}, portArgs(s)...), nil
		},
		version: func(ctx context.Context, b *builder) string {
			const script = "import platform, uvicorn, websockets.version as w; print(uvicorn.__version__ + ', websockets ' + w.version + ', Python ' + platform.python_version())"
			return strings.TrimSpace(b.firstLine(ctx, python, "-c", script))
		},
	}
}

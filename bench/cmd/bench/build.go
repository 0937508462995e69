//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// A builder builds programs into a folder that goes away with it.
type builder struct {
	root string // of the bench module
	dir  string // what is built
}

// newBuilder finds the module that the command runs under.
func newBuilder(ctx context.Context) (*builder, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOMOD: %w", err)
	}
	dir, err := os.MkdirTemp("", "wherry-bench-")
	if err != nil {
		return nil, err
	}
	return &builder{root: filepath.Dir(string(bytes.TrimSpace(out))), dir: dir}, nil
}

func (b *builder) close() { os.RemoveAll(b.dir) }

// path is where what is built under name lies.
func (b *builder) path(name string) string { return filepath.Join(b.dir, name) }

// run runs a command in dir, with env beside the environment that there is. The error
// has what it printed.
func (b *builder) run(ctx context.Context, dir string, env []string, command ...string) error {
	if _, err := exec.LookPath(command[0]); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// goBuild builds a package of the module in dir, from the root, as file out.
func (b *builder) goBuild(ctx context.Context, dir string, env []string, out string, args ...string) error {
	return b.run(ctx, b.root, env, append([]string{"go", "build", "-C", dir, "-o", out}, args...)...)
}

// firstLine returns the first line that a command prints, or "".
func (b *builder) firstLine(ctx context.Context, command ...string) string {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = b.root
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// commit is the version of this repository, with a mark where files are changed.
func (b *builder) commit(ctx context.Context) string {
	return b.firstLine(ctx, "git", "describe", "--always", "--dirty", "--exclude=*")
}

// buildPeers builds all of them at once. Whatever cannot be built here is in skipped,
// with why.
func buildPeers(ctx context.Context, b *builder, peers []peer, log io.Writer) (ready []peer, skipped []skip) {
	errs := make([]error, len(peers))
	var builds sync.WaitGroup
	for i := range peers {
		builds.Go(func() { errs[i] = peers[i].build(ctx, b) })
	}
	builds.Wait()
	for i, p := range peers {
		if errs[i] == nil {
			ready = append(ready, p)
			continue
		}
		skipped = append(skipped, skip{Peer: p.name, Reason: errs[i].Error()})
		fmt.Fprintf(log, "skip %s: %v\n", p.name, errs[i])
	}
	return ready, skipped
}

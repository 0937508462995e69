//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
)

// A built program is a peer and the file to run.
type built struct {
	peer
	program string
}

// moduleRoot returns the directory of the go.mod that the command runs under.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(string(bytes.TrimSpace(out))), nil
}

// buildPeers builds into dir and leaves out, with a line that says why, whatever
// cannot be built here.
func buildPeers(ctx context.Context, root, dir string, peers []peer, log io.Writer) []built {
	var ready []built
	for _, p := range peers {
		program := filepath.Join(dir, p.name)
		if err := build(ctx, root, p.build(program)); err != nil {
			fmt.Fprintf(log, "skip %s: %v\n", p.name, err)
			continue
		}
		ready = append(ready, built{p, program})
	}
	return ready
}

// build runs one build command in root.
func build(ctx context.Context, root string, command []string) error {
	if _, err := exec.LookPath(command[0]); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

const setupDeadline = time.Minute // connects and handshakes of one measurement

// A measurement is one peer in one round of one scenario.
type measurement struct {
	Scenario string `json:"scenario"`
	Round    int    `json:"round"`
	Peer     string `json:"peer"`
	loadgen.Result
}

// measureAll builds, measures and reports. It goes on after a failed measurement,
// but then returns an error at the end.
func measureAll(ctx context.Context, opts options, stdout, stderr io.Writer) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wherry-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	load := filepath.Join(dir, "load")
	if err := build(ctx, root, goBuild(".", load, "./cmd/load")); err != nil {
		return fmt.Errorf("load generator: %w", err)
	}
	ready := buildPeers(ctx, root, dir, opts.peers, stderr)
	if len(ready) == 0 {
		return errors.New("no peer could be built")
	}

	var all []measurement
	failed := 0
	for _, s := range opts.scenarios {
		found, failures := measureScenario(ctx, opts, load, ready, s, stderr)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		all, failed = append(all, found...), failed+failures
	}
	if err := report(stdout, opts, ready, all); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d measurements failed", failed)
	}
	return nil
}

// measureScenario measures every peer in every round. Each round starts with another
// peer, so that none always runs after the same neighbour.
func measureScenario(ctx context.Context, opts options, load string, ready []built, s scenario, log io.Writer) (found []measurement, failures int) {
	for round := range opts.rounds {
		for i := range ready {
			p := ready[(round+i)%len(ready)]
			result, err := measureOne(ctx, opts, load, p, s)
			if ctx.Err() != nil {
				return found, failures
			}
			if err != nil {
				fmt.Fprintf(log, "%s, round %d, %s: %v\n", s.Name, round+1, p.name, err)
				failures++
				continue
			}
			fmt.Fprintf(log, "%s, round %d, %s: %.0f ns\n", s.Name, round+1, p.name, result.ServerCPUNanos)
			found = append(found, measurement{s.Name, round, p.name, result})
		}
	}
	return found, failures
}

// measureOne puts load on a fresh server.
func measureOne(ctx context.Context, opts options, load string, p built, s scenario) (loadgen.Result, error) {
	var result loadgen.Result
	ctx, cancel := context.WithTimeout(ctx, startDeadline+setupDeadline+opts.warmup+opts.duration)
	defer cancel()
	srv, err := startServer(ctx, opts.serverCore, p, s)
	if err != nil {
		return result, fmt.Errorf("server: %w", err)
	}
	defer srv.stop()

	cmd, err := pinned(ctx, opts.clientCore, load,
		"-addr", srv.addr, "-path", p.path, "-mode", string(p.mode), "-pid", strconv.Itoa(srv.cmd.Process.Pid),
		"-conns", strconv.Itoa(s.Conns), "-size", strconv.Itoa(s.Size), "-depth", strconv.Itoa(s.Depth),
		"-warmup", opts.warmup.String(), "-duration", opts.duration.String())
	if err != nil {
		return result, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return result, fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return result, json.Unmarshal(out, &result)
}

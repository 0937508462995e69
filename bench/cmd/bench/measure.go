//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

const setupDeadline = 2 * time.Minute // connects and handshakes of one measurement

// A measurement is one peer in one round of one scenario.
type measurement struct {
	Scenario string `json:"scenario"`
	Round    int    `json:"round"`
	Peer     string `json:"peer"`
	loadgen.Result
}

// A bench measures.
type bench struct {
	options
	*builder
	load  string // the load generator
	ready []peer
	log   io.Writer
}

// measureAll builds and measures everything. It goes on after a failed measurement,
// which the document then has.
func measureAll(ctx context.Context, opts options, log io.Writer) (*document, error) {
	b, err := newBuilder(ctx)
	if err != nil {
		return nil, err
	}
	defer b.close()
	run := &bench{options: opts, builder: b, load: b.path("load"), log: log}
	if err := b.goBuild(ctx, ".", nil, run.load, "./cmd/load"); err != nil {
		return nil, fmt.Errorf("load generator: %w", err)
	}
	doc := newDocument(&opts)
	run.ready, doc.Skipped = buildPeers(ctx, b, opts.peers, log)
	if len(run.ready) == 0 {
		return nil, errors.New("no peer could be built")
	}
	doc.describe(ctx, b, run.ready)
	for i := range opts.scenarios {
		run.measureScenario(ctx, &opts.scenarios[i], doc)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return doc, nil
}

// measureScenario measures every peer that can in every round. Each round starts with
// another one, so that none always runs after the same neighbour.
func (b *bench) measureScenario(ctx context.Context, s *scenario, doc *document) {
	cores, ok := b.cores(s)
	if !ok {
		reason := fmt.Sprintf("%d cores for the server and as many for the load: there are %d", s.loops(), b.allCores)
		doc.Skipped = append(doc.Skipped, skip{Scenario: s.Name, Reason: reason})
		fmt.Fprintf(b.log, "skip %s: %s\n", s.Name, reason)
		return
	}
	able := b.able(s)
	for round := range b.rounds {
		for i := range able {
			p := able[(round+i)%len(able)]
			if !b.until.IsZero() && time.Now().After(b.until) {
				doc.Skipped = append(doc.Skipped, skip{Peer: p.name, Scenario: s.Name, Reason: "no time left"})
				fmt.Fprintf(b.log, "skip %s, %s: no time left\n", s.Name, p.name)
				continue
			}
			result, err := b.measureOne(ctx, cores, p, s)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				fmt.Fprintf(b.log, "%s, round %d, %s: %v\n", s.Name, round+1, p.name, err)
				doc.Failures = append(doc.Failures, failure{s.Name, round, p.name, err.Error()})
				continue
			}
			fmt.Fprintf(b.log, "%s, round %d, %s: %.0f %s\n", s.Name, round+1, p.name, s.figure().of(result), s.figure().unit)
			doc.Measurements = append(doc.Measurements, measurement{s.Name, round, p.name, result})
		}
	}
}

// able returns the peers that can do what s needs. In a quick run others than wherry
// and the base take part where there is load of a kind that they have not had yet.
func (b *bench) able(s *scenario) (able []*peer) {
	first := b.firstOfKind(s)
	for i := range b.ready {
		p := &b.ready[i]
		if p.can&s.needs() == s.needs() && (first || p.ours() || p.name == b.base) {
			able = append(able, p)
		}
	}
	return able
}

// firstOfKind reports whether no scenario before s has the same work and needs. Where
// there is time, every one counts as the first.
func (b *bench) firstOfKind(s *scenario) bool {
	if !b.quick {
		return true
	}
	i := slices.IndexFunc(b.scenarios, func(o scenario) bool { return o.Work == s.Work && o.needs() == s.needs() })
	return i < 0 || b.scenarios[i].Name == s.Name
}

// placing says where the processes of a measurement run.
type placing struct {
	server []int
	load   []int // a load generator on each
}

// cores returns those for s, if the machine has them: two that were chosen, or from
// the first on as many for the load as for the server.
func (b *bench) cores(s *scenario) (p placing, ok bool) {
	n := s.loops()
	if n == 1 {
		return placing{[]int{b.serverCore}, []int{b.clientCore}}, true
	}
	for i := range n {
		p.server = append(p.server, i)
		p.load = append(p.load, n+i)
	}
	return p, 2*n <= b.allCores
}

// measureOne puts load on a fresh server.
func (b *bench) measureOne(ctx context.Context, cores placing, p *peer, s *scenario) (loadgen.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, startDeadline+setupDeadline+b.warmup+b.duration)
	defer cancel()
	srv, err := startServer(ctx, b.builder, cores.server, p, s)
	if err != nil {
		return loadgen.Result{}, fmt.Errorf("server: %w", err)
	}
	defer srv.stop()
	results, errs := make([]loadgen.Result, len(cores.load)), make([]error, len(cores.load))
	var loads sync.WaitGroup
	for i, core := range cores.load {
		loads.Go(func() { results[i], errs[i] = b.runLoad(ctx, core, srv, b.loadArgs(srv, p, s)) })
	}
	loads.Wait()
	return combined(results), errors.Join(errs...)
}

// loadArgs is the command line of a load generator.
func (b *bench) loadArgs(srv *server, p *peer, s *scenario) []string {
	path, targets := p.path(s)
	args := []string{
		"-addr", srv.addr, "-path", path, "-targets", strconv.Itoa(targets), "-mode", string(p.mode),
		"-pid", strconv.Itoa(srv.cmd.Process.Pid), "-work", string(s.Work),
		"-conns", strconv.Itoa(s.Conns), "-few", strconv.Itoa(s.Few), "-sources", strconv.Itoa(s.Sources),
		"-size", strconv.Itoa(s.Size), "-depth", strconv.Itoa(max(s.Depth, 1)), "-rate", strconv.Itoa(s.Rate),
		"-warmup", b.warmup.String(), "-duration", b.duration.String(),
	}
	if s.Deflate {
		args = append(args, "-deflate")
	}
	if s.Noises > 0 {
		args = append(args, "-noise", noisePath, "-noises", strconv.Itoa(s.Noises))
	}
	return args
}

func (b *bench) runLoad(ctx context.Context, core int, srv *server, args []string) (result loadgen.Result, err error) {
	cmd, err := pinned(ctx, []int{core}, append([]string{b.load}, args...)...)
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

// combined is what load generators found that ran side by side: each saw all of the
// server, and a part of the operations.
func combined(results []loadgen.Result) loadgen.Result {
	all := results[0]
	if len(results) == 1 {
		return all
	}
	for _, r := range results[1:] {
		all.Operations += r.Operations
		all.PerSecond += r.PerSecond
		all.ServerUtilisation += r.ServerUtilisation
		all.ClientUtilisation = max(all.ClientUtilisation, r.ClientUtilisation)
		all.Latency.P50 = max(all.Latency.P50, r.Latency.P50)
		all.Latency.P90 = max(all.Latency.P90, r.Latency.P90)
		all.Latency.P99 = max(all.Latency.P99, r.Latency.P99)
		all.Latency.P999 = max(all.Latency.P999, r.Latency.P999)
		all.Latency.Max = max(all.Latency.Max, r.Latency.Max)
	}
	all.ServerUtilisation /= float64(len(results))
	all.ServerCPUNanos = 1e9 * all.ServerUtilisation / all.PerSecond
	all.Switches, all.Syscalls = nil, nil // each divided by its own operations only
	return all
}

//go:build linux

package main

import (
	"slices"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

// A row sums up one peer in one scenario: medians over the rounds. The figure is the
// scenario's.
type row struct {
	Scenario, Peer string
	Rounds         int // that succeeded
	Median         float64
	Least, Most    float64
	Ratio          float64 // median over rounds of this peer / the base; 0 if they share none
	CPU            float64 // ns an operation
	ServerBusy     float64
	ClientBusy     float64
	P50, P99       float64 // us
	Switches       float64 // context switches an operation
	Syscalls       loadgen.Syscalls
	Counted        bool // Syscalls is known
	RSSKiB         float64
}

// spread is (most - least) / median.
func (r *row) spread() float64 {
	if r.Median == 0 {
		return 0
	}
	return (r.Most - r.Least) / r.Median
}

// rows sums up a scenario: a row for each peer that was measured at all, in the order
// of peers.
func (d *document) rows(s *scenario) (rows []row) {
	for _, p := range d.Peers {
		if r := d.row(s, p.Name); r.Rounds > 0 {
			rows = append(rows, r)
		}
	}
	return rows
}

// of returns the measurements of a peer in a scenario.
func (d *document) of(scenario, peer string) (found []measurement) {
	for _, m := range d.Measurements {
		if m.Scenario == scenario && m.Peer == peer {
			found = append(found, m)
		}
	}
	return found
}

func (d *document) row(s *scenario, peer string) row {
	r := row{Scenario: s.Name, Peer: peer}
	found := d.of(s.Name, peer)
	if r.Rounds = len(found); r.Rounds == 0 {
		return r
	}
	over := func(f func(*measurement) float64) float64 {
		var values []float64
		for i := range found {
			values = append(values, f(&found[i]))
		}
		return median(values)
	}
	figure := s.figure().of
	r.Median = over(func(m *measurement) float64 { return figure(m.Result) })
	r.Least, r.Most = figure(found[0].Result), figure(found[0].Result)
	for _, m := range found[1:] {
		r.Least, r.Most = min(r.Least, figure(m.Result)), max(r.Most, figure(m.Result))
	}
	r.Ratio = median(d.ratios(s, peer, s, d.Base))
	r.CPU = over(func(m *measurement) float64 { return m.ServerCPUNanos })
	r.ServerBusy = over(func(m *measurement) float64 { return m.ServerUtilisation })
	r.ClientBusy = over(func(m *measurement) float64 { return m.ClientUtilisation })
	r.P50 = over(func(m *measurement) float64 { return m.Latency.P50 })
	r.P99 = over(func(m *measurement) float64 { return m.Latency.P99 })
	r.RSSKiB = over(func(m *measurement) float64 { return float64(m.RSSKiB) })
	r.Switches = over(func(m *measurement) float64 {
		if m.Switches == nil {
			return 0
		}
		return m.Switches.Voluntary + m.Switches.Involuntary
	})
	r.countSyscalls(found, over)
	return r
}

// countSyscalls sums up what the system counted, if it did so in every round.
func (r *row) countSyscalls(found []measurement, over func(func(*measurement) float64) float64) {
	if slices.ContainsFunc(found, func(m measurement) bool { return m.Syscalls == nil }) {
		return
	}
	r.Counted = true
	r.Syscalls = loadgen.Syscalls{
		All:    over(func(m *measurement) float64 { return m.Syscalls.All }),
		Reads:  over(func(m *measurement) float64 { return m.Syscalls.Reads }),
		Writes: over(func(m *measurement) float64 { return m.Syscalls.Writes }),
		Waits:  over(func(m *measurement) float64 { return m.Syscalls.Waits }),
	}
}

// pairs calls f with the figures of a round that has both.
func (d *document) pairs(s *scenario, peer string, of *scenario, base string, f func(a, b float64)) {
	baseOf := make(map[int]float64) // by round
	for _, m := range d.of(of.Name, base) {
		baseOf[m.Round] = of.figure().of(m.Result)
	}
	for _, m := range d.of(s.Name, peer) {
		if b, ok := baseOf[m.Round]; ok {
			f(s.figure().of(m.Result), b)
		}
	}
}

// ratios are taken within a round, where both met the same weather.
func (d *document) ratios(s *scenario, peer string, of *scenario, base string) (ratios []float64) {
	d.pairs(s, peer, of, base, func(a, b float64) {
		if b > 0 {
			ratios = append(ratios, a/b)
		}
	})
	return ratios
}

// differences are ratios' counterpart.
func (d *document) differences(s *scenario, peer string, of *scenario, base string) (differences []float64) {
	d.pairs(s, peer, of, base, func(a, b float64) { differences = append(differences, a-b) })
	return differences
}

// scenario returns the one that is called name, or nil.
func (d *document) scenario(name string) *scenario {
	for i := range d.Scenarios {
		if d.Scenarios[i].Name == name {
			return &d.Scenarios[i]
		}
	}
	return nil
}

// median sorts values and returns the middle one, the mean of the middle two, or 0
// if there are none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

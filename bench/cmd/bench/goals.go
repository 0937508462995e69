//go:build linux

package main

import (
	"fmt"
	"slices"
)

// A goal is what a peer should reach in a scenario: a figure at most so many times
// that of another peer, or another scenario, or more by at most so much, or at most
// so much.
type goal struct {
	scenario, peer string
	of, base       string // scenario and peer that it is compared with; "" for nothing
	most           float64
	kind           goalKind
}

type goalKind int

const (
	times goalKind = iota // at most most times the base
	more                  // at most most above it
	plain                 // at most most
)

// goals are what wherry is to reach.
func goals() []goal {
	var all []goal
	against := func(base string, most float64, scenarios ...string) {
		for _, s := range scenarios {
			all = append(all, goal{s, "wherry", s, base, most, times})
		}
	}
	against("wsc", 1.05, "pp64", "c100", "c1000", "4K", "64K")
	against("wsc", 1.15, "d16")
	against("gws", 0.1, "d16")
	against("wsc", 0.7, "1M")
	against("rawc", 1.5, "1M")
	against("wsc", 1.0, "conn")
	against("gorilla", 0.6, "conn")
	against("wsc", 1.0, "bc64", "bc1k")
	return append(all,
		goal{"idle", "wherry", "", "", 256, plain},
		goal{"burst", "wherry", "bc64", "wherry", 0.2, times},
		goal{"t1000", "wherry", "t1", "wherry", 400, more},
		goal{"c100", "wherry-go", "c100", "wherry", 1.1, times},
		goal{"d16", "wherry-go", "d16", "wherry", 1.5, times},
	)
}

// A verdict is a goal, and what of it is true.
type verdict struct {
	goal
	found  float64   // median over rounds
	values []float64 // sorted
}

// verdicts are about the goals that this run has the measurements for.
func (d *document) verdicts() (all []verdict) {
	for _, g := range slices.Concat(goals(), d.goalsAgainstGo()) {
		s, of := d.scenario(g.scenario), d.scenario(g.of)
		if s == nil || of == nil && g.kind != plain {
			continue
		}
		var values []float64
		switch g.kind {
		case times:
			values = d.ratios(s, g.peer, of, g.base)
		case more:
			values = d.differences(s, g.peer, of, g.base)
		case plain:
			for _, m := range d.of(s.Name, g.peer) {
				values = append(values, s.figure().of(m.Result))
			}
		}
		if len(values) > 0 {
			all = append(all, verdict{g, median(values), values})
		}
	}
	return all
}

// goalsAgainstGo: nothing in Go is to be cheaper. Of each scenario there is the peer
// that comes closest.
func (d *document) goalsAgainstGo() (all []goal) {
	for i := range d.Scenarios {
		s := &d.Scenarios[i]
		var closest string
		var most float64
		for _, p := range d.Peers {
			if !p.Go || s.figure().more {
				continue
			}
			if ratios := d.ratios(s, "wherry", s, p.Name); len(ratios) > 0 && median(ratios) > most {
				closest, most = p.Name, median(ratios)
			}
		}
		if closest != "" {
			all = append(all, goal{s.Name, "wherry", s.Name, closest, 1, times})
		}
	}
	return all
}

// reached says whether the goal is: one that a round reached is within the spread.
func (v *verdict) reached() string {
	switch {
	case v.found <= v.most:
		return "yes"
	case v.values[0] <= v.most:
		return "within the spread"
	}
	return "no"
}

// what says what the goal is about.
func (g *goal) what() string {
	switch {
	case g.kind == plain:
		return fmt.Sprintf("%s in %s", g.peer, g.scenario)
	case g.kind == more:
		return fmt.Sprintf("%s in %s, above %s", g.peer, g.scenario, g.of)
	case g.of != g.scenario:
		return fmt.Sprintf("%s in %s, of %s", g.peer, g.scenario, g.of)
	}
	return fmt.Sprintf("%s in %s, of %s", g.peer, g.scenario, g.base)
}

// number formats a value of the goal.
func (g *goal) number(v float64) string {
	if g.kind == times {
		return fmt.Sprintf("%.2f", v)
	}
	return compact(v)
}

//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

func at(round int, peer string, nanos float64) measurement {
	return measurement{"c100", round, peer, loadgen.Result{ServerCPUNanos: nanos}}
}

func TestSummarise(t *testing.T) {
	all := []measurement{
		at(0, "rawc", 100), at(0, "gws", 150),
		at(1, "gws", 900), // its base failed in this round: no ratio
		at(2, "rawc", 200), at(2, "gws", 320),
		{"d16", 0, "gws", loadgen.Result{ServerCPUNanos: 1}},
	}
	got := summarise("c100", "gws", "rawc", all)
	want := row{Scenario: "c100", Peer: "gws", Rounds: 3, Median: 320, Best: 150, Spread: 750.0 / 320, Ratio: 1.55}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := summarise("c100", "wsc", "rawc", all); got != (row{Scenario: "c100", Peer: "wsc"}) {
		t.Errorf("peer without measurements: got %+v", got)
	}
}

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2},
	} {
		if got := median(tc.values); got != tc.want {
			t.Errorf("median of %v: got %v, want %v", tc.values, got, tc.want)
		}
	}
}

func TestParseOptions(t *testing.T) {
	for _, tc := range []struct {
		args string
		want string // in the error; "" is none
	}{
		{"-scenario d16,c100 -peers gws -server-core 0 -client-core 1", ""},
		{"-scenario c100,nope", `no scenario is called "nope"`},
		{"-peers nope", `no peer is called "nope"`},
		{"-rounds 0", "round"},
		{"-client-core 0", "cores"},
		{"-client-core 4096", "cores"},
	} {
		_, err := parseOptions(strings.Fields(tc.args), t.Output())
		if got := err == nil; got != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got error %v, want %q", tc.args, err, tc.want)
		}
	}
}

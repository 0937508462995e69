//go:build linux

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

func at(scenario string, round int, peer string, nanos float64) measurement {
	return measurement{scenario, round, peer, loadgen.Result{Operations: 1, ServerCPUNanos: nanos}}
}

// exampleDocument has a peer that failed once, one that is far off, and names that
// HTML would take amiss.
func exampleDocument() *document {
	return &document{
		Command: "go run ./cmd/bench", Date: "2026-01-01 00:00 UTC", Base: "wsc",
		Machine:  map[string]string{"cores": "2", "cpu": "Some <CPU> & more"},
		Settings: settings{3, "20ms", "60ms", false},
		Peers: []described{
			{"wsc", "C", "12", false, false}, {"wherry", "ours", "abc", true, false}, {"wherry-native", "ours too", "abc", true, false},
			{"gws", "Go", "v1", false, true}, {"slow", "a <slow> one", "", false, false},
		},
		Scenarios: []scenario{
			{Name: "c100", About: "a hundred & more", Figure: "cpu", Conns: 100},
			{Name: "d16", About: "deep", Figure: "cpu", Conns: 100, Depth: 16},
			{Name: "loops1", About: "rate", Figure: "rate", Conns: 1},
			{Name: "empty", About: "nobody can", Figure: "cpu", Conns: 1},
		},
		Measurements: []measurement{
			at("c100", 0, "wsc", 100), at("c100", 0, "wherry", 104), at("c100", 0, "gws", 150), at("c100", 0, "slow", 9000),
			at("c100", 1, "wherry", 900), at("c100", 1, "gws", 300), // its base failed in this round: no ratio
			at("c100", 2, "wsc", 200), at("c100", 2, "wherry", 190), at("c100", 2, "gws", 320), at("c100", 2, "wherry-native", 180),
			at("d16", 0, "wsc", 10), at("d16", 0, "wherry", 20), at("d16", 0, "gws", 100),
			{"loops1", 0, "wherry", loadgen.Result{PerSecond: 5000}},
		},
		Skipped:  []skip{{"uvicorn", "", "not installed\nat all"}, {"", "loops8", "8 cores"}, {"ws", "d16", "no time left"}},
		Failures: []failure{{"c100", 1, "wsc", "it <died>"}},
	}
}

func TestRow(t *testing.T) {
	d := exampleDocument()
	for _, tc := range []struct {
		scenario, peer string
		want           row
	}{
		{"c100", "gws", row{Scenario: "c100", Peer: "gws", Rounds: 3, Median: 300, Least: 150, Most: 320, Ratio: 1.55, CPU: 300}},
		{"c100", "wherry", row{Scenario: "c100", Peer: "wherry", Rounds: 3, Median: 190, Least: 104, Most: 900, Ratio: (1.04 + 0.95) / 2, CPU: 190}},
		{"c100", "wsc", row{Scenario: "c100", Peer: "wsc", Rounds: 2, Median: 150, Least: 100, Most: 200, Ratio: 1, CPU: 150}},
		{"c100", "nobody", row{Scenario: "c100", Peer: "nobody"}},
		{"loops1", "wherry", row{Scenario: "loops1", Peer: "wherry", Rounds: 1, Median: 5000, Least: 5000, Most: 5000}},
	} {
		if got := d.row(d.scenario(tc.scenario), tc.peer); got != tc.want {
			t.Errorf("%s in %s: got %+v, want %+v", tc.peer, tc.scenario, got, tc.want)
		}
	}
}

// Only what was counted in every round has system calls.
func TestRowSyscalls(t *testing.T) {
	d := exampleDocument()
	for i := range d.Measurements {
		if m := &d.Measurements[i]; m.Peer == "gws" && m.Scenario == "c100" {
			m.Syscalls = &loadgen.Syscalls{All: float64(2 + i%2)}
		}
	}
	if r := d.row(d.scenario("c100"), "gws"); !r.Counted || r.Syscalls.All != 2 {
		t.Errorf("counted %v, %+v", r.Counted, r.Syscalls)
	}
	if r := d.row(d.scenario("c100"), "wherry"); r.Counted {
		t.Error("counted what nobody counted")
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

func TestVerdicts(t *testing.T) {
	d := exampleDocument()
	found := make(map[string]string)
	for _, v := range d.verdicts() {
		found[v.what()] = v.number(v.found) + " " + v.reached()
	}
	want := map[string]string{
		"wherry in c100, of wsc": "0.99 yes",
		"wherry in d16, of wsc":  "2.00 no",
		"wherry in d16, of gws":  "0.20 yes", // the last of two goals: nothing in Go is cheaper
		"wherry in c100, of gws": "0.69 yes",
	}
	if len(found) != len(want) {
		t.Errorf("got %v", found)
	}
	for what, verdict := range want {
		if found[what] != verdict {
			t.Errorf("%s: got %q, want %q", what, found[what], verdict)
		}
	}
	for _, tc := range []struct {
		v    verdict
		want string
	}{
		{verdict{goal{most: 1}, 1, []float64{0.9, 1.2}}, "yes"},
		{verdict{goal{most: 1}, 1.1, []float64{0.9, 1.2}}, "within the spread"},
		{verdict{goal{most: 1}, 1.1, []float64{1.05, 1.2}}, "no"},
	} {
		if got := tc.v.reached(); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.v, got, tc.want)
		}
	}
}

func TestCompact(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.1234: "0.12", 3: "3", 9.876: "9.88", 12.34: "12.3", 123.4: "123", 1234567.8: "1234568", -0.5: "-0.50"} {
		if got := compact(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	if err := exampleDocument().markdown(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"`go run ./cmd/bench`", "- cores: 2\n", "| wherry | ours | abc |",
		"| c100 | ns of server CPU for each message | 150 | 190 | 180 | 300 | 9000 |",
		"| d16 | ns of server CPU for each message | 10 | 20 |  | 100 |  |",
		"| wherry in d16, of wsc | ≤ 1.15 | 2.00 | 2.00 to 2.00 | no |",
		"### c100\n\nA hundred & more; ns of server CPU for each message.\n",
		"| gws | 300 | 150 | 57% | 1.55 |",
		"Not measured: uvicorn (not installed).", "Not measured: loops8 (8 cores).", "Not measured: ws in d16 (no time left).",
		"Failed: wsc in c100, round 2 (it <died>).",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "### empty") || strings.Contains(text, "quick") {
		t.Error("it says what is not so")
	}
	columns := 0
	for line := range strings.Lines(text) {
		n := strings.Count(line, "|")
		if n > 0 && columns > 0 && n != columns {
			t.Errorf("a row of %d cells in a table of %d: %s", n, columns, line)
		}
		columns = n
	}
}

// svgs returns the elements of each chart in a page, which must be well-formed.
func svgs(t *testing.T, page string) (all []map[string][]xml.StartElement) {
	t.Helper()
	for {
		_, rest, ok := strings.Cut(page, "<svg")
		if !ok {
			return all
		}
		chart, after, ok := strings.Cut(rest, "</svg>")
		if !ok {
			t.Fatal("a chart does not end")
		}
		page = after
		elements := make(map[string][]xml.StartElement)
		for d := xml.NewDecoder(strings.NewReader("<svg" + chart + "</svg>")); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, chart)
			}
			if e, ok := token.(xml.StartElement); ok {
				elements[e.Name.Local] = append(elements[e.Name.Local], e.Copy())
			}
		}
		all = append(all, elements)
	}
}

// classes counts elements by class.
func classes(elements []xml.StartElement) map[string]int {
	counts := make(map[string]int)
	for _, e := range elements {
		for _, a := range e.Attr {
			if a.Name.Local == "class" {
				counts[a.Value]++
			}
		}
	}
	return counts
}

func TestPage(t *testing.T) {
	var b strings.Builder
	if err := exampleDocument().page(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	charts := svgs(t, page)
	if len(charts) != 4 { // the overview, and a chart for each scenario that has something
		t.Fatalf("%d charts", len(charts))
	}
	dots := classes(charts[0]["circle"])
	if dots["mark ours"] != 2 || dots["mark kin"] != 1 || dots["mark other"] != 3 || len(dots) != 3 {
		t.Errorf("the overview has %v", dots)
	}
	c100 := charts[1]
	if groups := classes(c100["g"]); groups["ours"] != 1 || groups["kin"] != 1 || groups["floor"] != 1 || groups["other"] != 2 {
		t.Errorf("c100 has %v", groups)
	}
	if len(c100["rect"]) != 5 || len(c100["path"]) != 1 || classes(c100["line"])["whisker"] != 3 {
		t.Errorf("c100 has %d bars, %d arrows, %v", len(c100["rect"]), len(c100["path"]), classes(c100["line"]))
	}
	for _, want := range []string{"prefers-color-scheme: dark", "Some &lt;CPU&gt; &amp; more", "A hundred &amp; more", "it &lt;died&gt;", "ws in d16"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://", "<CPU>", "<slow>", "ZgotmplZ"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(page), "</html>") {
		t.Error("the page does not end")
	}
}

func TestBarLimit(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   float64
	}{
		{nil, 1}, {[]float64{0}, 1}, {[]float64{5}, 5}, {[]float64{1, 7}, 7}, {[]float64{1, 8}, 8}, {[]float64{2, 100, 3}, 16}, {[]float64{0, 2, 100}, 16},
	} {
		var all []bar
		for _, v := range tc.values {
			all = append(all, bar{value: v})
		}
		if got := barLimit(all); got != tc.want {
			t.Errorf("%v: got %v, want %v", tc.values, got, tc.want)
		}
	}
}

func TestDotRange(t *testing.T) {
	for _, tc := range []struct {
		ratios    []float64
		low, high float64
	}{
		{nil, 0, 1}, {[]float64{1}, 0, 1}, {[]float64{0.9, 3}, -1, 2}, {[]float64{0.2, 100}, -3, 7},
	} {
		row := dotRow{}
		for _, r := range tc.ratios {
			row.dots = append(row.dots, dot{ratio: r})
		}
		if low, high := dotRange([]dotRow{row}); low != tc.low || high != tc.high {
			t.Errorf("%v: %v to %v", tc.ratios, low, high)
		}
	}
}

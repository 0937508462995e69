//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

// The test is the program that pins its children, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == pinCommand {
		fmt.Fprintln(os.Stderr, execPinned(os.Args[2:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestRun measures for a moment, with peers that need nothing but Go, and looks at all
// that is written.
func TestRun(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("needs two cores")
	}
	dir := t.TempDir()
	results := filepath.Join(dir, "r.md")
	var stdout, stderr strings.Builder
	status := run(context.Background(), []string{"-quick", "-results", results,
		"-peers", "wherry,wherry-native,gobwas-epoll,gws", "-base", "gws", "-scenario", "c100,burst,deflate,idle,t64,noisy,conn,open"}, &stdout, &stderr)
	if status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	doc, err := readDocument(filepath.Join(dir, "r.json"))
	if err != nil {
		t.Fatal(err)
	}
	for scenario, peers := range map[string]int{"c100": 4, "burst": 4, "deflate": 3, "idle": 4, "t64": 1, "noisy": 1, "conn": 4, "open": 4} {
		got := doc.rows(doc.scenario(scenario))
		if len(got) != peers {
			t.Errorf("%s has %d rows, want %d", scenario, len(got), peers)
		}
		for _, r := range got {
			if _, isThere := strings.CutPrefix(stdout.String(), "\n"); !isThere || !strings.Contains(stdout.String(), r.Peer) {
				t.Errorf("the output has no %s", r.Peer)
			}
		}
	}
	for _, m := range doc.Measurements {
		if m.Operations == 0 || m.RSSKiB == 0 {
			t.Errorf("%s in %s: %+v", m.Peer, m.Scenario, m.Result)
		}
		if m.Scenario == "noisy" && m.Disturbances == 0 {
			t.Error("nothing disturbed")
		}
	}
	for _, p := range doc.Peers {
		if p.Version == "" && !strings.HasPrefix(p.Name, "wherry") { // which is from git, if there is one
			t.Errorf("no version of %s", p.Name)
		}
	}

	// The same report once more, from the raw data.
	again := filepath.Join(dir, "again.md")
	if status := run(context.Background(), []string{"-from", filepath.Join(dir, "r.json"), "-results", again}, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	for _, ext := range []string{".md", ".html", ".json"} {
		first, err1 := os.ReadFile(filepath.Join(dir, "r"+ext))
		second, err2 := os.ReadFile(filepath.Join(dir, "again"+ext))
		if err1 != nil || err2 != nil || string(first) != string(second) || len(first) == 0 {
			t.Errorf("%s differs: %v, %v", ext, err1, err2)
		}
	}
}

func TestUnbuildablePeerIsSkipped(t *testing.T) {
	b, err := newBuilder(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	missing := peer{name: "missing", build: func(ctx context.Context, b *builder) error {
		return b.run(ctx, b.root, nil, "no-such-compiler")
	}}
	broken := peer{name: "broken", build: func(ctx context.Context, b *builder) error {
		return b.run(ctx, b.root, nil, "go", "build", "./no-such-package")
	}}
	fine := peer{name: "fine", build: func(context.Context, *builder) error { return nil }}
	var log strings.Builder
	ready, skipped := buildPeers(context.Background(), b, []peer{missing, fine, broken}, &log)
	if len(ready) != 1 || ready[0].name != "fine" || len(skipped) != 2 {
		t.Fatalf("ready %v, skipped %v", ready, skipped)
	}
	for i, want := range []string{"no-such-compiler", "no-such-package"} {
		if !strings.Contains(skipped[i].Reason, want) || !strings.Contains(log.String(), want) {
			t.Errorf("%v does not say %s; log %q", skipped[i], want, log.String())
		}
	}
}

func TestServerThatFails(t *testing.T) {
	b, err := newBuilder(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	for _, tc := range []struct {
		script, want string
	}{
		{"echo no port left >&2; exit 3", "no port left"},
		{"exit 0", "ended before it listened"},
	} {
		p := &peer{command: func(*builder, *scenario) ([]string, error) { return []string{"sh", "-c", tc.script}, nil }}
		_, err := startServer(t.Context(), b, []int{0}, p, new(scenario))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got error %v, want %q", tc.script, err, tc.want)
		}
	}
}

// Scenarios and peers are data: what they say is what there is.
func TestDeclarations(t *testing.T) {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.Name)
		if s.About == "" || s.figure().unit == "" || s.Conns == 0 {
			t.Errorf("%+v", s)
		}
		able := (&bench{ready: peers()}).able(&s)
		if len(able) == 0 {
			t.Errorf("%s: no peer can do it", s.Name)
		}
		if q := s.quick(); q.Few > 0 && q.Few >= q.Conns {
			t.Errorf("quick %s: %+v", s.Name, q)
		}
	}
	for _, p := range peers() {
		names = append(names, p.name)
		if p.about == "" || p.echo == "" || p.build == nil || p.command == nil || p.version == nil {
			t.Errorf("%+v", p)
		}
	}
	for _, g := range goals() {
		if !slices.Contains(names, g.scenario) || !slices.Contains(names, g.peer) ||
			g.kind != plain && (!slices.Contains(names, g.of) || !slices.Contains(names, g.base)) {
			t.Errorf("goal about something that is not there: %+v", g)
		}
	}
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) {
		t.Errorf("two are called the same: %v", names)
	}
}

// The configuration of every scenario is one that wherry accepts.
func TestWherryConfig(t *testing.T) {
	b, err := newBuilder(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	server := wherry("wherry", "", 0, "echo")
	if err := server.build(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	checked := make(map[string]bool)
	for _, s := range scenarios() {
		s.Tenants = min(s.Tenants, 20) // which are all alike
		command, err := server.command(b, &s)
		if err != nil {
			t.Fatal(err)
		}
		file := command[len(command)-1]
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if checked[string(text)] {
			continue
		}
		checked[string(text)] = true
		if out, err := exec.Command(b.path("wherry"), "check", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %.500s", s.Name, err, out)
		}
	}
}

// In a quick run every scenario has wherry and the base, and every peer every kind of load.
func TestQuickCoversAll(t *testing.T) {
	b := &bench{options: options{quick: true, scenarios: scenarios(), base: "wsc"}, ready: peers()}
	kinds := func(able func(s *scenario) []*peer) map[string]bool {
		found := make(map[string]bool)
		for i := range b.scenarios {
			s := &b.scenarios[i]
			for _, p := range able(s) {
				found[fmt.Sprint(p.name, " ", s.Work, " ", s.needs())] = true
			}
		}
		return found
	}
	quick := kinds(b.able)
	b.quick = false
	for kind := range kinds(b.able) {
		if !quick[kind] {
			t.Errorf("quick leaves out %s", kind)
		}
	}
	b.quick = true
	measurements := 0
	for i := range b.scenarios {
		able := b.able(&b.scenarios[i])
		measurements += len(able)
		if !slices.ContainsFunc(able, func(p *peer) bool { return p.name == "wherry" }) {
			t.Errorf("%s without wherry", b.scenarios[i].Name)
		}
	}
	if measurements > 170 {
		t.Errorf("%d measurements are not quick", measurements)
	}
}

func TestCores(t *testing.T) {
	for _, tc := range []struct {
		loops, all   int
		server, load []int
		ok           bool
	}{
		{0, 2, []int{3}, []int{5}, true},
		{1, 2, []int{3}, []int{5}, true},
		{2, 2, nil, nil, false},
		{2, 3, nil, nil, false},
		{2, 4, []int{0, 1}, []int{2, 3}, true},
		{4, 8, []int{0, 1, 2, 3}, []int{4, 5, 6, 7}, true},
	} {
		b := &bench{options: options{serverCore: 3, clientCore: 5, allCores: tc.all}}
		got, ok := b.cores(&scenario{Loops: tc.loops})
		if ok != tc.ok || ok && (!slices.Equal(got.server, tc.server) || !slices.Equal(got.load, tc.load)) {
			t.Errorf("%d loops of %d cores: %v, %v", tc.loops, tc.all, got, ok)
		}
	}
}

func TestCombined(t *testing.T) {
	one := loadgen.Result{Operations: 100, PerSecond: 1000, ServerUtilisation: 1.5, ServerCPUNanos: 1.5e6, ClientUtilisation: 0.5,
		Latency: loadgen.Quantiles{P99: 10}, Switches: new(loadgen.Switches)}
	if got := combined([]loadgen.Result{one}); got != one {
		t.Errorf("one: %+v", got)
	}
	other := loadgen.Result{Operations: 200, PerSecond: 3000, ServerUtilisation: 1.7, ClientUtilisation: 0.9, Latency: loadgen.Quantiles{P99: 7}}
	got := combined([]loadgen.Result{one, other})
	want := loadgen.Result{Operations: 300, PerSecond: 4000, ServerUtilisation: 1.6, ServerCPUNanos: 400_000, ClientUtilisation: 0.9, Latency: loadgen.Quantiles{P99: 10}}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestParseOptions(t *testing.T) {
	for _, tc := range []struct {
		args string
		want string // in the error; "" is none
	}{
		{"-scenario d16,c100 -peers gws -server-core 0 -client-core 1", ""},
		{"-quick -results x.md", ""},
		{"-scenario c100,nope", `no scenario is called "nope"`},
		{"-peers nope", `no peer is called "nope"`},
		{"-base nope", `no peer is called "nope"`},
		{"-rounds 0", "round"},
		{"-client-core 0", "cores"},
		{"-client-core 4096", "cores"},
		{"-results x.html", "does not end with .md"},
		{"c100", `what is "c100"?`},
	} {
		opts, err := parseOptions(strings.Fields(tc.args), t.Output())
		if got := err == nil; got != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got error %v, want %q", tc.args, err, tc.want)
		}
		if err == nil && opts.quick == opts.until.IsZero() {
			t.Errorf("%q: quick %v, until %v", tc.args, opts.quick, opts.until)
		}
	}
}

func TestReadDocument(t *testing.T) {
	if _, err := readDocument(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a file that is not there is read")
	}
	d := exampleDocument()
	text, err := d.json()
	if err != nil {
		t.Fatal(err)
	}
	again := new(document)
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	if second, err := again.json(); err != nil || string(second) != string(text) {
		t.Errorf("raw data changes when it is read: %v", err)
	}
}

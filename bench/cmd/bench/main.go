//go:build linux

// Bench builds wherry and its peers, measures what an operation costs each of them,
// and reports. It runs anywhere inside the bench module:
//
//	go run ./cmd/bench                          everything, to the terminal
//	go run ./cmd/bench -results RESULTS.md      and to RESULTS.md, RESULTS.html and RESULTS.json
//	go run ./cmd/bench -quick                   does everything work?
//	go run ./cmd/bench -scenario c100,d16 -peers wsc,gws,wherry -rounds 11
//	go run ./cmd/bench -from RESULTS.json -results RESULTS.md    reports once more
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == pinCommand {
		fmt.Fprintln(os.Stderr, "bench:", execPinned(os.Args[2:])) // returns only to say why not
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// quickBudget is after how long a quick run begins nothing more, so that it ends within
// two minutes wherever it runs.
const quickBudget = 110 * time.Second

// options are the flags, once parsed.
type options struct {
	args       []string // as given
	rounds     int
	scenarios  []scenario
	peers      []peer
	base       string // peer that ratios are against
	warmup     time.Duration
	duration   time.Duration
	quick      bool
	until      time.Time // nothing is begun after it, but skipped; zero: there is time
	serverCore int
	clientCore int
	allCores   int    // of the machine
	from       string // raw data to report instead of measuring; "" measures
	results    string // Markdown file beside which the others go; "" writes none
}

// run returns the exit code: 0, 1 if anything could not be measured, 2 for wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	if err := measureAndReport(ctx, opts, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func measureAndReport(ctx context.Context, opts options, stdout, stderr io.Writer) (err error) {
	var doc *document
	if opts.from != "" {
		doc, err = readDocument(opts.from)
	} else {
		doc, err = measureAll(ctx, opts, stderr)
	}
	if err != nil {
		return err
	}
	if err := doc.printTables(stdout); err != nil {
		return err
	}
	if opts.results != "" {
		if err := doc.write(opts.results); err != nil {
			return err
		}
	}
	if n := len(doc.Failures); n > 0 {
		return fmt.Errorf("%d measurements failed", n)
	}
	return nil
}

// write writes the report as Markdown, and beside it a page with charts and the raw data.
func (d *document) write(name string) error {
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	var markdown, page strings.Builder
	if err := d.markdown(&markdown); err != nil {
		return err
	}
	if err := d.page(&page); err != nil {
		return err
	}
	raw, err := d.json()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(stem+".json", raw, 0o644),
		os.WriteFile(stem+".html", []byte(page.String()), 0o644),
		os.WriteFile(name, []byte(markdown.String()), 0o644),
	)
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	opts := options{args: args, allCores: runtime.NumCPU()}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&opts.rounds, "rounds", 7, "measurements of each peer in each scenario")
	scenarioNames := flags.String("scenario", "", "scenarios, `names` with commas (all)")
	peerNames := flags.String("peers", "", "peers, `names` with commas (all)")
	flags.StringVar(&opts.base, "base", "wsc", "`peer` that ratios are against")
	flags.DurationVar(&opts.warmup, "warmup", 200*time.Millisecond, "load before each measurement")
	flags.DurationVar(&opts.duration, "duration", 500*time.Millisecond, "load under measurement")
	flags.IntVar(&opts.serverCore, "server-core", 0, "core that the server is pinned to")
	flags.IntVar(&opts.clientCore, "client-core", 1, "core that the load generator is pinned to")
	flags.StringVar(&opts.from, "from", "", "`file` with raw data to report, instead of measuring")
	flags.StringVar(&opts.results, "results", "", "`file.md` for the report; the page with charts and the raw data go beside it")
	flags.BoolVar(&opts.quick, "quick", false, "one short round, of every scenario with wherry and the base, of every kind of load with the others: does it all work?")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if flags.NArg() > 0 {
		return opts, fmt.Errorf("what is %q?", flags.Arg(0))
	}
	if opts.quick {
		opts.rounds, opts.warmup, opts.duration = 1, 20*time.Millisecond, 60*time.Millisecond
		opts.until = time.Now().Add(quickBudget)
	}
	if opts.rounds < 1 {
		return opts, errors.New("at least one round is needed")
	}
	if opts.results != "" && filepath.Ext(opts.results) != ".md" {
		return opts, fmt.Errorf("the report is Markdown: %s does not end with .md", opts.results)
	}
	if opts.serverCore == opts.clientCore || max(opts.serverCore, opts.clientCore) >= opts.allCores {
		return opts, fmt.Errorf("cores %d and %d: two different ones of %d are needed", opts.serverCore, opts.clientCore, opts.allCores)
	}
	return opts, opts.choose(*scenarioNames, *peerNames)
}

// choose picks scenarios and peers by their names.
func (o *options) choose(scenarioNames, peerNames string) (err error) {
	if o.scenarios, err = pick("scenario", scenarioNames, scenarios(), func(s scenario) string { return s.Name }); err != nil {
		return err
	}
	if o.quick {
		for i, s := range o.scenarios {
			o.scenarios[i] = s.quick()
		}
	}
	if o.peers, err = pick("peer", peerNames, peers(), func(p peer) string { return p.name }); err != nil {
		return err
	}
	_, err = pick("peer", o.base, peers(), func(p peer) string { return p.name })
	return err
}

// pick returns the entries of all that names (with commas) asks for, in that order.
// No names are all of them.
func pick[T any](kind, names string, all []T, nameOf func(T) string) ([]T, error) {
	if names == "" {
		return all, nil
	}
	known := make(map[string]T)
	for _, entry := range all {
		known[nameOf(entry)] = entry
	}
	var picked []T
	for name := range strings.SplitSeq(names, ",") {
		entry, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("no %s is called %q", kind, name)
		}
		picked = append(picked, entry)
	}
	return picked, nil
}

//go:build linux

// Bench builds wherry and its peers, measures what one message costs each of them,
// and prints a table. It runs anywhere inside the bench module:
//
//	go run ./cmd/bench [-rounds 7] [-scenario c100,d16] [-peers rawc,wsc,gws,wherry] [-json FILE] [-quick]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
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

// options are the flags, once parsed.
type options struct {
	rounds     int
	scenarios  []scenario
	peers      []peer
	warmup     time.Duration
	duration   time.Duration
	serverCore int
	clientCore int
	jsonFile   string // "" writes none
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
	if err := measureAll(ctx, opts, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&opts.rounds, "rounds", 7, "measurements of each peer in each scenario")
	scenarioNames := flags.String("scenario", "pp64,c100,c1000,d16,4K,64K,1M", "scenarios, `names` with commas")
	peerNames := flags.String("peers", "rawc,wsc,gws,wherry", "peers, `names` with commas (also: gorilla); ratios are against the first")
	flags.DurationVar(&opts.warmup, "warmup", 500*time.Millisecond, "load before each measurement")
	flags.DurationVar(&opts.duration, "duration", 2*time.Second, "load under each measurement")
	flags.IntVar(&opts.serverCore, "server-core", 0, "core that the server is pinned to")
	flags.IntVar(&opts.clientCore, "client-core", 1, "core that the load generator is pinned to")
	flags.StringVar(&opts.jsonFile, "json", "", "`file` for every single measurement")
	quick := flags.Bool("quick", false, "one short round: does everything work?")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	if *quick {
		opts.rounds, opts.warmup, opts.duration = 1, 100*time.Millisecond, 300*time.Millisecond
	}
	if opts.rounds < 1 {
		return opts, errors.New("at least one round is needed")
	}
	if cores := runtime.NumCPU(); opts.serverCore == opts.clientCore || max(opts.serverCore, opts.clientCore) >= cores {
		return opts, fmt.Errorf("cores %d and %d: two different ones of %d are needed", opts.serverCore, opts.clientCore, cores)
	}
	var err error
	if opts.scenarios, err = pick("scenario", *scenarioNames, scenarios(), func(s scenario) string { return s.Name }); err != nil {
		return opts, err
	}
	opts.peers, err = pick("peer", *peerNames, peers(), func(p peer) string { return p.name })
	return opts, err
}

// pick returns the entries of all that names (with commas) asks for, in that order.
func pick[T any](kind, names string, all []T, nameOf func(T) string) ([]T, error) {
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

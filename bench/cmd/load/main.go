//go:build linux

// Load drives one server and prints what an operation cost it, as one JSON object.
//
//	load -addr 127.0.0.1:9000 -path /ws -conns 100 -size 64 -pid $(pidof server)
//	load -addr 127.0.0.1:9000 -work open -rate 10000 -conns 100 -pid $(pidof server)
//	load -addr 127.0.0.1:9000 -work idle -few 2000 -conns 15000 -sources 4 -pid $(pidof server)
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/seed-c6589352/wherry/bench/internal/loadgen"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run returns the exit code: 0, 1 for a failed measurement, 2 for wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if err != nil {
		return 2
	}
	debug.SetGCPercent(-1) // a run allocates at its start only
	result, err := loadgen.Run(cfg)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(stderr, "load:", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (cfg loadgen.Config, err error) {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.Addr, "addr", "", "server, `host:port`")
	flags.StringVar(&cfg.Path, "path", "/", "request target of the handshake")
	flags.IntVar(&cfg.Targets, "targets", 0, "connection i asks for the path and `n`umber i modulo this; 0: for the path")
	mode := flags.String("mode", string(loadgen.WebSocket), "what the server speaks: ws or raw")
	work := flags.String("work", string(loadgen.Echo), "what an operation is: echo, open, broadcast, conn or idle")
	flags.IntVar(&cfg.Conns, "conns", 1, "connections")
	flags.IntVar(&cfg.Few, "few", 0, "of idle: connections before the first look at memory")
	flags.IntVar(&cfg.Sources, "sources", 0, "loopback addresses that connections come from")
	flags.IntVar(&cfg.Size, "size", 64, "payload `bytes` of a message")
	flags.IntVar(&cfg.Depth, "depth", 1, "messages in flight on each connection, or publications in flight")
	flags.IntVar(&cfg.Rate, "rate", 0, "of open: messages a second on all connections together")
	flags.BoolVar(&cfg.Deflate, "deflate", false, "compress messages")
	flags.StringVar(&cfg.Noise, "noise", "", "request target of what disturbs meanwhile")
	flags.IntVar(&cfg.Noises, "noises", 1, "connections that disturb")
	flags.DurationVar(&cfg.Warmup, "warmup", 500*time.Millisecond, "load before the measurement")
	flags.DurationVar(&cfg.Duration, "duration", 2*time.Second, "load under measurement")
	flags.IntVar(&cfg.PID, "pid", 0, "server process to read CPU time, memory and counters of; 0 reads none")
	err = flags.Parse(args)
	cfg.Mode, cfg.Work = loadgen.Mode(*mode), loadgen.Work(*work)
	return cfg, err
}

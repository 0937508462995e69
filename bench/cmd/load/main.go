//go:build linux

// Load drives one echo server and prints what a message cost it, as one JSON object.
//
//	load -addr 127.0.0.1:9000 -path /ws -conns 100 -size 64 -pid $(pidof server)
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
	var cfg loadgen.Config
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.Addr, "addr", "", "server, `host:port`")
	flags.StringVar(&cfg.Path, "path", "/", "request target of the handshake")
	mode := flags.String("mode", string(loadgen.WebSocket), "what the server speaks: ws or raw")
	flags.IntVar(&cfg.Conns, "conns", 1, "connections")
	flags.IntVar(&cfg.Size, "size", 64, "payload `bytes` of a message")
	flags.IntVar(&cfg.Depth, "depth", 1, "messages in flight on each connection")
	flags.DurationVar(&cfg.Warmup, "warmup", 500*time.Millisecond, "load before the measurement")
	flags.DurationVar(&cfg.Duration, "duration", 2*time.Second, "load under measurement")
	flags.IntVar(&cfg.PID, "pid", 0, "server process whose CPU time is read; 0 reads none")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	cfg.Mode = loadgen.Mode(*mode)

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

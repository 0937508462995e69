//go:build linux

// Package loadgen drives a server and measures what an operation costs it. One locked
// thread owns all connections; every byte that comes back and every handshake is
// checked, so a server that cheats or corrupts ends the run with an error instead of a
// figure.
//
// What an operation is, the Work of a Config says. The files follow a run: dial,
// handshake, stream (what is sent and expected), conn (one connection), loop (all of
// them), and one file for each kind of work: closed, open, broadcast, churn, idle.
// Server reads what the system knows of the process under test, latency and result
// are what is measured.
package loadgen

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// A Mode says what the server speaks.
type Mode string

const (
	WebSocket Mode = "ws"  // masked frames out, the same messages back unmasked
	Raw       Mode = "raw" // the same masked frames out, the same bytes back
)

// A Work is a kind of load, and says what one operation is.
type Work string

const (
	Echo      Work = "echo"      // closed loop: Depth messages in flight on each connection; an echo is an operation
	Open      Work = "open"      // open loop: Rate messages a second, whatever comes back; an echo is an operation
	Broadcast Work = "broadcast" // the first connection publishes, all receive; a delivery is an operation
	Churn     Work = "conn"      // connect, handshake, reset, Conns at a time; a connection is an operation
	Idle      Work = "idle"      // Few connections and then Conns, which stay; a connection between is an operation
)

// Config describes one measurement. Addr, PID and Conns have no default.
type Config struct {
	Addr     string        // server, "host:port", IPv4
	Path     string        // request target of the handshake ("/")
	Targets  int           // Path is a prefix: connection i asks for Path and the number i % Targets; 0: it is the whole
	Mode     Mode          // (WebSocket)
	Work     Work          // (Echo)
	Conns    int           // connections, all open before the first message
	Few      int           // of Idle: connections that are open before its first look at memory
	Sources  int           // loopback addresses that connections come from, in turn (as many as their ports need)
	Size     int           // payload bytes of a message; 0 is an empty message
	Depth    int           // messages in flight on each connection, publications in flight (1)
	Rate     int           // of Open: messages a second on all connections together
	Deflate  bool          // offer permessage-deflate without context takeover, insist on it, and send compressed text
	Noise    string        // request target of what disturbs the server meanwhile; "" for nothing
	Noises   int           // connections that disturb (1)
	Warmup   time.Duration // load before the measurement (0)
	Duration time.Duration // load under measurement (1s)
	PID      int           // process under test; 0 reads nothing of it
}

// Run dials, handshakes, warms up and measures. It occupies the calling goroutine's
// thread and closes every connection before it returns.
func Run(cfg Config) (Result, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return Result{}, fmt.Errorf("loadgen: %w", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	run := runLoop
	switch cfg.Work {
	case Churn:
		run = runChurn
	case Idle:
		run = runIdle
	}
	result, err := run(cfg)
	if err != nil {
		return Result{}, fmt.Errorf("loadgen: %w", err)
	}
	return result, nil
}

// checked fills in defaults and refuses what cannot be run.
func (cfg Config) checked() (Config, error) {
	cfg.Path = cmp.Or(cfg.Path, "/")
	cfg.Mode = cmp.Or(cfg.Mode, WebSocket)
	cfg.Work = cmp.Or(cfg.Work, Echo)
	cfg.Depth = cmp.Or(cfg.Depth, 1)
	cfg.Noises = cmp.Or(cfg.Noises, 1)
	cfg.Duration = cmp.Or(cfg.Duration, time.Second)
	switch {
	case cfg.Mode != WebSocket && cfg.Mode != Raw:
		return cfg, fmt.Errorf("mode %q is neither %q nor %q", cfg.Mode, WebSocket, Raw)
	case cfg.Conns < 1:
		return cfg, errors.New("at least one connection is needed")
	case min(cfg.Depth, cfg.Size, cfg.Rate, cfg.Targets, cfg.Sources, cfg.Noises, cfg.Few) < 0 || min(cfg.Duration, cfg.Warmup) < 0:
		return cfg, errors.New("numbers and times cannot be negative")
	case cfg.Mode == Raw && (cfg.Deflate || cfg.Noise != "" || cfg.Work == Broadcast):
		return cfg, fmt.Errorf("mode %q knows no compression, no paths and no broadcast", Raw)
	}
	return cfg, cfg.checkWork()
}

// checkWork refuses what the kind of load cannot do.
func (cfg Config) checkWork() error {
	switch cfg.Work {
	case Echo, Broadcast, Churn:
		return nil
	case Open:
		if cfg.Rate < 1 {
			return errors.New("an open loop needs a rate")
		}
		return nil
	case Idle:
		if cfg.Few < 1 || cfg.Few >= cfg.Conns {
			return errors.New("idle connections are looked at twice: few, and then more")
		}
		return nil
	}
	return fmt.Errorf("no load is called %q", cfg.Work)
}

// target is the request target of connection i.
func (cfg *Config) target(i int) string {
	if cfg.Targets == 0 {
		return cfg.Path
	}
	return fmt.Sprint(cfg.Path, i%cfg.Targets)
}

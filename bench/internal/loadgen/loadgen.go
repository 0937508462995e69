//go:build linux

// Package loadgen drives an echo server with closed-loop connections and measures
// what one message costs it. One locked thread owns all connections; every echoed
// byte and every handshake is checked, so a server that cheats or corrupts ends the
// run with an error instead of a figure.
//
// The files follow a run: dial, handshake, stream (what is sent and expected),
// conn (one connection), loop (all of them), clock and latency (what is measured).
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

// Config describes one measurement. Addr, PID and Conns have no default.
type Config struct {
	Addr     string        // server, "host:port", IPv4
	Path     string        // request target of the handshake ("/")
	Mode     Mode          // (WebSocket)
	Conns    int           // connections, all open before the first message
	Size     int           // payload bytes of a message; 0 is an empty message
	Depth    int           // messages in flight on each connection (1)
	Warmup   time.Duration // load before the measurement (0)
	Duration time.Duration // load under measurement (1s)
	PID      int           // process whose CPU clock is read; 0 reads none
}

// A Result is what one measurement found. Its JSON is the output of cmd/load.
type Result struct {
	Messages          int64   `json:"messages"` // verified echoes
	Seconds           float64 `json:"seconds"`  // wall time they took
	MessagesPerSecond float64 `json:"messages_per_second"`
	ServerCPUNanos    float64 `json:"server_cpu_ns_per_message"`
	ServerUtilisation float64 `json:"server_utilisation"` // its CPU time / wall time
	ClientUtilisation float64 `json:"client_utilisation"` // part of the time in which the client had work; near 1 it is the bottleneck
	LatencyP50Micros  float64 `json:"latency_p50_us"`
	LatencyP99Micros  float64 `json:"latency_p99_us"`
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

	loop, err := newLoop(cfg)
	if err != nil {
		return Result{}, fmt.Errorf("loadgen: %w", err)
	}
	defer loop.close()
	result, err := loop.measure()
	if err != nil {
		return Result{}, fmt.Errorf("loadgen: %w", err)
	}
	return result, nil
}

// checked fills in defaults and refuses what cannot be run.
func (cfg Config) checked() (Config, error) {
	cfg.Path = cmp.Or(cfg.Path, "/")
	cfg.Mode = cmp.Or(cfg.Mode, WebSocket)
	cfg.Depth = cmp.Or(cfg.Depth, 1)
	cfg.Duration = cmp.Or(cfg.Duration, time.Second)
	switch {
	case cfg.Mode != WebSocket && cfg.Mode != Raw:
		return cfg, fmt.Errorf("mode %q is neither %q nor %q", cfg.Mode, WebSocket, Raw)
	case cfg.Conns < 1:
		return cfg, errors.New("at least one connection is needed")
	case cfg.Depth < 0 || cfg.Size < 0 || cfg.Duration < 0 || cfg.Warmup < 0:
		return cfg, errors.New("size, depth and times cannot be negative")
	}
	return cfg, nil
}

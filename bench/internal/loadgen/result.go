//go:build linux

package loadgen

import "time"

// A Result is what one measurement found. Its JSON is the output of cmd/load. What is
// per operation is of the operations in the measured time.
type Result struct {
	Operations int64   `json:"operations"` // verified
	Seconds    float64 `json:"seconds"`    // wall time they took
	PerSecond  float64 `json:"per_second"`

	ServerCPUNanos    float64 `json:"server_cpu_ns"`      // of an operation, user and kernel
	ServerUtilisation float64 `json:"server_utilisation"` // its CPU time / wall time
	ClientUtilisation float64 `json:"client_utilisation"` // part of the time in which the client had work; near 1 it is the bottleneck

	Latency Quantiles `json:"latency"`

	RSSKiB          int64     `json:"server_rss_kib,omitempty"`            // resident, at the end of the measured time
	RSSBytesPerConn float64   `json:"server_rss_bytes_per_conn,omitempty"` // Idle only: the slope
	Switches        *Switches `json:"server_context_switches,omitempty"`   // of an operation
	Syscalls        *Syscalls `json:"server_syscalls,omitempty"`           // of an operation, where the system counts them

	Disturbances int64 `json:"disturbances,omitempty"` // connections of the noise that came and went
}

// Quantiles are latencies in microseconds: of a round trip in a closed loop, from the
// time at which a message was due in an open one, to the last receiver in a broadcast,
// of connect and handshake.
type Quantiles struct {
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p999_us"`
	Max  float64 `json:"max_us"`
}

// Switches are context switches of all threads of the server.
type Switches struct {
	Voluntary   float64 `json:"voluntary"`
	Involuntary float64 `json:"involuntary"`
}

// Syscalls are system calls of all threads of the server. They are counted in a time
// of their own behind the measured one, because counting costs.
type Syscalls struct {
	All    float64 `json:"all"`
	Reads  float64 `json:"reads"`
	Writes float64 `json:"writes"`
	Waits  float64 `json:"waits"`
}

// A reading is where all clocks and counters stood at one moment.
type reading struct {
	wall       time.Duration
	idle       time.Duration // this process's polls that found nothing
	operations int64
	server     serverReading
}

// result is the difference of two readings, with what else a run found.
func result(before, after reading, latency *histogram) Result {
	r := Result{
		Operations: after.operations - before.operations,
		Seconds:    (after.wall - before.wall).Seconds(),
		Latency:    latency.quantiles(),
		RSSKiB:     after.server.rssBytes >> 10,
	}
	cpu := after.server.cpu - before.server.cpu
	n := float64(max(r.Operations, 1))
	r.PerSecond = float64(r.Operations) / r.Seconds
	r.ServerCPUNanos = float64(cpu.Nanoseconds()) / n
	r.ServerUtilisation = cpu.Seconds() / r.Seconds
	r.ClientUtilisation = 1 - (after.idle-before.idle).Seconds()/r.Seconds
	if after.server.known {
		r.Switches = &Switches{
			Voluntary:   float64(after.server.voluntary-before.server.voluntary) / n,
			Involuntary: float64(after.server.involuntary-before.server.involuntary) / n,
		}
	}
	return r
}

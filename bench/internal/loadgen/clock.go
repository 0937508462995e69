//go:build linux

package loadgen

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A reading is where all clocks and counters stood at one moment.
type reading struct {
	wall     time.Duration
	server   time.Duration // CPU time of all its threads, user and kernel
	idle     time.Duration // this process's polls that found nothing
	messages int64
}

func (l *loop) reading() (reading, error) {
	r := reading{wall: l.now(), idle: l.idle, messages: l.messages}
	if l.cfg.PID == 0 {
		return r, nil
	}
	var err error
	r.server, err = cpuTime(processClock(l.cfg.PID))
	return r, err
}

// result is the difference of two readings, per message; there was at least one.
func (l *loop) result(before, after reading) Result {
	messages := after.messages - before.messages
	wall := (after.wall - before.wall).Seconds()
	server := after.server - before.server
	return Result{
		Messages:          messages,
		Seconds:           wall,
		ServerCPUNanos:    float64(server.Nanoseconds()) / float64(messages),
		ServerUtilisation: server.Seconds() / wall,
		ClientUtilisation: 1 - (after.idle-before.idle).Seconds()/wall,
		LatencyP50Micros:  float64(l.latency.quantile(0.50).Nanoseconds()) / 1e3,
		LatencyP99Micros:  float64(l.latency.quantile(0.99).Nanoseconds()) / 1e3,
		MessagesPerSecond: float64(messages) / wall,
	}
}

// processClock is the id of another process's CPU clock, as clock_getcpuclockid(3)
// computes it: the complement of the pid, then CPUCLOCK_SCHED, which is 2. It has
// nanosecond resolution, where /proc/PID/stat counts hundredths of a second.
func processClock(pid int) int32 { return int32(^pid<<3 | 2) }

func cpuTime(clock int32) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("CPU clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

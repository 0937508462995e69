//go:build linux

package loadgen

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A server is the process under test, as the system tells of it. A pid of 0 is none,
// of which nothing is known.
type server struct{ pid int }

// A serverReading is where its clock and counters stood at one moment.
type serverReading struct {
	known                  bool
	cpu                    time.Duration // of all its threads, user and kernel
	rssBytes               int64
	voluntary, involuntary int64 // context switches of the threads that there are
}

func (s server) reading() (r serverReading, err error) {
	if s.pid == 0 {
		return r, nil
	}
	r.known = true
	if r.rssBytes, err = s.rss(); err != nil {
		return r, err
	}
	if err := s.addSwitches(&r); err != nil {
		return r, err
	}
	r.cpu, err = cpuTime(processClock(s.pid)) // last: reading the others is none of its work
	return r, err
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

// rss is the resident memory in bytes, counted page by page: the counter in
// /proc/PID/statm is split between threads, and up to 64 pages off for each.
func (s server) rss() (int64, error) {
	name := fmt.Sprintf("/proc/%d/smaps_rollup", s.pid)
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	kib, ok := numberAfter(text, "\nRss:")
	if !ok {
		return 0, fmt.Errorf("%s has no Rss", name)
	}
	return kib << 10, nil
}

// addSwitches sums over all threads. One that ends in between takes its count along.
func (s server) addSwitches(r *serverReading) error {
	threads, err := s.threads()
	if err != nil {
		return err
	}
	for _, tid := range threads {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", s.pid, tid))
		if err != nil {
			continue // it has ended
		}
		voluntary, _ := numberAfter(text, "\nvoluntary_ctxt_switches:")
		involuntary, _ := numberAfter(text, "\nnonvoluntary_ctxt_switches:")
		r.voluntary += voluntary
		r.involuntary += involuntary
	}
	return nil
}

func (s server) threads() (ids []int, err error) {
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", s.pid))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("process %d is gone", s.pid)
	}
	for _, name := range names {
		if id, err := strconv.Atoi(filepath.Base(name)); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// numberAfter returns the first number behind label in text.
func numberAfter(text []byte, label string) (n int64, ok bool) {
	_, rest, ok := bytes.Cut(text, []byte(label))
	if !ok {
		return 0, false
	}
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if len(fields) == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	return n, err == nil
}

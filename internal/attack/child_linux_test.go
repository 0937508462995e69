package attack_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// The server under attack is a process of its own, this test binary started once
// more: what is measured is the server's alone, and one that hangs can be ended.
// It is driven by a line of JSON for each request, on its standard input, and
// answers on its standard output; its log goes to standard error.

const childEnv = "WHERRY_ATTACKED"

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(childEnv) != "" {
		bound()
		if err := attacked(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "attacked:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// bound keeps what an attack that succeeds does to the machine within limits.
func bound() {
	for resource, most := range map[int]uint64{syscall.RLIMIT_AS: 8 << 30, syscall.RLIMIT_CPU: uint64(30 * 61 * (1 + window().Seconds()))} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			fmt.Fprintln(os.Stderr, "attacked: a limit:", err)
		}
	}
}

// A request is what the tests ask of the attacked process.
type request struct {
	Op      string       // "serve", "figures", "settle", "admit", "reload"
	Tenants []tenantSpec // serve
	File    string       // admit, reload: a module
	Tenant  string       // reload
}

// A tenantSpec is a tenant with a route of its name. The victim has no file.
type tenantSpec struct {
	Name   string
	File   string
	Limits runtime.Limits
}

// An answer is what the attacked process says.
type answer struct {
	Error string
	Addr  string // serve

	// figures, settle
	RSS      int           // bytes
	PeakRSS  int           // bytes, since the last settle
	Pause    time.Duration // the longest since the last settle
	Files    int           // descriptors
	Conns    int           // of the server
	Routines int

	// admit, and Took of reload
	Rule      string
	Detail    string
	Took      time.Duration
	Allocated uint64 // bytes
}

// attacked serves until in ends.
func attacked(in io.Reader, out io.Writer) error {
	var srv *runtime.Server
	pauses := newPauseMeter()
	// The collector runs all the time, or its pauses would not be met.
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			goruntime.GC()
		}
	}()
	requests, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var r request
		if err := requests.Decode(&r); err != nil {
			if srv != nil {
				ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				defer cancel()
				srv.Shutdown(ctx)
			}
			return nil
		}
		var a answer
		var err error
		switch r.Op {
		case "serve":
			srv, a.Addr, err = serveAttacked(r.Tenants)
		case "settle":
			debug.FreeOSMemory()
			// Writing 5 resets the peak (proc_pid_clear_refs(5)).
			err = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
			pauses.longest()
			a.figures(srv)
		case "figures":
			a.figures(srv)
			a.Pause = pauses.longest()
		case "admit":
			err = a.admit(r.File)
		case "reload":
			err = a.reload(srv, r.Tenant, r.File)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

func serveAttacked(specs []tenantSpec) (*runtime.Server, string, error) {
	config := runtime.Config{Loops: 1, Dedicated: true, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	for _, spec := range specs {
		module := guests.Echo()
		if spec.File != "" {
			var err error
			if module, err = os.ReadFile(spec.File); err != nil {
				return nil, "", err
			}
		}
		config.Tenants = append(config.Tenants, runtime.Tenant{Name: spec.Name, Module: module, Limits: spec.Limits})
		config.Routes = append(config.Routes, runtime.Route{Pattern: "/" + spec.Name, Tenant: spec.Name})
	}
	srv, err := runtime.New(config)
	if err != nil {
		return nil, "", err
	}
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	return srv, addr.String(), nil
}

// figures reads what the kernel and the Go runtime know of this process.
func (a *answer) figures(srv *runtime.Server) {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		var kib int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			a.RSS = kib << 10
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			a.PeakRSS = kib << 10
		}
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	a.Files = len(entries)
	a.Routines = goruntime.NumGoroutine()
	if srv != nil {
		a.Conns = srv.Stats().Conns
	}
}

// admit has a host of its own look at a module, in the process that serves, and
// measures what the refusal costs.
func (a *answer) admit(file string) error {
	wasm, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	host, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		return err
	}
	defer host.Close()
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	start := time.Now()
	m, err := host.Compile(wasm)
	a.Took = time.Since(start)
	goruntime.ReadMemStats(&after)
	a.Allocated = after.TotalAlloc - before.TotalAlloc
	var refusal *wasmhost.AdmissionError
	switch {
	case err == nil:
		m.Close()
	case errors.As(err, &refusal):
		a.Rule, a.Detail = string(refusal.Rule), refusal.Detail
	default:
		return err
	}
	return nil
}

// reload deploys a module to a tenant.
func (a *answer) reload(srv *runtime.Server, tenant, file string) error {
	wasm, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	start := time.Now()
	err = srv.Reload(tenant, wasm)
	a.Took = time.Since(start)
	return err
}

// A pauseMeter tells the longest pause of the garbage collector since it was asked
// last.
type pauseMeter struct {
	sample []metrics.Sample
	counts []uint64
}

func newPauseMeter() *pauseMeter {
	m := &pauseMeter{sample: []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}}
	m.longest()
	return m
}

// longest is exact to the width of the histogram's buckets, of which it takes the
// lower end.
func (m *pauseMeter) longest() (longest time.Duration) {
	metrics.Read(m.sample)
	h := m.sample[0].Value.Float64Histogram()
	for i, n := range h.Counts {
		if (m.counts == nil || n > m.counts[i]) && n > 0 && !math.IsInf(h.Buckets[i], 0) {
			longest = time.Duration(h.Buckets[i] * float64(time.Second))
		}
	}
	m.counts = append(m.counts[:0], h.Counts...)
	return longest
}

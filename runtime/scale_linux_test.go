//go:build amd64

// Emulated, the memory of the system is the emulator's: so only where that is not needed.

package runtime_test

import (
	"fmt"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// residentBytes is the memory that the process has of the system, after what Go
// holds on to was given back.
func residentBytes(t *testing.T) int {
	t.Helper()
	goruntime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestManyTenants deploys many tenants with a guest each, connects to some, and
// prints what that costs; -v shows it. Of times only their order is asserted.
func TestManyTenants(t *testing.T) {
	tenants, live := 500, 100
	if os.Getenv("WHERRY_LONG") != "" {
		tenants, live = 10_000, 1_000
	}
	config := runtime.Config{Loops: 1}
	for i := range tenants {
		name := "t" + itoa(i)
		config.Tenants = append(config.Tenants, runtime.Tenant{Name: name, Module: guests.Echo()})
		config.Routes = append(config.Routes, runtime.Route{Pattern: "/" + name, Tenant: name})
	}
	before := residentBytes(t)
	began := time.Now()
	s := serve(t, config)
	deploy := time.Since(began)
	deployed := residentBytes(t)

	var first []time.Duration
	connect := func(from, to int) (clients []*client) {
		for i := from; i < to; i++ {
			began := time.Now()
			c := s.dial(t, "/t"+itoa(i))
			c.echoes(ws.OpText, []byte("hello"))
			first = append(first, time.Since(began))
			clients = append(clients, c)
		}
		return clients
	}
	clients := connect(0, live/5) // what is there once is not an instance's
	some := residentBytes(t)
	clients = append(clients, connect(live/5, live)...)
	all := residentBytes(t)
	each := float64(all-some) / float64(live-live/5)
	slices.Sort(first)
	median, late := first[len(first)/2], first[len(first)*99/100]

	for _, c := range clients {
		c.Close()
	}
	stop(s.Server)
	config, clients, s = runtime.Config{}, nil, nil
	after := residentBytes(t)

	t.Logf("%d tenants deployed in %v, %v and %d bytes each", tenants, deploy.Round(time.Millisecond), deploy/time.Duration(tenants), (deployed-before)/tenants)
	t.Logf("%d with an instance and a connection: %.1f KiB each, both ends of the connection included", live, each/1024)
	t.Logf("from dialling to the first reply: median %v, p99 %v", median, late)
	t.Logf("MiB: %s before, %s deployed, %s with instances, %s after Shutdown", mib(before), mib(deployed), mib(all), mib(after))
	if each > 80<<10 {
		t.Errorf("an instance, a connection and its client take %.0f bytes; want at most 80 KiB", each)
	}
	if kept := after - before; kept > 8<<20+tenants*2048 { // the harness holds the server, with its tenants, until the test ends
		t.Errorf("%s MiB were not given back", mib(kept))
	}
}

func mib(n int) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }

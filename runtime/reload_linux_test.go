//go:build amd64

// Emulated, the memory of the system is the emulator's: so only where that is not needed.

package runtime_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/runtime"
)

// openFiles counts the process's descriptors.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// another returns one of eight modules that do the same, of which none has the code
// of another: they differ in how much memory they start with.
func another(t *testing.T, wasm []byte, n int) []byte {
	t.Helper()
	header := []byte{5, 3, 1, 0} // the memory section, with a minimum of one byte that follows
	at := bytes.Index(wasm, header)
	if at < 0 || wasm[at+len(header)] > 100 {
		t.Fatal("the module has no memory section to change")
	}
	wasm = bytes.Clone(wasm)
	wasm[at+len(header)] += byte(n % 8)
	return wasm
}

// TestReloadsLeaveNothing replaces one tenant's module, which is compiled each time,
// under a connection that stays: what the process has of the
// system is the same after all of that as after a part of it.
func TestReloadsLeaveNothing(t *testing.T) {
	reloads := 100
	if os.Getenv("WHERRY_LONG") != "" {
		reloads = 10_000
	}
	wasm := readGuest(t, "puppet-resume")
	s := serve(t, runtime.Config{
		Tenants: []runtime.Tenant{resuming(t)},
		Routes:  []runtime.Route{{Pattern: "/", Tenant: "test"}},
		Loops:   1,
	})
	c := s.dial(t, "/")
	c.SetDeadline(time.Time{})
	var early, files int
	began := time.Now()
	for i := range reloads {
		if i == reloads/4 {
			early, files = residentBytes(t), openFiles(t)
		}
		if err := s.Reload("test", another(t, wasm, i)); err != nil {
			t.Fatal(err)
		}
		c.echoes(ws.OpText, []byte("still here"))
	}
	each := time.Since(began) / time.Duration(reloads)
	late, left := residentBytes(t), openFiles(t)
	t.Logf("%d reloads, %v each: %s MiB and %d descriptors after a quarter, %s and %d after all", reloads, each.Round(time.Microsecond), mib(early), files, mib(late), left)
	if late > early+2<<20 || left > files {
		t.Errorf("%s MiB and %d descriptors were left", mib(late-early), left-files)
	}
}

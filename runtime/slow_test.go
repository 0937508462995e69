package runtime_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// serveDropping has one tenant at "/", whose slow clients lose messages.
func serveDropping(t *testing.T, tenant runtime.Tenant, loops int) *testServer {
	tenant.Name, tenant.Limits = "test", runtime.Limits{SendBytes: 64 << 10}
	return serve(t, runtime.Config{
		Tenants: []runtime.Tenant{tenant},
		Routes:  []runtime.Route{{Pattern: "/{path...}", Tenant: "test", Placement: runtime.PerLoop, Slow: runtime.DropSlow}},
		Loops:   loops,
	})
}

// TestDropOwnSends: what a guest sends to a client that does not read is refused,
// whether it wants to hear of the drain or not, and the connection stays.
func TestDropOwnSends(t *testing.T) {
	for _, guest := range []string{"puppet", "puppet-small"} {
		t.Run(guest, func(t *testing.T) {
			const sends = 500 // the kernel takes a few MiB
			s := serveDropping(t, runtime.Tenant{Module: readGuest(t, guest)}, 1)
			o := s.observe(t, "/")
			c := s.dial(t, "/")
			began := time.Now()
			o.seesKind(abi.Connect)
			c.command(command{Record: abi.Record{Kind: puppetRepeat, Code: sends}}, command{Record: abi.Record{Kind: abi.Message, Len: 60_000, Token: 8}})
			faults := 0
			for dropped := 1; faults < dropped; faults++ {
				e := o.seesKind(abi.Fault)
				if e.Code != uint32(abi.WouldBlock) || e.Token != 8 {
					t.Fatalf("the guest sees %v, want would_block", e)
				}
				dropped = int(s.Stats().Dropped) // all sends were in the turn before
			}
			got := 0
			for ; got < sends-faults; got++ {
				if _, p := c.receive(); len(p) != 60_000 {
					t.Fatalf("message %d has %d bytes", got, len(p))
				}
			}
			c.closes(1000, "") // nothing more was queued, and it works
			most := int(time.Since(began)/time.Second) + 1
			if n := s.logged("error=slow_reader"); n < 1 || n > most {
				t.Errorf("%d lines, want 1 to %d", n, most)
			}
			if n := s.logs.count("dropped=" + itoa(faults)); n < 1 {
				t.Errorf("the access line does not say that %d messages were dropped", faults)
			}
		})
	}
}

// TestDropPublished: a member that takes nothing loses publications and stays a
// member; the others get everything.
func TestDropPublished(t *testing.T) {
	for _, loops := range []int{1, 2} {
		for _, bytesEach := range []int{12_000, 60_000} { // below what is shared and above
			t.Run(itoa(loops)+" "+itoa(bytesEach), func(t *testing.T) {
				s := serveDropping(t, runtime.Tenant{Handler: chatHandler.handle}, loops)
				slow, quick := s.join(t, "a", 1)[0], s.join(t, "a", 3)
				line := strings.Repeat("x", bytesEach)
				sent := 0
				for ; sent*bytesEach < 16<<20; sent++ {
					quick[0].say("say a " + line)
					for _, c := range quick {
						c.expect(line)
					}
				}
				// Whoever is on the slow one's loop got the last one behind it.
				dropped := int(s.Stats().Dropped)
				if dropped == 0 {
					t.Error("a client that does not read got everything")
				}
				for range sent - dropped {
					slow.expect(line)
				}
				quick[0].say("say a done")
				for _, c := range append(quick, slow) {
					c.expect("done")
				}
			})
		}
	}
}

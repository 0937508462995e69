package attack_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/runtime"
)

// windowFlag is how long an attack goes on.
var windowFlag = flag.Duration("attack.window", 0, "how long each attack goes on (700ms, or 60s with WHERRY_LONG=1)")

// What a victim of an attack must not notice, and what the process must keep.
const (
	attackerConns = 50
	killBudget    = 10 * time.Millisecond // of a turn, by default
	longestPause  = 25 * time.Millisecond
	rssSlack      = 32 << 20
	instanceBytes = 16 << 20 // A's quota: the memory of an instance
)

func long() bool { return os.Getenv("WHERRY_LONG") != "" }

// raceEnabled reports whether this is the race detector's build. It finds races
// then, and how long things take and how much they need means nothing.
func raceEnabled() bool {
	build, _ := debug.ReadBuildInfo()
	return slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// window is how long attacks go on.
func window() time.Duration {
	switch {
	case *windowFlag > 0:
		return *windowFlag
	case long():
		return time.Minute
	}
	return 700 * time.Millisecond
}

// noise is what an attack cannot be blamed for. A short window has so few messages
// that a machine with two cores and other work is seen in its 99th percentile, and a
// pause is as long as the machine makes it: so the short suite looks at a second
// server at the same time, which nobody attacks. A minute's window has to do without.
func noise(of time.Duration) time.Duration {
	if long() {
		return 0
	}
	return of
}

// tries is how often a row may fail for its delays and pauses alone: the short
// suite tells what an attack does each time from what the machine did once.
func tries() int {
	if long() {
		return 1
	}
	return 3
}

// An attack is a row of the table.
type attack struct {
	id, name string
	guest    string         // of testdata; "villain" if it is empty
	limits   runtime.Limits // of the attacker
	quota    int            // bytes that the attacker may take beside an instance's memory
	absent   string         // why there is nothing to attack
	missing  string         // what is not there yet, so that it would succeed
	run      func(*arena) (outcome string)
}

// attacks is the whole table, in its order.
func attacks() []attack {
	return slices.Concat(cpuAttacks(), memoryAttacks(), bufferAttacks(), outputAttacks(), linkAttacks())
}

// An arena is where an attack is run: the server, the victim, and the attacker's
// tenant, which is new.
type arena struct {
	*testing.T
	*server
	victim *victim
	tenant string
	window time.Duration
	began  time.Time

	problems []string
	conns    []*client // closed when the attack is over
}

// problem notes what does not hold. It does not end the attack.
func (a *arena) problem(format string, args ...any) {
	if len(a.problems) < 10 {
		a.problems = append(a.problems, fmt.Sprintf(format, args...))
	}
}

// illegalOnly notes err where it is about what was on the wire.
func (a *arena) illegalOnly(err error) {
	if errors.Is(err, errIllegal) {
		a.problem("%v", err)
	}
}

// connect opens a connection of the attacker's, with a query such as "?wait".
func (a *arena) connect(query string) (*client, error) {
	c, err := a.dial("/"+a.tenant+query, "")
	a.illegalOnly(err)
	if err == nil {
		a.conns = append(a.conns, c)
	}
	return c, err
}

// connectAll opens the attacker's connections; those that are refused are missing.
func (a *arena) connectAll() (conns []*client) {
	for range attackerConns {
		if c, err := a.connect(""); err == nil {
			conns = append(conns, c)
		}
	}
	return conns
}

// must opens a connection that has to be there.
func (a *arena) must(query string) *client {
	c, err := a.connect(query)
	if err != nil {
		a.problem("cannot connect: %v", err)
		panic(giveUp{})
	}
	return c
}

// giveUp ends an attack that cannot go on; why is a problem already.
type giveUp struct{}

// check notes an error, and ends the attack.
func (a *arena) check(what string, err error) {
	if err != nil {
		a.problem("%s: %v", what, err)
		panic(giveUp{})
	}
}

// leave closes all connections of the attacker's.
func (a *arena) leave() {
	for _, c := range a.conns {
		c.Close()
	}
	a.conns = nil
}

// TestAttacks runs each attack beside the victim, on the one loop of one server,
// and prints a line for it.
func TestAttacks(all *testing.T) {
	var s, control *server
	var v, bystander *victim
	table := attacks()
	for _, row := range table {
		all.Run(row.id+"_"+row.name, func(t *testing.T) {
			if row.absent != "" {
				t.Skipf("%s %-22s does not apply: %s", row.id, row.name, row.absent)
			}
			if row.missing != "" {
				t.Skipf("%s %-22s is not defended against yet: %s", row.id, row.name, row.missing)
			}
			if control == nil {
				control = startServer(all, tenants(nil))
				bystander = startVictim(all, control, "/victim", victimConns/4)
			}
			if s == nil {
				s = startServer(all, tenants(table))
				v = startVictim(all, s, "/victim", victimConns)
			}
			for try := range tries() {
				mark := s.logs.mark()
				r := row.play(t, &stage{s, control, v, bystander}, tenantOf(row, try))
				t.Log(r.line)
				if r.dead {
					// Whatever comes next gets a process that works.
					s.cmd.Process.Kill()
				}
				if len(r.problems) == 0 {
					return
				}
				log := s.logs.since(mark)
				if r.dead {
					s, v = nil, nil
				}
				if !r.unsteady || try == tries()-1 {
					t.Errorf("%s\nthe server says:\n%.3000s", strings.Join(r.problems, "\n"), log)
					return
				}
			}
		})
	}
}

// tenants are the victim's and those of each attack: one for each try, so that it
// meets a guest that has not been attacked yet.
func tenants(table []attack) []tenantSpec {
	specs := []tenantSpec{{Name: "victim"}}
	for _, row := range table {
		if row.absent != "" || row.missing != "" {
			continue
		}
		for try := range tries() {
			specs = append(specs, tenantSpec{Name: tenantOf(row, try), File: guestFile(row.guest), Limits: row.limits})
		}
	}
	return specs
}

func tenantOf(row attack, try int) string { return fmt.Sprintf("%s.%d", strings.ToLower(row.id), try) }

func guestFile(guest string) string {
	if strings.HasPrefix(guest, "puppet") {
		return filepath.Join("..", "..", "runtime", "testdata", guest+".wasm")
	}
	return filepath.Join("testdata", cmp.Or(guest, "villain")+".wasm")
}

// A result is how an attack went.
type result struct {
	line     string
	problems []string
	unsteady bool // the problems are delays and pauses alone, which another try may not see
	dead     bool // the server has ended or hangs
}

// A stage is a server with its victim, and one that is left alone.
type stage struct {
	attacked, control *server
	victim, bystander *victim
}

// play runs an attack and holds what it did against the victim rule.
func (row attack) play(t *testing.T, on *stage, tenant string) (r result) {
	s, v := on.attacked, on.victim
	fail := func(err error) result {
		r.problems, r.dead = append(r.problems, err.Error()), true
		r.line = fmt.Sprintf("%s %-22s %v  FAILED", row.id, row.name, err)
		return r
	}
	before, err := s.ask(request{Op: "settle"})
	if err != nil {
		return fail(err)
	}
	// How the victim fares by itself.
	from := v.now()
	time.Sleep(min(window()/3, 5*time.Second)) // the length of a measurement
	if err := v.catchUp(); err != nil {
		return fail(fmt.Errorf("the victim, before the attack: %w", err))
	}
	start := v.now()
	alone, _ := v.p99(from, start)
	for _, each := range []*server{s, on.control} {
		if _, err := each.ask(request{Op: "settle"}); err != nil {
			return fail(err)
		}
	}

	a := &arena{T: t, server: s, victim: v, tenant: tenant, window: window(), began: time.Now()}
	outcome := a.perform(row.run)
	if left := a.window/3 - (v.now() - start); left > 0 {
		time.Sleep(left) // what comes after it counts as well, and there is enough to measure
	}
	victimErr := v.catchUp()
	p99, _ := v.p99(start, v.now())
	elsewhere, _ := on.bystander.p99(on.bystander.at(v, start), on.bystander.now())
	during, err := s.ask(request{Op: "figures"})
	r.problems = a.problems
	if victimErr != nil {
		return fail(fmt.Errorf("the victim: %w (%s)", victimErr, outcome))
	}
	if err != nil {
		return fail(fmt.Errorf("%w (%s)", err, outcome))
	}
	a.leave()
	unattacked, err := on.control.ask(request{Op: "figures"})
	if err != nil {
		return fail(err)
	}
	after, err := s.settled(before)
	if err != nil {
		return fail(err)
	}

	quota := instanceBytes + row.quota
	if grown := during.PeakRSS - before.RSS; grown > quota+rssSlack {
		r.problems = append(r.problems, fmt.Sprintf("memory grew by %s, the quota is %s", mib(grown), mib(quota)))
	}
	if left := after.RSS - before.RSS; left > instanceBytes+rssSlack {
		r.problems = append(r.problems, fmt.Sprintf("%s of memory stayed", mib(left)))
	}
	if after.Files > before.Files || after.Conns > before.Conns {
		r.problems = append(r.problems, fmt.Sprintf("%d descriptors and %d connections are left, of %d and %d before",
			after.Files, after.Conns, before.Files, before.Conns))
	}
	r.unsteady = len(r.problems) == 0
	base := max(alone, noise(elsewhere))
	if p99 > max(3*base, base+10*time.Millisecond) {
		r.problems = append(r.problems, fmt.Sprintf("the victim's p99 is %v, before it was %v, and elsewhere %v", p99, alone, elsewhere))
	}
	if during.Pause > longestPause+noise(unattacked.Pause) {
		r.problems = append(r.problems, fmt.Sprintf("the longest pause was %v, and elsewhere %v", during.Pause, unattacked.Pause))
	}
	if r.unsteady && raceEnabled() {
		r.problems = nil
	}
	verdict := "ok"
	if len(r.problems) > 0 {
		verdict = "FAILED"
	}
	r.line = fmt.Sprintf("%s %-22s %s  v_p99 %.1f ms (%.1fx of %.1f)  rss %+.1f MiB  pause %.1f ms  %s",
		row.id, row.name, outcome, ms(p99), float64(p99)/float64(max(base, 1)), ms(base),
		float64(during.PeakRSS-before.RSS)/(1<<20), ms(during.Pause), verdict)
	return r
}

// perform runs the attack, up to where it cannot go on.
func (a *arena) perform(run func(*arena) string) (outcome string) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(giveUp); !ok {
				panic(v)
			}
			outcome = "given up"
		}
	}()
	return run(a)
}

// settled waits until what belonged to the attacker's connections has gone.
func (s *server) settled(before answer) (after answer, err error) {
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if after, err = s.ask(request{Op: "settle"}); err != nil {
			return after, err
		}
		if after.Files <= before.Files && after.Conns <= before.Conns || time.Now().After(deadline) {
			return after, nil
		}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mib(n int) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// ---- What many attacks have in common. ----

// toldWithin is how soon the connection whose event it was hears of a trap.
const toldWithin = time.Second

// kills has the guest stopped by what poison does, again and again: the connection
// whose event it was is told, so are the others, and the next one gets a fresh
// instance.
func (a *arena) kills(reason string, poison func(*client) error) (outcome string) {
	mark := a.logs.mark()
	var killed, fresh int
	fastest := time.Duration(1<<63 - 1)
	for a.goesOn(func() bool { return fresh >= 2 }) {
		conns := a.connectAll()
		if len(conns) == 0 {
			time.Sleep(20 * time.Millisecond) // the back-off is not ended by asking
			continue
		}
		counts, err := conns[0].tell('n')
		if err != nil || len(counts) < 6 || counts[0] != 1 {
			a.problem("an instance that should be fresh says %v, %v", counts, err)
			return "no fresh instance"
		}
		fresh++
		start := time.Now()
		if err := poison(conns[0]); err != nil {
			a.problem("poison: %v", err)
			return "no attack"
		}
		for i, c := range conns {
			code, err := c.awaitClose(toldWithin)
			if i == 0 {
				fastest = min(fastest, time.Since(start))
			}
			if err != nil || code != ws.StatusInternalServerError {
				a.problem("connection %d was told %d, %v; want 1011", i, code, err)
				return "not killed"
			}
		}
		killed++
		a.leave()
	}
	a.loggedTrap(mark, reason)
	if fresh < 2 {
		a.problem("%d fresh instances, want 2 or more", fresh)
	}
	return fmt.Sprintf("killed %d times, after %.1f ms", killed, ms(fastest))
}

// loggedTrap waits until a trap of the guest's is in the log, for a reason that
// begins like this.
func (a *arena) loggedTrap(mark int, reason string) {
	pattern := regexp.MustCompile("error=guest_trapped reason=" + reason + "[a-z_]* tenant=" + regexp.QuoteMeta(a.tenant) + " ")
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if pattern.MatchString(a.logs.since(mark)) {
			return
		}
	}
	a.problem("no trap with reason %s is in the log", reason)
}

// goesOn reports whether the attack is not over: its window is not, or it has not
// come to what it is for yet, on a machine that is busy.
func (a *arena) goesOn(enough func() bool) bool {
	passed := time.Since(a.began)
	return passed < a.window || passed < a.window+patience && !enough()
}

// survives asks whether the attacker's guest still works.
func (a *arena) survives(c *client) {
	if err := c.echoes("still there"); err != nil {
		a.problem("the guest does not answer any more: %v", err)
	}
}

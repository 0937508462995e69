package attack_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// CPU and scheduling: G01 to G14.

func cpuAttacks() []attack {
	return []attack{
		{id: "G01", name: "endless_loop", run: poisoned("out_of_", 's', 0)},
		{id: "G02", name: "exponential_recursion", run: poisoned("out_of_", 'e')},
		{id: "G03", name: "call_tree", run: poisoned("out_of_", 't')},
		{id: "G04", name: "start_loops", run: startLoops},
		{id: "G05", name: "alloc_loops", run: allocLoops},
		{id: "G06", name: "memory_fill", run: poisoned("out_of_", 'f')},
		{id: "G07", name: "near_the_limit", run: nearTheLimit},
		{id: "G08", name: "loop_on_close", run: loopOnClose},
		{id: "G09", name: "hard_to_compile", quota: compileBytes, run: hardToCompile},
		{id: "G10", name: "tiny_events", run: tinyEvents},
		{id: "G11", name: "hostcalls", run: poisoned("out_of_", 'h')},
		{id: "G12", name: "sleep", run: sleeps},
		{id: "G13", name: "tail_call", run: tailCall},
		{id: "G14", name: "atomics", run: atomics},
	}
}

// poisoned kills the guest with one order.
func poisoned(reason string, letter byte, numbers ...uint32) func(*arena) string {
	return func(a *arena) string {
		return a.kills(reason, func(c *client) error { return c.send(ws.OpBinary, order(letter, numbers...)) })
	}
}

func startLoops(a *arena) string {
	loop := body(noLocals, 0x03, 0x40, 0x0c, 0, 0x0b) // loop br 0 end
	m := plain().with(loop)
	m.start = section(8, uleb(2))
	started := a.refuses("init_trapped", time.Second, m.bytes())
	m = plain().with(loop)
	m.exports = section(7, vector(append(plainExports(), export("_initialize", 0, 2))...))
	initialized := a.refuses("init_trapped", time.Second, m.bytes())
	return fmt.Sprintf("refused after %.1f ms, %.1f ms", ms(started.Took), ms(initialized.Took))
}

// large is a message that does not fit in the villain's inbox.
var large = bytes.Repeat([]byte("large"), 60_000)

func allocLoops(a *arena) string {
	return a.kills("out_of_", func(c *client) error {
		if _, err := c.tell('a', allocSpin); err != nil {
			return err
		}
		return c.send(ws.OpBinary, large)
	})
}

func loopOnClose(a *arena) string {
	return a.kills("out_of_", func(c *client) error {
		if _, err := c.tell('c', 1); err != nil {
			return err
		}
		// Who goes has nobody to tell: another one takes its place.
		leaver, err := a.connect("")
		if err != nil {
			return err
		}
		return leaver.Close()
	})
}

// nearTheLimit keeps the guest busy on all connections, each time for most of what
// an event may take.
func nearTheLimit(a *arena) string {
	rounds, took := a.calibrate()
	conns := a.connectAll()
	// How many events a turn has follows from what the last ones took, and those
	// were cheap.
	_, err := conns[0].tell('s', rounds)
	a.check("spin", err)
	var done atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for _, c := range conns {
		wg.Go(func() {
			for time.Since(start) < a.window {
				if _, err := c.tell('s', rounds); err != nil {
					a.illegalOnly(err)
					if !errors.Is(err, io.EOF) {
						a.problem("killed, though within its budget: %v", err)
					}
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	share := float64(done.Load()) * float64(took) / float64(time.Since(start))
	if done.Load() == 0 {
		a.problem("nothing was done")
	}
	return fmt.Sprintf("%d events of %.2f ms, %.0f%% of a core", done.Load(), ms(took), 100*share)
}

// calibrate finds how many rounds the guest spins for most of what an event may
// take, and how long that is.
func (a *arena) calibrate() (rounds uint32, took time.Duration) {
	// What an event leaves, a later one may have: so it is what all of many may take.
	spins := func(rounds uint32) error {
		c := a.must("")
		defer c.Close()
		for range 30 {
			if _, err := c.tell('s', rounds); err != nil {
				return err
			}
		}
		return nil
	}
	for rounds = 10_000; ; rounds += rounds / 4 {
		if err := spins(rounds); err != nil {
			a.illegalOnly(err)
			break
		}
	}
	rounds = rounds * 6 / 10
	c := a.must("")
	took = time.Hour
	for range 20 {
		start := time.Now()
		_, err := c.tell('s', rounds)
		a.check("calibrate", err)
		took = min(took, time.Since(start))
	}
	return rounds, took
}

// compileBytes is what compiling may take while it lasts.
const compileBytes = 512 << 20

// hardToCompile has the process that serves admit what takes a compiler long.
func hardToCompile(a *arena) string {
	if raceEnabled() {
		a.Skip("the race detector makes compiling ten times as long")
	}
	outcome := ""
	for _, tc := range []struct {
		what  string
		count int
		code  []byte
	}{
		{"br_table of a million", 1, slices.Concat([]byte{0x02, 0x40, 0x41, 0, 0x0e}, uleb(1_000_000), make([]byte, 1_000_001), []byte{0x0b})},
		// (drop (i32.add (i32.const 1) (i32.const 2))), 7 MiB in one function and in many.
		{"straight line", 1, bytes.Repeat([]byte{0x41, 1, 0x41, 2, 0x6a, 0x1a}, 7<<20/6)},
		// What comes before what, and what is in which loop.
		{"loops", 1, bytes.Repeat([]byte{0x03, 0x40, 0x41, 0, 0x0d, 0, 0x0b}, 20_000)},
		{"ifs", 1, bytes.Repeat([]byte{0x41, 0, 0x04, 0x40, 0x0b}, 100_000)},
		{"br_ifs", 1, slices.Concat([]byte{0x02, 0x40}, bytes.Repeat([]byte{0x41, 0, 0x0d, 0}, 50_000), []byte{0x0b})},
		// All that a module may have of what takes the engine longest, for its size.
		{"calls", 1, bytes.Repeat([]byte{0x10, 2}, 130_000)},
		{"more calls", 30, bytes.Repeat([]byte{0x10, 2}, 130_000)},
		{"7 MiB of straight lines", 28, bytes.Repeat([]byte{0x41, 1, 0x41, 2, 0x6a, 0x1a}, (256<<10-16)/6)},
	} {
		r := a.admission(plain().with(slices.Repeat([][]byte{body(noLocals, tc.code...)}, tc.count)...).bytes())
		if r.Took > 5*time.Second {
			a.problem("%s: admission took %v", tc.what, r.Took)
		}
		outcome += fmt.Sprintf("%s %s %.0f ms %s; ", tc.what, cmp.Or(r.Rule, "admitted"), ms(r.Took), mib(int(r.Allocated)))
	}
	return outcome[:len(outcome)-2]
}

// tinyEvents sends messages of four bytes as fast as they are taken, up to half a
// million a second.
func tinyEvents(a *arena) string {
	batch := bytes.Repeat(clientFrame(ws.OpText, []byte("tiny")), 1000)
	conns := a.connectAll()
	if len(conns) < attackerConns {
		a.problem("%d connections, want %d", len(conns), attackerConns)
	}
	var sent, received atomic.Int64
	var writers, readers sync.WaitGroup
	end := time.Now().Add(a.window)
	for _, c := range conns {
		writers.Go(func() {
			c.SetDeadline(end)
			tick := time.NewTicker(time.Second / 10)
			defer tick.Stop()
			for ; time.Now().Before(end); <-tick.C {
				if _, err := c.Write(batch); err != nil {
					return // back-pressure: it is the end
				}
				sent.Add(1000)
			}
		})
		readers.Go(func() {
			buf := make([]byte, 64<<10)
			for {
				n, err := c.Read(buf)
				received.Add(int64(n / 6))
				if err != nil {
					return
				}
			}
		})
	}
	writers.Wait()
	for _, c := range conns {
		c.SetDeadline(time.Now())
	}
	readers.Wait()
	if received.Load() == 0 {
		a.problem("nothing was echoed")
	}
	return fmt.Sprintf("%.0f k/s sent, %.0f k/s echoed", float64(sent.Load())/a.window.Seconds()/1e3, float64(received.Load())/a.window.Seconds()/1e3)
}

// sleeps asks WASI to wait: it does not, and who insists is stopped.
func sleeps(a *arena) string {
	c := a.must("")
	start := time.Now()
	_, err := c.tell('z', 1)
	a.check("sleep", err)
	if took := time.Since(start); took > patience/2 {
		a.problem("a poll of an hour took %v", took)
	}
	a.check("poison", c.send(ws.OpBinary, order('T'))) // so that the next instance is fresh
	if _, err := c.awaitClose(toldWithin); err != nil {
		a.problem("%v", err)
	}
	return poisoned("(out_of_|blocked)", 'z', 0)(a)
}

func tailCall(a *arena) string {
	// return_call 2
	r := a.refuses("feature_off", admissionTime, plain().with(body(noLocals, 0x12, 2)).bytes())
	return verdict(r)
}

func atomics(a *arena) string {
	// memory.atomic.wait32 of address 0, value 0, for ever.
	wait := body(noLocals, 0x41, 0, 0x41, 0, 0x42, 0x7f, 0xfe, 0x01, 2, 0, 0x1a)
	r := a.refuses("feature_off", admissionTime, plain().with(wait).bytes())
	m := plain()
	m.memories = section(5, vector([]byte{3, 1, 1})) // a shared memory
	a.refuses("feature_off", admissionTime, m.bytes())
	return verdict(r)
}

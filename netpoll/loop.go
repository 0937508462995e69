package netpoll

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// Config configures a loop. A zero field takes the default in parentheses.
type Config struct {
	ReceiveBytes int                  // size of the one receive buffer (256 KiB)
	HeadTimeout  time.Duration        // from accept to a complete head (5 s)
	Head         wshead.Limits        // bounds of a request head, which is never over 32 KiB
	Clock        func() time.Duration // monotonic; the real one

	// Dedicated has the loop keep its thread and the processor of Go's scheduler that
	// goes with it while it waits, for up to 10 ms behind a turn that had something to
	// do: other goroutines do without that processor, and the collector interrupts the
	// wait when it wants to stop the world. It is for a process that is there for its
	// loops and has more processors than those.
	Dedicated bool
}

// Stats counts what a loop did since it started.
type Stats struct {
	Turns, Waits, Reads, Writes, Accepts uint64
	Conns                                int // slots that are taken
}

// A Loop is one goroutine that polls, reads, writes, and owns its connections.
type Loop struct {
	config Config
	driver Driver

	// Owned by the loop goroutine; no lock.
	poller    poller
	conns     table
	wheel     wheel
	pool      pool
	stats     Stats
	tick      tick
	started   time.Duration
	crowded   bool // the last wait brought several reports
	brisk     bool // and this one any
	listeners []listener
	reserve   int      // a descriptor to give up when there are none left
	dirty     []*Conn  // to flush at the end of the turn
	again     []*Conn  // accepted with early bytes that wait in the spill
	dead      []*Conn  // to free at the end of the turn
	extras    []*extra // free
	queues    []*sendQueue
	inflaters []*wsdeflate.Inflater
	deflaters map[*wsdeflate.Config]*wsdeflate.Deflater
	more      bool          // the driver has more to deliver
	alarm     time.Duration // when Deliver must be called at the latest; 0: whenever
	drain     drain
	drained   func() // to be called when there are no connections left
	stepped   bool   // the clock stands still while the loop waits

	// Scratch of the read and write paths.
	ready    [readyMax]ready
	rx       []byte // headroom, then the receive buffer
	iov      [gatherMax]iovec
	item     wsframe.Item
	frames   wsframe.Reader // of the connection that is being fed
	inflater wsdeflate.Inflater
	lines    []byte // header lines
	head     wshead.Head
	incoming Incoming
	received []byte // while a head is routed: every byte of the connection

	// Any goroutine.
	mu      sync.Mutex
	posted  []func()    // Guarded by mu.
	running bool        // Guarded by mu. False before Run and after Stop took effect.
	waiting bool        // Guarded by mu. The loop blocks, or is about to.
	pending atomic.Bool // posted is not empty: spares every turn the lock
	done    chan struct{}
	stop    bool // Owned by the loop goroutine.
}

// New returns a loop that works for driver. Run starts it.
func New(config Config, driver Driver) (*Loop, error) {
	if config.ReceiveBytes == 0 {
		config.ReceiveBytes = 256 << 10
	}
	if config.HeadTimeout == 0 {
		config.HeadTimeout = 5 * time.Second
	}
	config.Head.HeadBytes = min(config.Head.HeadBytes, headroom) // a part of one is kept as a spill
	if config.Clock == nil {
		start := time.Now()
		config.Clock = func() time.Duration { return time.Since(start) }
	}
	l := &Loop{
		config:  config,
		driver:  driver,
		rx:      make([]byte, headroom+config.ReceiveBytes),
		reserve: -1,
		running: true,
		done:    make(chan struct{}),

		deflaters: make(map[*wsdeflate.Config]*wsdeflate.Deflater),
	}
	l.conns.loop = l
	l.started = config.Clock()
	if err := l.poller.open(); err != nil {
		return nil, err
	}
	l.reserve = openReserve()
	return l, nil
}

// Run runs the loop on the calling goroutine until Stop. Its connections are
// then closed without ceremony.
func (l *Loop) Run() error {
	// Raw system calls and a thread of its own belong together: the scheduler
	// could not take the thread away during one anyway.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var err error
	for !l.stop && err == nil {
		err = l.turn(true)
	}
	l.shut()
	return err
}

// Discard releases a loop that Run will not be called for.
func (l *Loop) Discard() { l.shut() }

// Post runs f on the loop, after what was posted before. Any goroutine may call
// it. It reports whether f will run: a loop that has stopped runs nothing.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	if !l.running {
		l.mu.Unlock()
		return false
	}
	defer l.mu.Unlock()
	l.posted = append(l.posted, f)
	l.pending.Store(true)
	if l.waiting {
		l.waiting = false
		l.poller.wake()
	}
	return true
}

// Stop ends Run, which must have been called or be about to, and returns when it
// has ended. Any other goroutine may call it.
func (l *Loop) Stop() {
	l.Post(func() { l.stop = true })
	<-l.done
}

// Stats returns what the loop counted. To be called on the loop.
func (l *Loop) Stats() Stats {
	l.stats.Conns = l.conns.used
	return l.stats
}

// turn waits, reads, delivers, writes and frees, each once.
func (l *Loop) turn(block bool) error {
	n, err := l.wait(block)
	if err != nil {
		return err
	}
	l.stats.Turns++
	l.crowded, l.brisk = n > 1, n > 0
	l.tick = tick((l.config.Clock() - l.started) / tickLength)
	for _, r := range l.ready[:n] {
		l.handle(r)
	}
	l.ring()
	l.runPosted()
	l.wheel.advance(l.tick, (*Conn).expired)
	l.deliver()
	for len(l.again) > 0 {
		l.readEarly()
		l.deliver()
	}
	l.flushDirty()
	l.freeDead()
	return nil
}

// deliver lets the driver act. What a write finds out while it does, or later in
// the turn, it has to hear of in another turn without a wait: finish sees to that.
func (l *Loop) deliver() {
	l.more = false
	l.more = l.driver.Deliver() || l.more
}

// wait blocks for reports, if there is nothing to do without them. Where there were
// several the last time, it polls before it does: what is found at once need not be
// told to the scheduler.
func (l *Loop) wait(block bool) (int, error) {
	busy := !block || l.more || len(l.dirty) > 0
	if busy || l.crowded {
		l.stats.Waits++
		n, err := l.poller.wait(l.ready[:], 0, false)
		if n > 0 || err != nil || busy {
			return n, err
		}
	}
	l.mu.Lock()
	l.waiting = len(l.posted) == 0
	idle := l.waiting
	l.mu.Unlock()
	l.stats.Waits++
	if !idle {
		return l.poller.wait(l.ready[:], 0, false)
	}
	return l.poller.wait(l.ready[:], l.patience(), l.config.Dedicated && l.brisk)
}

func (l *Loop) handle(r ready) {
	if n, ok := r.id.listener(); ok {
		if n < len(l.listeners) {
			l.accept(l.listeners[n])
		}
		return
	}
	c := l.conns.find(r.id)
	if c == nil {
		return // it ended earlier in this turn
	}
	if r.readable && c.is(paused) {
		c.vanish() // not watched for reading, so it is broken
		return
	}
	if r.readable {
		c.read() // first: a close frame may lie in front of the reset that a write would find
	}
	if r.writable && c.phase != closed {
		c.unblocked()
	}
}

func (l *Loop) runPosted() {
	if !l.pending.Load() {
		return
	}
	l.mu.Lock()
	posted := l.posted
	l.posted, l.waiting = nil, false
	l.pending.Store(false)
	l.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

func (l *Loop) readEarly() {
	again := l.again
	l.again = nil
	for _, c := range again {
		c.feedEarly()
	}
}

// flushDirty writes what the turn has queued: one write for each connection,
// unless it is much.
func (l *Loop) flushDirty() {
	for i := 0; i < len(l.dirty); i++ { // a flush may report an end and list others
		c := l.dirty[i]
		c.flags &^= listed
		if c.phase != closed && !c.is(wantWrite) {
			c.flush()
			c.settle()
		}
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
}

// bury lets a connection's slot be taken again after this turn.
func (l *Loop) bury(c *Conn) { l.dead = append(l.dead, c) }

func (l *Loop) freeDead() {
	for i, c := range l.dead {
		l.dead[i] = nil
		l.conns.free(c)
	}
	l.dead = l.dead[:0]
	if l.drained != nil && l.conns.used == 0 {
		l.drained()
		l.drained = nil
	}
}

// shut releases everything after the last turn.
func (l *Loop) shut() {
	l.mu.Lock()
	l.running = false
	posted := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range posted {
		f() // what it adopts is closed below
	}
	l.conns.each(func(c *Conn) {
		if c.phase != closed {
			c.vanish()
		}
	})
	l.driver.Deliver()
	l.Unlisten()
	closeSocket(l.reserve)
	l.poller.close()
	close(l.done)
}

func (l *Loop) takeExtra() *extra {
	if n := len(l.extras); n > 0 {
		x := l.extras[n-1]
		l.extras = l.extras[:n-1]
		return x
	}
	return new(extra)
}

// freeMax is how many extras and queues a loop keeps for later.
const freeMax = 256

func (l *Loop) giveExtra(x *extra) {
	l.giveInflater(x)
	l.pool.put(x.spill)
	l.pool.put(x.protocols)
	if len(l.extras) < freeMax {
		*x = extra{}
		l.extras = append(l.extras, x)
	}
}

func (l *Loop) takeQueue() *sendQueue {
	if n := len(l.queues); n > 0 {
		q := l.queues[n-1]
		l.queues = l.queues[:n-1]
		return q
	}
	return new(sendQueue)
}

func (l *Loop) giveQueue(q *sendQueue) {
	if len(l.queues) < freeMax && cap(q.segments) <= gatherMax {
		clear(q.segments)
		*q = sendQueue{segments: q.segments[:0]}
		l.queues = append(l.queues, q)
	}
}

package runtime

import (
	"context"
	"log/slog"
	"unsafe"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A guest is a WebAssembly instance as a program.
type guest struct {
	in    *wasmhost.Instance
	info  wasmhost.Info
	loans []loan // reserved and not yet pushed
	turns bool   // it is in a turn, and not in its alloc

	commands int // of the last turn
	applied  int // of commands: how many were applied
}

// A loan is a large message's place in guest memory.
type loan struct {
	first *byte
	addr  uint32
}

// newGuest starts an instance of the module for h.
func newGuest(h *home, m *wasmhost.Module) (*guest, error) {
	g := &guest{info: m.Info()}
	var err error
	g.in, err = m.Instantiate(wasmhost.InstanceConfig{
		MemoryPages: h.tenant.limits.MemoryPages,
		Grants:      granted | sent,
		Now:         h.shard.clock,
		Stacks:      h.shard.stacks,
		TimeLimit:   h.tenant.limits.TurnTime,
		AllocFuel:   max(h.tenant.limits.EventFuel, h.tenant.limits.TurnFuel), // a collection may come with it
		Log:         h.club.logs.line,
		Flush:       func(in *wasmhost.Instance, commands int) int { return g.flush(h, commands) },
	})
	return g, err
}

// granted is the commands of this version that a guest may use: the rest is
// answered with unsupported.
var granted = abi.Ready.Bit() | abi.Accept.Bit() | abi.Message.Bit() | abi.Close.Bit() | abi.Reject.Bit() |
	abi.Subscribe.Bit() | abi.Unsubscribe.Bit() | abi.Publish.Bit() | abi.Attach.Bit() |
	abi.Timer.Bit() | abi.Respond.Bit()

// sent is the optional events of this version that there are.
var sent = abi.Writable.Bit() | abi.Resume.Bit() | abi.Stop.Bit()

func (g *guest) push(r *abi.Record, n int) ([]byte, bool) { return g.in.Push(r, n) }
func (g *guest) takeBack()                                { g.in.TakeBack() }
func (g *guest) staged() int                              { return g.in.Pending() }
func (g *guest) wants() uint32                            { return g.in.Wants() }
func (g *guest) close()                                   { g.in.Close() }
func (g *guest) largest(limit int) int                    { return g.info.LargestMessage(limit) }

func (g *guest) reserve(n int) ([]byte, error) {
	addr, err := g.in.Alloc(n)
	if err != nil || addr == 0 {
		return nil, err
	}
	b, _ := g.in.View(addr, uint32(n))
	g.loans = append(g.loans, loan{unsafe.SliceData(b), addr})
	return b, nil
}

// take removes the loan that b is from the list, and returns its address.
func (g *guest) take(b []byte) uint32 {
	for i, l := range g.loans {
		if l.first == unsafe.SliceData(b) {
			last := len(g.loans) - 1
			g.loans[i] = g.loans[last]
			g.loans = g.loans[:last]
			return l.addr
		}
	}
	panic("runtime: a message lies in memory that was not reserved for it")
}

func (g *guest) pushReserved(r *abi.Record, b []byte) bool {
	r.Data, r.Len = g.take(b), uint32(len(b))
	if g.in.PushAt(r) {
		return true
	}
	g.loans = append(g.loans, loan{unsafe.SliceData(b), r.Data})
	return false
}

func (g *guest) unreserve(b []byte) { g.in.Return(g.take(b)) }

// turn calls the guest once and applies its commands in order: as many as a slice
// has time for, and the rest when it is called again.
func (g *guest) turn(h *home) error {
	if !g.busy() {
		if err := g.enter(h); err != nil {
			return err
		}
	}
	var r abi.Record
	for g.applied < g.commands && h.shard.cost < slice {
		g.in.Command(g.applied, &r)
		g.applied++
		if status := h.apply(g, &r); status != abi.OK {
			h.fault(&r, status)
		}
	}
	return nil
}

// enter lets the guest run.
func (g *guest) enter(h *home) (err error) {
	g.turns = true
	events := g.in.Pending()
	g.commands, err = g.in.Turn(h.shard.clock, h.budget(events))
	h.pace(events, g.in.Spent())
	g.turns, g.applied = false, 0
	return err
}

func (g *guest) busy() bool { return g.applied < g.commands }

func (g *guest) wreck() wasmhost.Wreck                                { return g.in.Wreck() }
func (g *guest) salvage(f func(i int, r *abi.Record, payload []byte)) { g.in.Salvage(f) }

// flush applies the first commands of the outbox in the middle of a turn. A
// refused one has its status in its record, and comes back as a fault as well.
// The guest waits for it, so that the rest of what takes too long is refused.
//
// Outside of a turn nothing is applied: alloc is called in the middle of a read,
// whose connection must not be ended from under it.
func (g *guest) flush(h *home, commands int) (refused int) {
	if !g.turns {
		return g.flushNothing(commands)
	}
	var r abi.Record
	before := h.shard.cost
	for i := range commands {
		g.in.Command(i, &r)
		status := abi.Busy
		if h.shard.cost < flushMost {
			status = h.apply(g, &r)
		}
		g.in.SetStatus(i, status)
		if status != abi.OK {
			h.fault(&r, status)
			refused++
		}
	}
	// What the guest has the host do while it waits is work of its turn.
	g.in.Charge(fuelPerCost * (h.shard.cost - before + refusalCost*int64(refused)))
	return refused
}

// flushNothing answers a flush that may not be.
func (g *guest) flushNothing(commands int) (refused int) {
	for i := range commands {
		g.in.SetStatus(i, abi.Denied)
	}
	return commands
}

// A guestLog writes what a tenant's guests log on a loop to the server's logger, as
// many lines a second as the tenant may: they must not fill the disk.
type guestLog struct {
	logger  *slog.Logger
	club    *club
	dropped int // since the last line that was written
}

func (l *guestLog) line(level int, text []byte) {
	q := &l.club.quotas.lines
	if q.fill(l.club.shard.clock.Mono); q.empty() {
		l.dropped++
		l.club.count.linesCut.Add(1)
		return
	}
	q.use(1)
	if l.dropped > 0 {
		l.logger.Warn("guest logged too much", slog.Int("dropped", l.dropped))
		l.dropped = 0
	}
	l.logger.Log(context.Background(), slog.Level(min(max(level, 0), 3)*4)+slog.LevelDebug, "guest", slog.String("line", string(text)))
}

package wasmhost

import (
	"cmp"
	"context"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/abi"
)

// A Clock is the time that a guest sees. It stands still for a turn.
type Clock struct {
	Wall int64 // nanoseconds since the Unix epoch
	Mono int64 // nanoseconds since a moment of the caller's choice; must not run backwards
}

// startClock is the time of an instance that was given none. Its monotonic
// clock is as low as a clock that runs can be, so that no turn is before it.
func startClock() Clock { return Clock{Wall: time.Now().UnixNano(), Mono: 1} }

// InstanceConfig sets up an [Instance]. A zero field takes the default in
// parentheses.
type InstanceConfig struct {
	// MemoryPages is the most memory that the guest gets, in pages of 64 KiB;
	// the host's limit and the module's own still hold. (the host's limit)
	MemoryPages uint32
	// Grants is what the mailbox says that the guest may use: Kind.Bit of
	// commands. It is for the guest to read; nothing here enforces it. (every
	// command of this version)
	Grants uint32
	// Now is the time while the guest initialises. (the wall clock, and a
	// monotonic clock that has just started)
	Now Clock
	// InitFuel is how much the guest may do until it has initialised, and
	// AllocFuel how much for each Alloc, in units of about one instruction.
	// (500 million, and 5 million)
	InitFuel  int64
	AllocFuel int64
	// TimeLimit is how long one call of the guest may compute, whatever it has in
	// fuel: fuel is counted by the instruction, and there are some that take a
	// hundred times as long as others. It is looked at when a slice of fuel is
	// used up. To initialise, a guest has a hundred times as long. It is measured
	// on Linux only; a negative one is none, and an hour the longest. (25 ms)
	TimeLimit time.Duration
	// Log takes a line that the guest logged or printed: printable UTF-8, at
	// most 1 KiB, without a newline, valid until it returns. It runs within a
	// turn and must not block; limiting the rate is its task. (lines are
	// dropped)
	Log func(level int, line []byte)
	// Stacks is shared by the instances that one goroutine runs, to bound what they
	// take. (each keeps its stacks)
	Stacks *Stacks
	// Flush applies the first commands of the outbox in the middle of a turn:
	// it reads them with Command, answers with SetStatus and returns how many
	// were refused. It may use View. (all are refused as unsupported)
	Flush func(in *Instance, commands int) (refused int)
}

func (c InstanceConfig) withDefaults(h *Host) InstanceConfig {
	c.MemoryPages = min(cmp.Or(c.MemoryPages, h.cfg.MemoryPages), h.cfg.MemoryPages)
	c.Grants = cmp.Or(c.Grants, allCommands())
	c.Now = cmp.Or(c.Now, startClock())
	c.InitFuel = cmp.Or(c.InitFuel, 500_000_000)
	c.TimeLimit = min(cmp.Or(c.TimeLimit, 25*time.Millisecond), time.Hour)
	c.AllocFuel = cmp.Or(c.AllocFuel, 5_000_000)
	return c
}

// allCommands is the set of kinds that are commands in this version.
func allCommands() (bits uint32) {
	for _, k := range []abi.Kind{
		abi.Ready, abi.Accept, abi.Message, abi.Close, abi.Reject, abi.Timer, abi.Subscribe,
		abi.Unsubscribe, abi.Publish, abi.Attach, abi.Respond, abi.Call,
	} {
		bits |= k.Bit()
	}
	return bits
}

// A life is where an instance stands. It only ever goes back from running to
// idle.
//
//	idle ◀──▶ running ──▶ dead ──▶ closed
//	  └────────────────────────────────▲
type life uint8

const (
	idle    life = iota // between turns; the host may touch guest memory
	running             // the guest runs, or waits in a hostcall
	dead                // it has trapped; its memory is of no use
	closed              // its memory is gone
)

// An Instance is a running guest: a module with a memory of its own. It is not
// safe for concurrent use: the loop that owns it is the only one to call it.
//
// Views into its memory, from Push and View, are valid until the guest runs
// again (Turn, Alloc) or the instance is closed; using one after Close is a
// fault that kills the process.
type Instance struct {
	// The inbox between turns. Empty, with back at 0, while the guest runs and
	// when it is dead, so that nothing can be staged then.
	inbox      []byte // the host's view; the address never moves
	inboxAddr  uint32
	front      int // bytes of records staged
	back       int // offset of the payload staged last; a multiple of 8
	backBefore int // back as it was before the last Push, for TakeBack

	outbox        []byte // the host's view
	outboxRecords int    // what fits into it
	commands      int    // how many of them may be read now

	memory  guestMemory
	life    life
	waits   int          // calls that waited, in this turn
	events  int          // of the turn; of those staged, where the guest trapped outside of one
	flushed int          // index of the event at which the guest flushed last in the turn, as it says; -1 without one
	turning bool         // in Turn, or trapped there
	ran     bool         // a turn, since Stacks looked, and not its first
	turn    api.Function // the export, with its stack; nil if it has none now
	stack   [2]uint64    // arguments and results of every export, the last of which is fuel
	fuel    tank
	clock   Clock
	loans   []loan

	// Set by instantiate, never changed.
	cfg     InstanceConfig
	code    *code
	module  api.Module
	mailbox abi.Mailbox // as it was checked
	mailAt  uint32      // its address
	wants   uint32

	alloc   api.Function    // the same
	stackAt int             // its place in Stacks
	cursor  uint32          // the guest's, when it trapped
	bug     *hostPanic      // of the host, in a hostcall
	boot    context.Context // answers the engine's questions while it instantiates; nil after
	stdout  lineBuffer
	stderr  lineBuffer
	line    []byte // scratch for log
}

// guestContext is an Instance as the context of its guest's calls: never done,
// and a way for hostcalls to find it.
type guestContext Instance

var _ context.Context = (*guestContext)(nil)

func (*guestContext) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (*guestContext) Done() <-chan struct{}                   { return nil }
func (*guestContext) Err() error                              { return nil }

// Value is asked once on every call.
func (c *guestContext) Value(key any) any {
	if c.boot == nil {
		return nil
	}
	return c.boot.Value(key)
}

// View returns the n bytes at addr of guest memory, or false where they are not
// all inside it. The guest may change them when it runs again, and not before.
func (in *Instance) View(addr, n uint32) ([]byte, bool) {
	if in.life > running {
		return nil, false
	}
	return abi.View(in.memory.bytes, addr, n)
}

// Cursor returns the index of the event that the guest says it is handling, or
// said when it trapped. It is advice: the guest writes it.
func (in *Instance) Cursor() uint32 {
	if in.life > running {
		return in.cursor
	}
	box, _ := in.View(in.mailAt, abi.MailboxSize)
	var m abi.Mailbox
	m.Get(box)
	return m.Cursor
}

// Wants returns Kind.Bit of the optional events that the guest handles.
func (in *Instance) Wants() uint32 { return in.wants }

// Dead reports whether the instance has trapped or was closed.
func (in *Instance) Dead() bool { return in.life > running }

// Close releases the instance and its memory. It panics during a turn. A second
// call does nothing.
func (in *Instance) Close() {
	switch in.life {
	case closed:
		return
	case running:
		panic("wasmhost: Close during a turn")
	case idle:
		in.endLines()
	}
	in.life = closed
	in.inbox, in.outbox, in.loans = nil, nil, nil
	in.front, in.back, in.commands = 0, 0, 0
	in.turn, in.alloc = nil, nil
	if in.cfg.Stacks != nil {
		in.cfg.Stacks.remove(in)
	}
	if in.module != nil {
		// It closes without an error: the guest has no files.
		_ = in.module.Close(context.Background())
		in.module = nil
	}
	in.memory.Free() // the engine does not where it failed to build the instance
	in.code.host.discharge(in.code)
}

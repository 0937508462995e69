package wasmhost

import (
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// enter runs an export with an amount of fuel. Its argument, if it has one, and
// then its result are in in.stack; params and results say how many there are. An
// error is a *TrapError, and the instance is dead.
func (in *Instance) enter(f api.Function, fuel int64, params, results int) error {
	in.stack[params] = uint64(in.fuel.open(fuel))
	in.life = running
	if err := f.CallWithStack((*guestContext)(in), in.stack[:]); err != nil {
		return in.trapped(err)
	}
	in.life = idle
	in.fuel.close(int64(in.stack[results]))
	return nil
}

// trapped ends the life of in after the engine reported err, and returns the
// *TrapError. A bug of the host is raised again instead.
func (in *Instance) trapped(err error) error {
	if in.module != nil {
		if left := in.module.ExportedGlobal(meter.ExportFuel); left != nil {
			in.fuel.close(max(int64(left.Get()), 0))
		}
	}
	return in.die(newTrapError(err))
}

// die ends the life of in, and returns the reason.
func (in *Instance) die(reason *TrapError) error {
	in.cursor = in.Cursor()
	if !in.turning {
		in.events = in.front / abi.RecordSize
	}
	in.life = dead
	in.front, in.back, in.commands = 0, 0, 0
	// After a stack overflow the engine's stack is tens of megabytes, and it
	// belongs to the function.
	in.turn, in.alloc = nil, nil
	if in.bug != nil {
		panic(in.bug)
	}
	in.endLines()
	return reason
}

// Turn delivers the staged events with one guest call, empties the inbox and
// returns how many commands are in the outbox, to be read with Command until
// the guest runs again. The guest's clock shows now, and it may use that much
// fuel, in units of about one instruction; see Spent. The error is a
// [*TrapError], after which the instance is dead, or [ErrDead] if it was.
//
// Budget: 0 allocations, 0 locks, 0 copies (TestTurnBudget).
func (in *Instance) Turn(now Clock, fuel int64) (commands int, err error) {
	if in.life != idle {
		return 0, in.unfit("Turn")
	}
	in.ran = in.turn != nil // it has to run twice to be kept
	if !in.ran {
		in.warm()
	}
	in.clock, in.waits = now, 0
	in.events, in.flushed, in.turning = in.front/abi.RecordSize, -1, true
	in.stack[0] = uint64(in.events)
	in.front, in.back, in.commands = 0, 0, 0
	if err := in.enter(in.turn, fuel, 1, 1); err != nil {
		return 0, err
	}
	// Compare unsigned: a negative number must not pass as a small one.
	n := uint32(in.stack[0])
	if uint64(n) > uint64(in.outboxRecords) {
		return 0, in.badCount(int32(n))
	}
	in.turning = false
	in.back = len(in.inbox) &^ 7
	in.commands = int(n)
	if len(in.loans) > 0 {
		in.settleLoans()
	}
	return int(n), nil
}

// badCount ends the life of an instance whose turn returned n.
func (in *Instance) badCount(n int32) error {
	if n < 0 {
		return in.die(&TrapError{ReasonGiveUp, fmt.Errorf("turn returned %d", n)})
	}
	return in.die(&TrapError{ReasonBadOutbox, fmt.Errorf("turn returned %d commands, the outbox holds %d", n, in.outboxRecords)})
}

// unfit is the answer of an instance that is not idle.
func (in *Instance) unfit(call string) error {
	if in.life == running {
		panic("wasmhost: " + call + " during a turn")
	}
	return ErrDead
}

// Command copies the i-th command of the last turn, or of the flush in
// progress, to r. It panics if there is none: i must be less than what Turn
// returned.
func (in *Instance) Command(i int, r *abi.Record) {
	if uint(i) >= uint(in.commands) {
		noCommand(i, in.commands)
	}
	r.Get(in.outbox[i*abi.RecordSize:])
}

// noCommand is apart from Command, which it would make slower by a nanosecond.
//
//go:noinline
func noCommand(i, commands int) {
	panic(fmt.Sprintf("wasmhost: command %d of %d", i, commands))
}

// SetStatus writes s to the code of the i-th command, for the guest to see when
// its flush returns. It panics if there is none, as Command does.
func (in *Instance) SetStatus(i int, s abi.Status) {
	var r abi.Record
	in.Command(i, &r)
	r.Code = uint32(s)
	r.Put(in.outbox[i*abi.RecordSize:])
}

// flush answers the hostcall of that name.
func (in *Instance) flush() (refused int) {
	in.flushed = int(min(in.Cursor(), abi.MaxInboxBytes/abi.RecordSize))
	if in.cfg.Flush != nil {
		return in.cfg.Flush(in, in.commands)
	}
	for i := range in.commands {
		in.SetStatus(i, abi.Unsupported)
	}
	return in.commands
}

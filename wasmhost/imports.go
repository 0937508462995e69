package wasmhost

import (
	"context"
	"crypto/rand"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/abi"
)

// An importName is how a module names a function that it imports.
type importName struct{ module, name string }

// A hostcall is a function that guests may import. Admission knows no other.
type hostcall struct {
	importName
	params, results []api.ValueType
	// run takes the arguments from stack and leaves its result there. It traps
	// the guest with trap; any other panic is the host's.
	run func(in *Instance, stack []uint64)
}

// enter is what the engine calls. ctx is the one that the instance passed when
// it called the guest, so the way to the instance is a type assertion.
func (c hostcall) enter(ctx context.Context, stack []uint64) {
	in := (*Instance)(ctx.(*guestContext))
	defer in.keepPanic(c.name)
	c.run(in, stack)
}

// The most bytes that a guest gets of one call to random, and that one log line
// has.
const (
	maxRandomBytes = 64 << 10
	maxLineBytes   = 1 << 10
)

// hostcalls returns the functions of module wherry_v1.
func hostcalls() []hostcall {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	call := func(name string, run func(*Instance, []uint64), results []api.ValueType, params ...api.ValueType) hostcall {
		return hostcall{importName{abi.ImportModule, name}, params, results, run}
	}
	return []hostcall{
		call("flush", flush, []api.ValueType{i32}, i32),
		call("log", log, nil, i32, i32, i32),
		call("now", now, []api.ValueType{i64}, i32),
		call("random", random, nil, i32, i32),
	}
}

// flush applies the first records of the outbox in the middle of a turn, and
// leaves its status in the code of each. A count that the outbox does not hold
// is a trap.
//
//	flush(commands: i32) -> refused: i32
func flush(in *Instance, stack []uint64) {
	n := uint32(stack[0])
	if uint64(n) > uint64(in.outboxRecords) {
		trap(ReasonBadOutbox, "flush of %d commands, the outbox holds %d", int32(n), in.outboxRecords)
	}
	in.pay(int64(n) * fuelCommand)
	in.commands = int(n)
	began := threadTime()
	stack[0] = uint64(uint32(in.flush()))
	in.fuel.began += threadTime() - began // the host's time is not the guest's
	in.commands = 0
}

// log writes a line to the host's log, of at most 1 KiB, with control
// characters escaped. Levels are those of abi.LogLevels; a higher one counts as
// the highest. A range outside the memory is a trap.
//
//	log(level, ptr, len: i32)
func log(in *Instance, stack []uint64) {
	text, ok := in.View(uint32(stack[1]), uint32(stack[2]))
	if !ok {
		trap(ReasonOutOfBounds, "log of %d bytes at %#x", uint32(stack[2]), uint32(stack[1]))
	}
	in.log(int(min(uint32(stack[0]), uint32(LevelError))), text)
}

// now returns the turn's time in nanoseconds: of the wall clock for 0, of the
// monotonic one for 1, and 0 for a clock that there is not. It stands still
// until the turn has ended.
//
//	now(clock: i32) -> i64
func now(in *Instance, stack []uint64) {
	switch uint32(stack[0]) {
	case 0:
		stack[0] = uint64(in.clock.Wall)
	case 1:
		stack[0] = uint64(in.clock.Mono)
	default:
		stack[0] = 0
	}
}

// random fills memory with unpredictable bytes, 64 KiB at most. A longer range,
// or one outside the memory, is a trap.
//
//	random(ptr, len: i32)
func random(in *Instance, stack []uint64) {
	p, ok := in.View(uint32(stack[0]), uint32(stack[1]))
	if !ok || len(p) > maxRandomBytes {
		trap(ReasonOutOfBounds, "random of %d bytes at %#x", uint32(stack[1]), uint32(stack[0]))
	}
	in.pay(int64(len(p)) * fuelRandomByte)
	rand.Read(p) // never fails
}

package wasmhost

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/abi"
)

// A wasiErrno is a result of WASI preview 1.
type wasiErrno uint32

const (
	wasiOK     wasiErrno = 0
	wasiBADF   wasiErrno = 8
	wasiFAULT  wasiErrno = 21
	wasiINVAL  wasiErrno = 28
	wasiNOSYS  wasiErrno = 52
	wasiStdout           = 1
	wasiStderr           = 2
)

// Limits of single calls, so that none keeps the loop for long.
const (
	maxWriteBytes    = 64 << 10
	maxWriteVectors  = 1024
	maxSubscriptions = 256
)

// maxWaits is how often a guest may yield or poll in one turn. Nothing happens
// while it does: whoever comes back this often waits for something that a turn
// cannot bring, such as the end of a sleep on a clock that stands still.
const maxWaits = 10_000

// wasiCalls returns every function of WASI preview 1. Those that a language
// runtime needs to start work; the others answer ENOSYS, because programs
// import far more than they call.
func wasiCalls() []hostcall {
	works := map[string]func(*Instance, []uint64) wasiErrno{
		"args_get":          noStrings,
		"args_sizes_get":    noStringSizes,
		"environ_get":       noStrings,
		"environ_sizes_get": noStringSizes,
		"clock_res_get":     clockRes,
		"clock_time_get":    clockTime,
		"random_get":        wasiRandom,
		"fd_write":          fdWrite,
		"fd_fdstat_get":     badFD,
		"fd_prestat_get":    badFD,
		"poll_oneoff":       pollOneoff,
		"sched_yield":       schedYield,
	}
	var calls []hostcall
	for _, f := range wasiSignatures() {
		run := procExit
		if f.name != "proc_exit" {
			answer := works[f.name]
			if answer == nil {
				answer = noSys
			}
			run = func(in *Instance, stack []uint64) { stack[0] = uint64(answer(in, stack)) }
		}
		calls = append(calls, hostcall{importName{abi.WASIModule, f.name}, f.params, f.results, run})
	}
	return calls
}

type wasiSignature struct {
	name            string
	params, results []api.ValueType
}

// wasiSignatures returns the functions of WASI preview 1 with their types. All
// return an errno but proc_exit, which does not return.
func wasiSignatures() []wasiSignature {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	f := func(name string, params ...api.ValueType) wasiSignature {
		return wasiSignature{name, params, []api.ValueType{i32}}
	}
	return []wasiSignature{
		f("args_get", i32, i32),
		f("args_sizes_get", i32, i32),
		f("clock_res_get", i32, i32),
		f("clock_time_get", i32, i64, i32),
		f("environ_get", i32, i32),
		f("environ_sizes_get", i32, i32),
		f("fd_advise", i32, i64, i64, i32),
		f("fd_allocate", i32, i64, i64),
		f("fd_close", i32),
		f("fd_datasync", i32),
		f("fd_fdstat_get", i32, i32),
		f("fd_fdstat_set_flags", i32, i32),
		f("fd_fdstat_set_rights", i32, i64, i64),
		f("fd_filestat_get", i32, i32),
		f("fd_filestat_set_size", i32, i64),
		f("fd_filestat_set_times", i32, i64, i64, i32),
		f("fd_pread", i32, i32, i32, i64, i32),
		f("fd_prestat_dir_name", i32, i32, i32),
		f("fd_prestat_get", i32, i32),
		f("fd_pwrite", i32, i32, i32, i64, i32),
		f("fd_read", i32, i32, i32, i32),
		f("fd_readdir", i32, i32, i32, i64, i32),
		f("fd_renumber", i32, i32),
		f("fd_seek", i32, i64, i32, i32),
		f("fd_sync", i32),
		f("fd_tell", i32, i32),
		f("fd_write", i32, i32, i32, i32),
		f("path_create_directory", i32, i32, i32),
		f("path_filestat_get", i32, i32, i32, i32, i32),
		f("path_filestat_set_times", i32, i32, i32, i32, i64, i64, i32),
		f("path_link", i32, i32, i32, i32, i32, i32, i32),
		f("path_open", i32, i32, i32, i32, i32, i64, i64, i32, i32),
		f("path_readlink", i32, i32, i32, i32, i32, i32),
		f("path_remove_directory", i32, i32, i32),
		f("path_rename", i32, i32, i32, i32, i32, i32),
		f("path_symlink", i32, i32, i32, i32, i32),
		f("path_unlink_file", i32, i32, i32),
		f("poll_oneoff", i32, i32, i32, i32),
		{"proc_exit", []api.ValueType{i32}, nil},
		f("proc_raise", i32),
		f("random_get", i32, i32),
		f("sched_yield"),
		f("sock_accept", i32, i32, i32),
		f("sock_recv", i32, i32, i32, i32, i32, i32),
		f("sock_send", i32, i32, i32, i32, i32),
		f("sock_shutdown", i32, i32),
	}
}

func noSys(*Instance, []uint64) wasiErrno { return wasiNOSYS }

// badFD says that no descriptor is open, which ends the search of a runtime for
// directories that it was given.
func badFD(*Instance, []uint64) wasiErrno { return wasiBADF }

// procExit ends the guest, whatever the code: an instance that has exited
// cannot take events.
//
//	proc_exit(code: i32)
func procExit(_ *Instance, stack []uint64) {
	trap(ReasonExit, "proc_exit(%d)", uint32(stack[0]))
}

// noStrings writes the arguments or the environment, of which there are none.
//
//	args_get(ptrs, buf: i32) -> errno: i32
func noStrings(*Instance, []uint64) wasiErrno { return wasiOK }

// noStringSizes says that there are 0 strings in 0 bytes.
//
//	args_sizes_get(count, size: i32) -> errno: i32
func noStringSizes(in *Instance, stack []uint64) wasiErrno {
	if !in.putU32(uint32(stack[0]), 0) || !in.putU32(uint32(stack[1]), 0) {
		return wasiFAULT
	}
	return wasiOK
}

// clockRes answers a microsecond; within a turn the clock stands still anyway.
//
//	clock_res_get(clock, result: i32) -> errno: i32
func clockRes(in *Instance, stack []uint64) wasiErrno {
	if !in.putU64(uint32(stack[1]), 1000) {
		return wasiFAULT
	}
	return wasiOK
}

// clockTime reads the turn's clock: 0 wall, 1 monotonic. CPU clocks (2 and 3)
// would tell the guest what now does not.
//
//	clock_time_get(clock: i32, precision: i64, result: i32) -> errno: i32
func clockTime(in *Instance, stack []uint64) wasiErrno {
	var t int64
	switch uint32(stack[0]) {
	case 0:
		t = in.clock.Wall
	case 1:
		t = in.clock.Mono
	default:
		return wasiINVAL
	}
	if !in.putU64(uint32(stack[2]), uint64(t)) {
		return wasiFAULT
	}
	return wasiOK
}

// wasiRandom is random with an answer.
//
//	random_get(ptr, len: i32) -> errno: i32
func wasiRandom(in *Instance, stack []uint64) wasiErrno {
	p, ok := in.View(uint32(stack[0]), uint32(stack[1]))
	if !ok {
		return wasiFAULT
	}
	if len(p) > maxRandomBytes {
		return wasiINVAL
	}
	in.pay(int64(len(p)) * fuelRandomByte)
	rand.Read(p) // never fails
	return wasiOK
}

// fdWrite turns what is written to stdout and stderr into log lines. It writes
// at most 64 KiB a call and says so, as write may.
//
//	fd_write(fd, iovs, iovs_len, written: i32) -> errno: i32
func fdWrite(in *Instance, stack []uint64) wasiErrno {
	var lines *lineBuffer
	switch uint32(stack[0]) {
	case wasiStdout:
		lines = &in.stdout
	case wasiStderr:
		lines = &in.stderr
	default:
		return wasiBADF
	}
	count := uint32(stack[2])
	if count > maxWriteVectors {
		return wasiINVAL
	}
	vectors, ok := in.View(uint32(stack[1]), count*8)
	if !ok {
		return wasiFAULT
	}
	in.pay(int64(count) * fuelVector)
	written := 0
	for ; len(vectors) > 0 && written < maxWriteBytes; vectors = vectors[8:] {
		p, ok := in.View(binary.LittleEndian.Uint32(vectors), binary.LittleEndian.Uint32(vectors[4:]))
		if !ok {
			return wasiFAULT
		}
		p = p[:min(len(p), maxWriteBytes-written)]
		lines.write(in, p)
		written += len(p)
	}
	if !in.putU32(uint32(stack[3]), uint32(written)) {
		return wasiFAULT
	}
	return wasiOK
}

// pollOneoff reports that every clock has rung and that no descriptor is open,
// at once: a guest cannot sleep, the loop has others to serve. See maxWaits.
//
//	poll_oneoff(subscriptions, events, n, stored: i32) -> errno: i32
func pollOneoff(in *Instance, stack []uint64) wasiErrno {
	// Sizes and offsets of the two structures in preview 1.
	const (
		subscriptionSize, eventSize = 48, 32
		tagOffset                   = 8
		errnoOffset, typeOffset     = 8, 10
		clockTag                    = 0
	)
	in.wait()
	n := uint32(stack[2])
	if n == 0 || n > maxSubscriptions {
		return wasiINVAL
	}
	subs, ok1 := in.View(uint32(stack[0]), n*subscriptionSize)
	events, ok2 := in.View(uint32(stack[1]), n*eventSize)
	if !ok1 || !ok2 || !in.putU32(uint32(stack[3]), n) {
		return wasiFAULT
	}
	in.pay(int64(n) * fuelSubscription)
	for ; len(subs) > 0; subs, events = subs[subscriptionSize:], events[eventSize:] {
		userdata, tag := binary.LittleEndian.Uint64(subs), subs[tagOffset]
		errno := wasiOK
		if tag != clockTag {
			errno = wasiBADF
		}
		clear(events[:eventSize])
		binary.LittleEndian.PutUint64(events, userdata)
		binary.LittleEndian.PutUint16(events[errnoOffset:], uint16(errno))
		events[typeOffset] = tag
	}
	return wasiOK
}

// schedYield returns at once: there is nothing else to run.
//
//	sched_yield() -> errno: i32
func schedYield(in *Instance, _ []uint64) wasiErrno {
	in.wait()
	return wasiOK
}

// wait counts a call that waits, and traps the guest that has made too many.
func (in *Instance) wait() {
	in.waits++
	if in.waits > maxWaits {
		trap(ReasonBlocked, "waited %d times in one turn, in which nothing can happen; use timers", maxWaits)
	}
}

// putU32 writes v to guest memory, or reports that addr is outside it.
func (in *Instance) putU32(addr, v uint32) bool {
	p, ok := in.View(addr, 4)
	if ok {
		binary.LittleEndian.PutUint32(p, v)
	}
	return ok
}

func (in *Instance) putU64(addr uint32, v uint64) bool {
	p, ok := in.View(addr, 8)
	if ok {
		binary.LittleEndian.PutUint64(p, v)
	}
	return ok
}

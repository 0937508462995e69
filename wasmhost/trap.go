package wasmhost

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
)

// A Reason says why a guest stopped. The names are stable.
type Reason string

// The reasons, grouped by who stops the guest.
const (
	// The guest's own code, caught by the engine.
	ReasonUnreachable   Reason = "unreachable"    // its way to say that it cannot go on
	ReasonOutOfBounds   Reason = "out_of_bounds"  // it reached beyond its memory, or told a hostcall to
	ReasonBadCall       Reason = "bad_call"       // a table or function pointer that is none
	ReasonArithmetic    Reason = "arithmetic"     // division by zero, overflow, not a number
	ReasonStackOverflow Reason = "stack_overflow" // deeper than the engine goes

	// The guest used up what it was given.
	ReasonFuel  Reason = "out_of_fuel"     // more work than a call may do
	ReasonTime  Reason = "out_of_time"     // far more time for its fuel than is common
	ReasonDepth Reason = "stack_exhausted" // it calls itself too deep

	// The guest broke the contract.
	ReasonGiveUp    Reason = "give_up"    // its turn returned a negative number
	ReasonExit      Reason = "exit"       // it called proc_exit
	ReasonBlocked   Reason = "blocked"    // it waits for something that cannot happen in a turn
	ReasonBadOutbox Reason = "bad_outbox" // more commands than its outbox holds
	ReasonBadAlloc  Reason = "bad_alloc"  // its alloc returned what is not its to give

	// The engine failed, and the guest may be innocent.
	ReasonHost Reason = "host"
)

// A TrapError reports that a guest stopped in the middle. The instance is dead.
type TrapError struct {
	Reason Reason // why, for code
	Err    error  // what happened, with the guest's stack where it had one, for people
}

func (e *TrapError) Error() string {
	return "wasmhost: guest trapped: " + string(e.Reason) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *TrapError) Unwrap() error { return e.Err }

// ErrDead is the answer of an instance that has trapped or was closed.
var ErrDead = errors.New("wasmhost: instance is dead")

// A guestTrap is what a hostcall panics with to stop the guest that called it.
// The engine recovers it and returns it, with the guest's stack around it.
type guestTrap struct {
	reason Reason
	detail string
}

func (t *guestTrap) Error() string { return t.detail }

// trap stops the guest that is in a hostcall.
func trap(reason Reason, format string, args ...any) {
	panic(&guestTrap{reason, fmt.Sprintf(format, args...)})
}

// A hostPanic is a bug of the host that came to light in a hostcall. The engine
// recovers it as it recovers traps, so it is kept here and raised again on the
// other side: it must never look like the guest's fault.
type hostPanic struct {
	call  string
	value any
	stack []byte // of the goroutine, where it happened
}

func (p *hostPanic) Error() string {
	return fmt.Sprintf("wasmhost: panic in hostcall %s: %v\n\n%s", p.call, p.value, p.stack)
}

// keepPanic is deferred by every hostcall.
func (in *Instance) keepPanic(call string) {
	r := recover()
	if r == nil {
		return
	}
	if _, ok := r.(*guestTrap); !ok {
		in.bug = &hostPanic{call, r, debug.Stack()}
	}
	panic(r)
}

// newTrapError sorts an error of the engine.
func newTrapError(err error) *TrapError {
	reason := engineReason(err)
	var own *guestTrap
	if errors.As(err, &own) {
		reason = own.reason
	}
	return &TrapError{reason, &engineError{err}}
}

// engineReason tells by the innermost text of err what the engine ran into: the
// values that it wraps are not exported. What is unknown is taken for the
// engine's own failure.
func engineReason(err error) Reason {
	for u := errors.Unwrap(err); u != nil; u = errors.Unwrap(err) {
		err = u
	}
	text := err.Error()
	if at := strings.LastIndex(text, ": "); at >= 0 {
		text = text[at+2:] // "data[0]: out of bounds memory access"
	}
	switch text {
	case "unreachable":
		return ReasonUnreachable
	case "out of bounds memory access":
		return ReasonOutOfBounds
	case "invalid table access", "indirect call type mismatch", "null reference":
		return ReasonBadCall
	case "invalid conversion to integer", "integer overflow", "integer divide by zero":
		return ReasonArithmetic
	case "stack overflow":
		return ReasonStackOverflow
	}
	return ReasonHost
}

// An engineError prints an error of the engine without the remark that a panic
// of ours was recovered: it was the way to stop the guest.
type engineError struct{ err error }

func (e *engineError) Error() string {
	return strings.Replace(e.err.Error(), " (recovered by wazero)", "", 1)
}

func (e *engineError) Unwrap() error { return e.err }

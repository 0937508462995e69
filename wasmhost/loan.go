package wasmhost

import (
	"fmt"
	"math"

	"github.com/seed-c6589352/wherry/abi"
)

// A loan is a buffer in guest memory that the guest's alloc gave for one
// message. It lives through these states, and is forgotten after the last:
//
//	held ──▶ delivered ── the turn ends
//	  ▲│
//	  │▼
//	returned
type loan struct {
	addr, size uint32
	state      loanState
}

type loanState uint8

const (
	held      loanState = iota // the host is filling it
	delivered                  // its event is staged
	returned                   // the message did not come about; the next one may have it
)

// Alloc asks the guest for a buffer of n bytes for one message, to be filled
// through View and delivered with PushAt, or given back with Return. Address 0
// means that the guest has none to give. Alloc runs the guest: commands must
// have been read, and views are void. The error is a [*TrapError], after which
// the instance is dead, or [ErrDead] if it was.
func (in *Instance) Alloc(n int) (addr uint32, err error) {
	if in.life != idle {
		return 0, in.unfit("Alloc")
	}
	if n <= 0 || int64(n) > math.MaxInt32 || !in.code.info.HasAlloc {
		return 0, nil
	}
	if l := in.returnedLoan(uint32(n)); l != nil {
		l.state = held
		return l.addr, nil
	}
	if in.alloc == nil {
		in.alloc = in.module.ExportedFunction(abi.ExportAlloc)
	}
	in.waits, in.commands = 0, 0
	in.stack[0] = uint64(n)
	if err := in.enter(in.alloc, in.cfg.AllocFuel, 1, 1); err != nil {
		return 0, err
	}
	addr = uint32(in.stack[0])
	if addr == 0 {
		return 0, nil
	}
	if problem := in.checkLoan(addr, uint32(n)); problem != "" {
		return 0, in.die(&TrapError{ReasonBadAlloc, fmt.Errorf("alloc of %d bytes returned %#x, which %s", n, addr, problem)})
	}
	in.loans = append(in.loans, loan{addr: addr, size: uint32(n)})
	return addr, nil
}

// Return gives back a buffer from Alloc whose message did not come about. The
// guest believes it taken, so a later Alloc that fits gets it again. It panics
// if there is no such buffer, unless the instance is dead.
func (in *Instance) Return(addr uint32) {
	if in.life > running {
		return
	}
	l := in.loan(addr)
	if l == nil || l.state != held {
		panic("wasmhost: Return of memory that Alloc did not give")
	}
	l.state = returned
}

// checkLoan says what is wrong with a buffer: nothing of it may be outside the
// memory, or where the host or another message writes.
func (in *Instance) checkLoan(addr, size uint32) (problem string) {
	if _, ok := in.View(addr, size); !ok {
		return "is not inside the memory"
	}
	m := &in.mailbox
	switch {
	case overlap(addr, size, in.mailAt, abi.MailboxSize):
		return "overlaps the mailbox"
	case overlap(addr, size, m.Inbox, m.InboxBytes):
		return "overlaps the inbox"
	case overlap(addr, size, m.Outbox, m.OutboxRecords*abi.RecordSize):
		return "overlaps the outbox"
	}
	for _, l := range in.loans {
		if overlap(addr, size, l.addr, l.size) {
			return "overlaps a buffer that was given before"
		}
	}
	return ""
}

// overlap reports whether two ranges share a byte.
func overlap(a, aBytes, b, bBytes uint32) bool {
	return uint64(a) < uint64(b)+uint64(bBytes) && uint64(b) < uint64(a)+uint64(aBytes)
}

// loan returns the buffer at addr that has not been delivered and forgotten.
func (in *Instance) loan(addr uint32) *loan {
	for i := range in.loans {
		if in.loans[i].addr == addr {
			return &in.loans[i]
		}
	}
	return nil
}

// returnedLoan returns the smallest returned buffer of at least n bytes.
func (in *Instance) returnedLoan(n uint32) (best *loan) {
	for i := range in.loans {
		l := &in.loans[i]
		if l.state == returned && l.size >= n && (best == nil || l.size < best.size) {
			best = l
		}
	}
	return best
}

// settleLoans forgets the buffers whose events the last turn delivered: they
// are the guest's again.
func (in *Instance) settleLoans() {
	kept := in.loans[:0]
	for _, l := range in.loans {
		if l.state != delivered {
			kept = append(kept, l)
		}
	}
	in.loans = kept
}

package wasmhost

import (
	"encoding/hex"
	"fmt"
	"sync/atomic"

	"github.com/tetratelabs/wazero"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// A Digest is the SHA-256 of a module's bytes. It names the module everywhere.
type Digest [32]byte

// String returns d in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Info describes an admitted module. What depends on running it was learned
// from the trial instance.
type Info struct {
	ABIVersion     int
	Digest         Digest
	Imports        []string // "module.name", in the module's order
	Exports        []string // in alphabetical order
	MemoryMinPages uint32   // pages of 64 KiB that an instance starts with
	MemoryMaxPages uint32   // the lower of what the module declares and the host's limit
	InboxBytes     uint32
	OutboxRecords  uint32
	HasAlloc       bool   // it takes messages that are larger than its inbox
	Wants          uint32 // Kind.Bit of the optional events that it handles
}

// LargestMessage returns the size in bytes of the largest message that the
// guest can be given, under a limit of the caller's.
func (i Info) LargestMessage(limit int) int {
	if i.HasAlloc {
		return limit
	}
	return min(limit, inboxEnd(i.InboxBytes)-abi.RecordSize)
}

// code is what modules of the same bytes share: the compiled program and what
// is known of it.
type code struct {
	host   *Host
	digest Digest
	refs   int // modules and instances; guarded by host.mu

	// ready is closed when admission has ended; what follows is set by then,
	// and never changed.
	ready    chan struct{}
	compiled wazero.CompiledModule
	program  meter.Program
	keeps    bool   // the trial's state is kept as image; only while it runs
	image    *image // nil: every instance initialises by itself
	info     Info
	err      error
}

// A Module is a guest program that was admitted. It is safe for concurrent use.
type Module struct {
	code   *code
	closed atomic.Bool
}

// Info describes the module. The slices in it are shared: do not change them.
func (m *Module) Info() Info { return m.code.info }

// Close lets go of the module. Its instances live on; its code is freed when
// the last of them, and the last module of the same bytes, is closed. A second
// call does nothing.
func (m *Module) Close() {
	if !m.closed.Swap(true) {
		m.code.host.drop(m.code)
	}
}

// Instantiate starts an instance: it gets its memory, runs the module's start
// function and _initialize, registers its mailbox and is told its grants. It
// must be closed. The error is an [*AdmissionError] if the memory limit of cfg
// is less than the module starts with, a [*TrapError] if the guest crashed, a
// mailbox error of package abi, or the host's own, such as no memory left.
func (m *Module) Instantiate(cfg InstanceConfig) (*Instance, error) {
	if m.closed.Load() {
		return nil, fmt.Errorf("wasmhost: module %s is closed", m.code.digest)
	}
	return m.code.instantiate(cfg)
}

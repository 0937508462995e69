// Package abi is the contract between the Wherry host and a guest: the names of
// the exports, the layout of the mailbox and of records, the kinds, flags and
// statuses, and the encoding of fields. SPEC.md beside this file is the
// normative text; this package is the same in Go, and the constants of every
// other SDK are generated from its tables (see [Kinds], [FlagBits], [Statuses]
// and tables.go).
//
// Everything a guest can write is hostile until parsed here: decoders take a
// slice, never read past it, never allocate, and compare lengths unsigned.
// Encoders write where they are told and report 0 when there is no room.
//
// All numbers are little-endian. A number that was given once is never reused.
package abi

//go:generate go run ./gen

// Version is the major version of the ABI, and part of every name below.
// Minor is written to the mailbox by the host; a guest may read it to learn of
// additions, which never change what existed.
const (
	Version = 1
	Minor   = 0
)

// Names that a guest exports and the one module it may import from. WASIModule
// is the other module with allowed imports: a subset of WASI preview 1.
const (
	ImportModule = "wherry_v1"
	WASIModule   = "wasi_snapshot_preview1"

	ExportMemory     = "memory"
	ExportInitialize = "_initialize"
	ExportMailbox    = "wherry_v1_mailbox"
	ExportTurn       = "wherry_v1_turn"
	ExportAlloc      = "wherry_v1_alloc"
)

// Limits that are part of the contract, in bytes.
const (
	// MaxAttachment is the most that an attach command can leave with a connection.
	MaxAttachment = 16 << 10
	// MaxReason is the longest reason of a close frame; a longer one is
	// truncated on a UTF-8 boundary.
	MaxReason = 123
	// MaxTopic is the longest name of a topic.
	MaxTopic = 256
)

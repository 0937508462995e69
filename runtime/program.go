package runtime

import (
	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A program is what a home runs: a guest instance or a native handler, behind
// the same events. Owned by the loop.
type program interface {
	// push stages an event and returns the place of its n bytes of payload, or
	// false where there is no room before the next turn.
	push(r *abi.Record, n int) (payload []byte, ok bool)

	// takeBack forgets what push staged last.
	takeBack()

	// reserve returns the program's own memory for one large message, or nil
	// where it has none to give. An error is the program's end.
	reserve(n int) ([]byte, error)

	// pushReserved stages an event whose payload is all of what reserve
	// returned, and reports false where there is no room before the next turn.
	pushReserved(r *abi.Record, payload []byte) bool

	// unreserve gives back what reserve returned.
	unreserve(payload []byte)

	// staged returns how many events wait for the next turn.
	staged() int

	// turn delivers what is staged and applies what the program answers to h,
	// or goes on with that if it is busy. An error is the program's end.
	turn(h *home) error

	// busy reports whether a part of what the program answered is still to be
	// applied. Nothing may be staged then, and no memory reserved: what is to
	// be applied may point to it.
	busy() bool

	// wreck says how far the program had come when it ended, and salvage calls f
	// for the events that it had before it then, as it left them. Payloads are
	// valid until close.
	wreck() wasmhost.Wreck
	salvage(f func(i int, r *abi.Record, payload []byte))

	// wants says which optional events the program handles.
	wants() uint32

	// largest returns the largest message that it takes, at most limit bytes.
	largest(limit int) int

	close()
}

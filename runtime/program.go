package runtime

import "github.com/seed-c6589352/wherry/abi"

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

	// turn delivers what is staged and applies what the program answers to h.
	// An error is the program's end.
	turn(h *home) error

	// wants says which optional events the program handles.
	wants() uint32

	// largest returns the largest message that it takes, at most limit bytes.
	largest(limit int) int

	close()
}

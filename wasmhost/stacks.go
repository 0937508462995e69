package wasmhost

import "github.com/seed-c6589352/wherry/abi"

// Stacks bounds how many of a loop's instances keep the engine's stacks for
// their exports, of 12 KB each: those that have run lately. The others get one
// again when they run, for some microseconds. With many tenants, of which few
// have something to do at a time, that is half of what an instance takes.
//
// It belongs to the goroutine that runs the instances.
type Stacks struct {
	ring []*Instance // those that have stacks; nil where one is gone
	hand int         // where the next one is looked for
}

// NewStacks returns Stacks for so many instances; n must be positive.
func NewStacks(n int) *Stacks { return &Stacks{ring: make([]*Instance, n)} }

// add makes room for in, by the clock algorithm: an instance that has run since
// the hand last passed is passed once more.
func (s *Stacks) add(in *Instance) {
	for {
		at := s.hand
		s.hand = (s.hand + 1) % len(s.ring)
		old := s.ring[at]
		if old != nil && old.ran && old != in {
			old.ran = false
			continue
		}
		if old != nil {
			old.turn, old.alloc = nil, nil
		}
		s.ring[at], in.stackAt = in, at
		return
	}
}

// remove forgets an instance that has ended.
func (s *Stacks) remove(in *Instance) {
	if s.ring[in.stackAt] == in {
		s.ring[in.stackAt] = nil
	}
}

// warm gives in a stack for its turns.
func (in *Instance) warm() {
	if in.cfg.Stacks != nil {
		in.cfg.Stacks.add(in)
	}
	in.turn = in.module.ExportedFunction(abi.ExportTurn)
}

package runtime

import "github.com/seed-c6589352/wherry/abi"

// sayStop tells a program that wants to hear of it that its instance will be
// discarded, and why: one of the abi's Stop codes. It is in a turn by the time
// sayStop returns, and what it sent in that turn goes out ahead of what ends its
// connections after. No commands may be being applied.
func (h *home) sayStop(reason uint32) {
	if h.program == nil || h.program.wants()&abi.Stop.Bit() == 0 {
		return
	}
	h.shard.tell()
	h.record = abi.Record{Kind: abi.Stop, Code: reason}
	if _, ok := h.room(&h.record, 0); ok {
		h.deliver()
	}
}

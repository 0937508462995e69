package runtime

import (
	"errors"
	"fmt"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// ErrNative is returned by [Server.Reload] for a tenant that has no module.
var ErrNative = errors.New("runtime: the tenant has a native handler, and no module")

// Reload replaces a tenant's module while its connections stay open. The module is
// admitted first: if it is refused, which is a [*ModuleError], what runs is not
// touched. Then each instance gets what it was to be told before, and a stop event
// if it wants one, and is replaced. Connections go on with an instance of the new
// module if that wants resume, and close with 1012 if it does not. A back-off of
// the tenant's ends.
//
// It returns when every instance was replaced. The code of the old module is freed
// with the last of them.
func (s *Server) Reload(tenant string, module []byte) error {
	t := s.tenants[tenant]
	if t == nil {
		return ErrNotFound
	}
	if t.edition.Load() == nil {
		return ErrNative
	}
	m, err := s.host.Compile(module)
	if errors.Is(err, wasmhost.ErrHostClosed) {
		return ErrServerClosed
	}
	if err == nil {
		err = t.fits(m)
	}
	if err != nil {
		return &ModuleError{Tenant: tenant, Err: err}
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	old := t.edition.Swap(m)
	defer old.Close()
	t.backoff.reset()
	done := make(chan struct{}, len(s.shards)*2)
	waits := 0
	for _, shard := range s.shards {
		for _, h := range shard.homes {
			if h.tenant == t && shard.loop.Post(func() { h.replace(&swap{done: done}) }) {
				waits++
			}
		}
	}
	for range waits {
		select {
		case <-done:
		case <-s.ended:
			return ErrServerClosed
		}
	}
	return nil
}

// fits reports what keeps m from running within the tenant's limits.
func (t *tenant) fits(m *wasmhost.Module) error {
	if need, most := m.Info().MemoryMinPages, t.limits.MemoryPages; need > most {
		m.Close()
		return &wasmhost.AdmissionError{
			Rule:   wasmhost.RuleMemoryLimit,
			Detail: fmt.Sprintf("starts with %d pages, the tenant's limit is %d", need, most),
		}
	}
	return nil
}

// A swap is the replacement of a home's program, while it is on its way.
type swap struct {
	announced bool            // the program was told, or does not want to be
	done      chan<- struct{} // has room
}

// replace begins to replace the program. It is carried out in a turn of the home's.
func (h *home) replace(s *swap) {
	h.swap = s
	h.shard.want(h)
}

// announceSwap stages the stop event, behind everything that the program was to be
// told before. If there is no room for it, it has to wait for another turn.
func (h *home) announceSwap() {
	if h.swap == nil || h.swap.announced || h.program == nil || h.program.busy() {
		return
	}
	h.swap.announced = h.stop(abi.StopDeploy)
}

// stop stages the stop event, if the program wants it, and reports false where
// there is no room for it now.
func (h *home) stop(code uint32) bool {
	if h.program == nil || h.program.wants()&abi.Stop.Bit() == 0 {
		return true
	}
	h.small = abi.Record{Kind: abi.Stop, Code: code}
	_, ok := h.program.push(&h.small, 0)
	h.shard.want(h)
	return ok
}

// carryOutSwap replaces a program that has had its last turn.
func (h *home) carryOutSwap() {
	if h.swap == nil {
		return
	}
	if h.program != nil {
		if !h.swap.announced || h.program.staged() > 0 {
			h.shard.want(h)
			return
		}
		h.newLoss(replaced).settle()
	}
	h.swap.done <- struct{}{}
	h.swap = nil
}

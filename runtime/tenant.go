package runtime

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/seed-c6589352/wherry/wasmhost"
)

// A tenant is a Tenant that was understood. But for edition, conns, requests, backoff and
// counters, set by New and never changed.
type tenant struct {
	name       string
	edition    atomic.Pointer[wasmhost.Module] // what new instances are made of; nil for a native handler
	handler    func() Handler
	limits     Limits
	conns      atomic.Int64 // connections; of all loops
	requests   atomic.Int64 // HTTP requests that are not answered yet; of all loops
	backoff    backoff
	counters   counters
	config     map[string]string
	configKeys []string // sorted
}

// newTenant admits the tenant's module. t has been checked.
func newTenant(t Tenant, host *wasmhost.Host) (*tenant, error) {
	built := &tenant{
		name:       t.Name,
		handler:    t.Handler,
		limits:     t.Limits.withDefaults(),
		config:     maps.Clone(t.Config),
		configKeys: slices.Sorted(maps.Keys(t.Config)),
	}
	if t.Module == nil {
		return built, nil
	}
	m, err := host.Compile(t.Module)
	if err != nil {
		return nil, &ModuleError{Tenant: t.Name, Err: err}
	}
	built.edition.Store(m)
	return built, nil
}

// digest names the module that new instances are made of; it is empty for a native
// handler.
func (t *tenant) digest() string {
	if m := t.edition.Load(); m != nil {
		return m.Info().Digest.String()
	}
	return ""
}

// wants returns Kind.Bit of the optional events that new instances handle.
func (t *tenant) wants() uint32 {
	if m := t.edition.Load(); m != nil {
		return m.Info().Wants
	}
	return 0
}

// start makes a program for h.
func (t *tenant) start(h *home) (program, error) {
	m := t.edition.Load()
	if m == nil {
		return newNative(t.handler)
	}
	return newGuest(h, m)
}

// A ModuleError reports that a tenant's module was refused.
type ModuleError struct {
	Tenant string
	Err    error // which rule, and what offends against it
}

func (e *ModuleError) Error() string {
	return "runtime: tenant " + e.Tenant + ": " + e.Err.Error()
}

func (e *ModuleError) Unwrap() error { return e.Err }

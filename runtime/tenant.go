package runtime

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/seed-c6589352/wherry/wasmhost"
)

// A tenant is a Tenant that was understood. But for conns and requests, set by New and never
// changed.
type tenant struct {
	name       string
	module     *wasmhost.Module // nil for a native handler
	digest     string           // of the module; empty for a native handler
	handler    func() Handler
	limits     Limits
	conns      atomic.Int64 // connections; of all loops
	requests   atomic.Int64 // HTTP requests that are not answered yet; of all loops
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
	built.module = m
	built.digest = m.Info().Digest.String()
	return built, nil
}

// start makes a program for h.
func (t *tenant) start(h *home) (program, error) {
	if t.module == nil {
		return newNative(t.handler)
	}
	return newGuest(h, t.module)
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

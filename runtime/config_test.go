package runtime_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// TestConfigErrors: each wraps ErrConfig and names what offends.
func TestConfigErrors(t *testing.T) {
	native := runtime.Tenant{Name: "a", Handler: nativeHandler{}.handle}
	limited := func(l runtime.Limits) runtime.Config {
		tenant := native
		tenant.Limits = l
		return runtime.Config{Tenants: []runtime.Tenant{tenant}}
	}
	routed := func(routes ...runtime.Route) runtime.Config {
		return runtime.Config{Tenants: []runtime.Tenant{native}, Routes: routes}
	}
	for _, tc := range []struct {
		name   string
		config runtime.Config
		says   []string
	}{
		{"negative loops", runtime.Config{Loops: -1}, []string{"-1 loops", "1 to 256"}},
		{"too many loops", runtime.Config{Loops: 257}, []string{"257 loops", "1 to 256"}},
		{"negative head timeout", runtime.Config{HeadTimeout: -time.Second}, []string{"head timeout", "-1s"}},
		{"no name", runtime.Config{Tenants: []runtime.Tenant{{Handler: native.Handler}}}, []string{"no name"}},
		{"no program", runtime.Config{Tenants: []runtime.Tenant{{Name: "a"}}}, []string{`"a"`, "module or a native handler"}},
		{"two programs", runtime.Config{Tenants: []runtime.Tenant{{Name: "a", Module: guests.Echo(), Handler: native.Handler}}}, []string{`"a"`, "not both"}},
		{"same name", runtime.Config{Tenants: []runtime.Tenant{native, native}}, []string{`two tenants`, `"a"`}},
		{"negative message", limited(runtime.Limits{MessageBytes: -1}), []string{`"a"`, "-1 bytes"}},
		{"large message", limited(runtime.Limits{MessageBytes: 64<<20 + 1}), []string{`"a"`, "67108865"}},
		{"negative backlog", limited(runtime.Limits{SendBytes: -1}), []string{`"a"`, "-1 unsent bytes"}},
		{"no close timeout", limited(runtime.Limits{CloseTimeout: -1}), []string{`"a"`, "cannot be switched off"}},
		{"too many pages", limited(runtime.Limits{MemoryPages: 65537}), []string{`"a"`, "65537"}},
		{"unknown tenant", routed(runtime.Route{Pattern: "/", Tenant: "b"}), []string{`"/"`, `"b"`}},
		{"unknown placement", routed(runtime.Route{Pattern: "/", Tenant: "a", Placement: 2}), []string{`"/"`, "Single or PerLoop"}},
		{"unknown policy", routed(runtime.Route{Pattern: "/", Tenant: "a", Slow: 2}), []string{`"/"`, "CloseSlow or DropSlow"}},
		{"bad pattern", routed(runtime.Route{Pattern: "a", Tenant: "a"}), []string{`"a"`, "slash"}},
		{"same requests", routed(runtime.Route{Pattern: "/{x}", Tenant: "a"}, runtime.Route{Pattern: "/{y}", Tenant: "a", Placement: runtime.PerLoop}),
			[]string{"/{x}", "/{y}", "remove one"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := runtime.New(tc.config)
			if s != nil || !errors.Is(err, runtime.ErrConfig) {
				t.Fatalf("New: %v, %v; want an ErrConfig", s, err)
			}
			for _, says := range tc.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
}

// TestModuleErrors: a module that is refused names its tenant and the reason.
func TestModuleErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		wasm []byte
	}{
		{"empty", []byte{}},
		{"no module", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"cut short", guests.Echo()[:1000]},
		{"nothing in it", []byte("\x00asm\x01\x00\x00\x00")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := runtime.New(runtime.Config{Tenants: []runtime.Tenant{{Name: "acme", Module: tc.wasm}}})
			var refused *runtime.ModuleError
			if !errors.As(err, &refused) || refused.Tenant != "acme" || refused.Err == nil || !strings.Contains(err.Error(), "acme") {
				t.Errorf("New: %v; want a ModuleError of acme's", err)
			}
		})
	}
}

package attack_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// What a refusal may take: time, and memory in proportion to the module.
const (
	admissionTime  = 10 * time.Millisecond
	countTime      = 50 * time.Millisecond
	admissionBytes = 1 << 20 // and inProportion
	inProportion   = 16      // times what the module has
)

// admission has the serving process look at a module.
func (a *arena) admission(wasm []byte) answer {
	file := filepath.Join(a.TempDir(), "module.wasm")
	if err := os.WriteFile(file, wasm, 0o600); err != nil {
		a.Fatal(err)
	}
	r, err := a.ask(request{Op: "admit", File: file})
	a.check("admission", err)
	return r
}

// refuses checks that a module is refused by a rule, in a time that is the best of
// three, and next to no memory.
func (a *arena) refuses(rule string, within time.Duration, wasm []byte) (r answer) {
	a.Helper()
	best := time.Hour
	for range 3 {
		r = a.admission(wasm)
		if best = min(best, r.Took); best <= within {
			break
		}
	}
	r.Took = best
	if r.Rule != rule {
		a.problem("%d bytes: %s, want the rule %s", len(wasm), verdict(r), rule)
	}
	if best > within && !raceEnabled() {
		a.problem("the refusal took %v, longer than %v", best, within)
	}
	if most := uint64(admissionBytes + inProportion*len(wasm)); r.Allocated > most && !raceEnabled() {
		a.problem("the refusal allocated %s", mib(int(r.Allocated)))
	}
	return r
}

// verdict says how an admission ended.
func verdict(r answer) string {
	if r.Rule == "" {
		return "admitted"
	}
	return fmt.Sprintf("refused (%s: %.60s)", r.Rule, r.Detail)
}

package conformance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

// sdkExcluded lists the scenarios that cannot pass with a guest of the SDK, and why.
var sdkExcluded = map[string]string{
	"EX-04": scenariosExcluded["EX-04"],
	"KA-03": noBusyGuest,
	"BP-02": noBusyGuest,
}

// echoWords is how the scenarios describe an echo.
const echoWords = "on connect: accept; on receive: send the same message back with the same kind (text/binary); on disconnect: record"

// TestScenariosSDK plays every scenario of semantics.json whose handler is more than
// an echo once more, on the guest in the folder cases: what a scenario asks of a
// handler is there to be had with the SDK, and does on the wire what it should. How
// bytes are cut on their way is no matter of a handler's: TestScenarios has that.
func TestScenariosSDK(t *testing.T) {
	module := buildCases(t)
	cache := t.TempDir()
	compileOnce(t, module, cache)
	var jobs []*job
	scenarios := 0
	for _, s := range conformance.Scenarios(t) {
		if s.Handler == echoWords {
			continue
		}
		scenarios++
		if s.ID != "DN-10" { // whose words hold here: the SDK validates before a handler sees the handshake
			adapt(&s)
		}
		d := conformance.Whole()
		jobs = append(jobs, &job{
			id: s.ID, delivery: d.Name, alone: s.MeasuresMemory(),
			play: func() (bool, error) { return false, playScenario(&s, module, cache, d) },
		})
	}
	playAll(jobs)
	judge(t, jobs, sdkExcluded)
	t.Logf("%d of %d scenarios with a handler of their own run on a guest of the SDK", scenarios-len(sdkExcluded), scenarios)
}

// compileOnce leaves module's compiled code in cache: a server for each of many
// scenarios would otherwise begin with that, all of them at the same time.
func compileOnce(t *testing.T, module []byte, cache string) {
	t.Helper()
	config := recorderConfig(map[string]string{"/": ""}, runtime.Limits{})
	config.Tenants[0].Module, config.CacheDir = module, cache
	serve(t, config)
}

// buildCases builds the guest, which is too large to be kept.
func buildCases(t *testing.T) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a guest and compiles its 3 MB")
	}
	path := filepath.Join(t.TempDir(), "cases.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", path, "./cases")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	wasm, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

package attack_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// TestMutants (G59): modules that were good before something happened to them are
// admitted or refused, and nothing else.
func TestMutants(t *testing.T) {
	count := 500
	if os.Getenv("WHERRY_LONG") != "" {
		count = 10_000
	}
	seeds := [][]byte{guests.Echo(), guests.Chat(), plain().bytes()}
	for _, name := range []string{"villain", "tables", "deep"} {
		wasm, err := os.ReadFile(filepath.Join("testdata", name+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, wasm)
	}
	host, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	before := liveBytes()
	refused := make(map[wasmhost.Rule]int)
	admitted := 0
	longest := time.Duration(0)
	for i := range count {
		rng := rand.New(rand.NewPCG(59, uint64(i)))
		wasm := mutate(rng, slices.Clone(seeds[rng.IntN(len(seeds))]))
		start := time.Now()
		m, err := host.Compile(wasm)
		took := time.Since(start)
		longest = max(longest, took)
		if took > 5*time.Second {
			t.Errorf("mutant %d: admission took %v", i, took)
		}
		var refusal *wasmhost.AdmissionError
		switch {
		case err == nil:
			admitted++
			m.Close()
		case errors.As(err, &refusal):
			refused[refusal.Rule]++
		default:
			t.Errorf("mutant %d: %v", i, err)
		}
	}
	if grown := int64(liveBytes()) - int64(before); grown > 16<<20 {
		t.Errorf("%d mutants left %d bytes", count, grown)
	}
	t.Logf("%d mutants: %d admitted, the others refused by %v; the longest took %v", count, admitted, refused, longest)
	if admitted == 0 || len(refused) < 3 {
		t.Error("the mutants are all alike")
	}
}

// liveBytes is what is on the heap and in use.
func liveBytes() uint64 {
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return m.HeapAlloc
}

// mutate does to a module what a bad disk, a bad network or a fuzzer would.
func mutate(rng *rand.Rand, wasm []byte) []byte {
	switch rng.IntN(4) {
	case 0: // cut off
		return wasm[:rng.IntN(len(wasm))]
	case 1: // bits flipped
		for range 1 + rng.IntN(8) {
			wasm[rng.IntN(len(wasm))] ^= 1 << rng.IntN(8)
		}
	case 2: // bytes replaced
		at := rng.IntN(len(wasm))
		for i := at; i < min(at+1+rng.IntN(16), len(wasm)); i++ {
			wasm[i] = byte(rng.Uint32())
		}
	case 3: // a section of noise
		noise := make([]byte, rng.IntN(64))
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		at := len(preamble)
		if rng.IntN(2) == 0 {
			at = len(wasm)
		}
		wasm = slices.Insert(wasm, at, section(byte(rng.IntN(14)), noise)...)
	}
	return wasm
}

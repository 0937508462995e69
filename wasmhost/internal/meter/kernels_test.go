package meter_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// kernels are the exports of kernels.wasm, and how much of each takes about
// a hundred microseconds.
var kernels = []struct {
	name string
	n    uint64
}{
	{"multiply", 80}, {"fnv", 20}, {"sieve", 4}, {"sha256", 50}, {"recurse", 15}, {"json", 50}, {"bulk", 300},
}

func kernelNames() (names []string) {
	for _, k := range kernels {
		names = append(names, k.name)
	}
	return names
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func rewrite(tb testing.TB, wasm []byte, cfg meter.Config) meter.Program {
	tb.Helper()
	m, err := meter.Decode(wasm, meter.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return m.Rewrite(cfg)
}

// A machine runs programs on one of the engine's two ways.
type machine struct {
	runtime wazero.Runtime
	refills int
	trapAt  int // the refill that traps the guest; 0 for none
	slice   int64
}

type outOfFuel struct{}

func (outOfFuel) Error() string { return "out of fuel" }

type tooDeep struct{}

func (tooDeep) Error() string { return "too deep" }

func newMachine(tb testing.TB, cfg wazero.RuntimeConfig) *machine {
	tb.Helper()
	m := &machine{runtime: wazero.NewRuntimeWithConfig(context.Background(), cfg.WithCoreFeatures(api.CoreFeaturesV2)), slice: 1 << 19}
	tb.Cleanup(func() { m.runtime.Close(context.Background()) })
	i64 := []api.ValueType{api.ValueTypeI64}
	_, err := m.runtime.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			left := int64(stack[0])
			if left == meter.StackUsedUp {
				panic(tooDeep{})
			}
			if m.refills++; m.refills == m.trapAt {
				panic(outOfFuel{})
			}
			stack[0] = uint64(left + max(m.slice, -left))
		}), i64, i64).Export(meter.ImportRefill).Instantiate(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func (m *machine) start(tb testing.TB, wasm []byte, data []meter.Segment) api.Module {
	tb.Helper()
	mod, err := m.runtime.InstantiateWithConfig(context.Background(), wasm,
		wazero.NewModuleConfig().WithName("").WithStartFunctions().WithRandSource(rand.Reader))
	if err != nil {
		tb.Fatal(err)
	}
	for _, s := range data {
		mod.Memory().Write(s.Offset, s.Bytes)
	}
	return mod
}

// TestKernels: metered or not, compiled or interpreted, programs come to the same
// results, and spend the same fuel in all slices.
func TestKernels(t *testing.T) {
	wasm := readFile(t, "testdata/kernels.wasm")
	p := rewrite(t, wasm, meter.Config{Entries: kernelNames()})
	plain := newMachine(t, wazero.NewRuntimeConfigInterpreter()).start(t, wasm, nil)
	compiler := newMachine(t, wazero.NewRuntimeConfig())
	interpreter := newMachine(t, wazero.NewRuntimeConfigInterpreter())
	guests := []api.Module{compiler.start(t, p.Wasm, p.Data), interpreter.start(t, p.Wasm, p.Data)}
	ctx := context.Background()
	for _, k := range kernels {
		n := k.n/10 + 1
		want, err := plain.ExportedFunction(k.name).Call(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		spent := int64(-1)
		for i, g := range guests {
			for _, slice := range []int64{1, 1000, 1 << 30} {
				compiler.slice, interpreter.slice = slice, slice
				machine := []*machine{compiler, interpreter}[i]
				machine.refills = 0
				fuel := int64(1 << 40)
				if slice < 1<<30 {
					fuel = 0
				}
				got, err := g.ExportedFunction(k.name).Call(ctx, n, uint64(fuel))
				if err != nil || got[0] != want[0] {
					t.Fatalf("%s: got %v, %v; want %v", k.name, got, err, want)
				}
				if slice < 1<<30 {
					continue // each has come to its end in slices of another size
				}
				if used := fuel - int64(got[1]); spent < 0 {
					spent = used
				} else if used != spent {
					t.Errorf("%s spent %d units interpreted, and %d compiled", k.name, used, spent)
				}
			}
		}
		t.Logf("%-8s %d units", k.name, spent)
	}
}

// TestCost prints what metering costs, beside the engine's own way to stop a
// guest; -v shows the table. The bounds hold on a quiet machine, so they are enforced
// only where WHERRY_BENCH asks for it.
func TestCost(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures for some seconds")
	}
	wasm := readFile(t, "testdata/kernels.wasm")
	metered := rewrite(t, wasm, meter.Config{Entries: kernelNames()})
	bare := rewrite(t, wasm, meter.Config{Entries: kernelNames(), Unmetered: true})
	ctx := context.Background()
	stock := newMachine(t, wazero.NewRuntimeConfig()).start(t, wasm, nil)
	deadline := newMachine(t, wazero.NewRuntimeConfig().WithCloseOnContextDone(true)).start(t, wasm, nil)
	m := newMachine(t, wazero.NewRuntimeConfig())
	guests := []struct {
		name   string
		module api.Module
		fuel   bool
	}{
		{"stock", stock, false},
		{"metered", m.start(t, metered.Wasm, metered.Data), true},
		{"unmetered", newMachine(t, wazero.NewRuntimeConfig()).start(t, bare.Wasm, bare.Data), true},
		{"deadline", deadline, false},
	}
	product, worst := 1.0, 0.0
	t.Logf("%-9s %10s %10s %10s %10s %10s", "", "ns", "metered", "unmetered", "deadline", "ns a unit")
	for _, k := range kernels {
		const rounds = 41
		times := make([][]float64, len(guests))
		var units int64
		for range rounds {
			for i, g := range guests {
				args := []uint64{k.n}
				if g.fuel {
					args = append(args, 1<<40)
				}
				f := g.module.ExportedFunction(k.name)
				start := time.Now()
				got, err := f.Call(ctx, args...)
				times[i] = append(times[i], float64(time.Since(start)))
				if err != nil {
					t.Fatal(k.name, g.name, err)
				}
				if g.name == "metered" {
					units = 1<<40 - int64(got[1])
				}
			}
		}
		var ratios []float64
		for i := range guests {
			ratios = append(ratios, medianRatio(times[i], times[0]))
		}
		t.Logf("%-9s %10.0f %10.2f %10.2f %10.2f %10.2f", k.name, median(times[0]), ratios[1], ratios[2], ratios[3], median(times[1])/float64(units))
		product *= ratios[1]
		worst = max(worst, ratios[1])
	}
	mean := math.Pow(product, 1/float64(len(kernels)))
	t.Logf("geometric mean %.2f, worst %.2f", mean, worst)
	if os.Getenv("WHERRY_BENCH") != "" && (mean > 1.15 || worst > 1.5) {
		t.Errorf("metering makes programs %.2f times as slow, at worst %.2f; want at most 1.15 and 1.5", mean, worst)
	}
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.SortFunc(v, cmp.Compare[float64])
	return v[len(v)/2]
}

// medianRatio compares what was measured in the same round.
func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}

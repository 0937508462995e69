package meter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// An ending is all that there is to see of a run.
type ending struct {
	result uint64
	trap   string
	memory string
	global uint64
}

// end runs a generated program.
func end(t *testing.T, mod api.Module, fuel bool, a, b uint64) (e ending, left int64) {
	t.Helper()
	ctx := context.Background()
	args := []uint64{a, b}
	if fuel {
		args = append(args, 1<<40)
	}
	got, err := mod.ExportedFunction("run").Call(ctx, args...)
	if err != nil {
		e.trap = trapText(err)
	} else {
		e.result = got[0]
		if fuel {
			left = int64(got[1])
		}
	}
	memory, _ := mod.Memory().Read(0, mod.Memory().Size())
	e.memory = string(memory)
	global, err := mod.ExportedFunction("get").Call(ctx)
	if err != nil {
		t.Fatal(err)
	}
	e.global = global[0]
	return e, left
}

// trapText is what stopped a guest, without where.
func trapText(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// TestAgree: generated programs come to the same end whether they are metered or
// not: the same result, memory, globals and trap, with both of the engine's ways
// to run them; and they spend the same fuel with both.
//
// Now and then the ways themselves differ: the engine's interpreter and compiler
// disagree on a program that nobody has rewritten. Then there is no fuel to
// compare, and the test says so.
func TestAgree(t *testing.T) {
	programs := 100
	if os.Getenv("WHERRY_LONG") != "" {
		programs = 20_000
	}
	ways := []*machine{newMachine(t, wazero.NewRuntimeConfig()), newMachine(t, wazero.NewRuntimeConfigInterpreter())}
	traps, spent, odd := 0, int64(0), 0
	for seed := range uint64(programs) {
		wasm := generate(seed)
		p := rewrite(t, wasm, meter.Config{Entries: []string{"run"}})
		a, b := seed%3+1, seed*0x9e3779b97f4a7c15
		var plain [2]ending
		var left [2]int64
		for i, m := range ways {
			was, is := m.start(t, wasm, nil), m.start(t, p.Wasm, p.Data)
			plain[i], _ = end(t, was, false, a, b)
			var metered ending
			metered, left[i] = end(t, is, true, a, b)
			if metered != plain[i] {
				t.Fatalf("seed %d, way %d: %q %d %d\nmetered: %q %d %d, left %d", seed, i,
					plain[i].trap, plain[i].result, plain[i].global, metered.trap, metered.result, metered.global, left[i])
			}
			was.Close(context.Background())
			is.Close(context.Background())
		}
		switch {
		case plain[0] != plain[1]:
			t.Logf("seed %d: the engine's compiler says %q %d, its interpreter %q %d", seed,
				plain[0].trap, plain[0].result, plain[1].trap, plain[1].result)
			odd++
		case left[0] != left[1]:
			t.Fatalf("seed %d: %d units left when compiled, and %d when interpreted", seed, left[0], left[1])
		case plain[0].trap != "":
			traps++
		default:
			spent += 1<<40 - left[0]
			if seed%4 == 0 {
				starve(t, ways[0], p, a, b, 1<<40-left[0])
			}
		}
	}
	t.Logf("%d programs, %d of which trap; %d units of fuel", programs, traps, spent)
	if traps == 0 || traps > programs/2 || odd > programs/1000 {
		t.Errorf("%d trap, and %d end in two ways: the programs are not worth much", traps, odd)
	}
}

// starve gives a program that spends n units less than that: it has to ask for
// more, at once or later, and is trapped. With exactly n it does not ask.
func starve(t *testing.T, m *machine, p meter.Program, a, b uint64, n int64) {
	t.Helper()
	ctx := context.Background()
	defer func() { m.trapAt = 0 }()
	for _, fuel := range []int64{0, n / 2, n - 1} {
		mod := m.start(t, p.Wasm, p.Data)
		m.refills, m.trapAt = 0, 1
		if _, err := mod.ExportedFunction("run").Call(ctx, a, b, uint64(fuel)); !errors.Is(err, outOfFuel{}) {
			t.Errorf("with %d of %d units: %v", fuel, n, err)
		}
		mod.Close(ctx)
	}
	mod := m.start(t, p.Wasm, p.Data)
	defer mod.Close(ctx)
	m.refills, m.trapAt = 0, 1
	if got, err := mod.ExportedFunction("run").Call(ctx, a, b, uint64(n)); err != nil || got[1] != 0 {
		t.Errorf("with all of %d units: %v, %v", n, got, err)
	}
}

// seeds returns modules of all kinds that are in the tree.
func seeds(tb testing.TB) (modules [][]byte) {
	for _, pattern := range []string{"testdata/*.wasm", "../../testdata/*.wasm", "../../testdata/refuse/*.wasm",
		"../../../guests/*/*.wasm", "../../../runtime/testdata/*.wasm"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			tb.Fatal(pattern, err)
		}
		for _, name := range names {
			modules = append(modules, readFile(tb, name))
		}
	}
	for seed := range uint64(5) {
		modules = append(modules, generate(seed))
	}
	return modules
}

// A judge asks the engine whether a module is valid.
type judge struct{ runtime wazero.Runtime }

func newJudge(tb testing.TB) judge {
	r := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2))
	tb.Cleanup(func() { r.Close(context.Background()) })
	return judge{r}
}

func (j judge) validate(wasm []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the engine panicked: %v", r)
		}
	}()
	m, err := j.runtime.CompileModule(context.Background(), wasm)
	if err == nil {
		m.Close(context.Background())
	}
	return err
}

// checkRewrite: what was valid is valid when it is rewritten, and what was not is
// not.
func checkRewrite(t *testing.T, j judge, wasm []byte) {
	m, err := meter.Decode(wasm, meter.Limits{})
	if err != nil {
		var refused *meter.Error
		if !errors.As(err, &refused) || refused.Rule == "" || refused.Detail == "" {
			t.Fatalf("got %v; want an Error", err)
		}
		return
	}
	before := bytes.Clone(wasm)
	p := m.Rewrite(meter.Config{Entries: []string{"wherry_v1_turn", "run"}})
	if !bytes.Equal(wasm, before) {
		t.Fatal("Rewrite changed its input")
	}
	was, is := j.validate(wasm), j.validate(p.Wasm)
	if was != nil && (strings.Contains(was.Error(), "section custom") || strings.Contains(was.Error(), "custom section")) {
		return // custom sections do not make a module invalid (2.5.2), and most are gone
	}
	if (was == nil) != (is == nil) {
		t.Errorf("was: %v\nis: %v", was, is)
	}
}

func TestRewriteValidates(t *testing.T) {
	j := newJudge(t)
	for i, wasm := range seeds(t) {
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkRewrite(t, j, wasm) })
	}
}

// FuzzRewrite holds decoder and rewriter against the engine's validation.
func FuzzRewrite(f *testing.F) {
	for _, wasm := range seeds(f) {
		f.Add(wasm)
	}
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if len(wasm) > 16<<10 {
			t.Skip("the engine's validation is slow")
		}
		checkRewrite(t, j, wasm)
	})
}

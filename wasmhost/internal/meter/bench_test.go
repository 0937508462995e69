package meter_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/seed-c6589352/wherry/wasmhost/internal/meter"
)

// BenchmarkKernel runs the kernels of TestCost, metered and not.
func BenchmarkKernel(b *testing.B) {
	wasm := readFile(b, "testdata/kernels.wasm")
	for _, unmetered := range []bool{false, true} {
		p := rewrite(b, wasm, meter.Config{Entries: kernelNames(), Unmetered: unmetered})
		guest := newMachine(b, wazero.NewRuntimeConfig()).start(b, p.Wasm, p.Data)
		for _, k := range kernels {
			b.Run(fmt.Sprintf("kernel=%s/metered=%v", k.name, !unmetered), func(b *testing.B) {
				f := guest.ExportedFunction(k.name)
				stack := make([]uint64, 2)
				for b.Loop() {
					stack[0], stack[1] = k.n, 1<<40
					if err := f.CallWithStack(context.Background(), stack); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRewrite takes a module apart and writes it metered.
func BenchmarkRewrite(b *testing.B) {
	wasm := readFile(b, "testdata/kernels.wasm")
	b.SetBytes(int64(len(wasm)))
	b.ReportAllocs()
	for b.Loop() {
		rewrite(b, wasm, meter.Config{Entries: kernelNames()})
	}
}

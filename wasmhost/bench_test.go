package wasmhost

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
)

// emptyExport returns an export that does nothing, of a guest that lives as
// long as the test: a call of it is what the engine costs at least.
func emptyExport(tb testing.TB) (f api.Function, in *Instance) {
	in = start(tb, readGuest(tb, "minimal"), InstanceConfig{})
	return in.module.ExportedFunction("empty"), in
}

// callEmpty is the yardstick: a bare call, with nothing of ours around it.
func callEmpty(tb testing.TB, f api.Function, in *Instance) {
	if err := f.CallWithStack((*guestContext)(in), in.stack[:]); err != nil {
		tb.Fatal(err)
	}
}

// echoTurn is a whole turn as a loop runs it: stage batch messages with a copy
// of the payload each, deliver them, read every command and view its bytes. It
// returns how many bytes came back.
func echoTurn(tb testing.TB, in *Instance, batch int, payload []byte) (echoed int) {
	for i := range batch {
		r := abi.Record{Kind: abi.Message, Conn: uint64(i + 1)}
		p, ok := in.Push(&r, len(payload))
		if !ok {
			tb.Fatal("no room in the inbox")
		}
		copy(p, payload)
	}
	n, err := in.Turn(Clock{Wall: 1, Mono: 1}, testFuel)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		var r abi.Record
		in.Command(i, &r)
		p, ok := in.View(r.Data, r.Len)
		if !ok {
			tb.Fatal("a command points beyond the memory")
		}
		echoed += len(p)
	}
	return echoed
}

func BenchmarkCallWithStack(b *testing.B) {
	f, in := emptyExport(b)
	b.ReportAllocs()
	for b.Loop() {
		callEmpty(b, f, in)
	}
}

// BenchmarkTurn is a batch of events through the guest and back, as a loop does it.
// The figure to compare is ns/event.
func BenchmarkTurn(b *testing.B) {
	payload := bytes.Repeat([]byte("echo"), 16)
	for _, unmetered := range []bool{false, true} {
		host := newHost(b, Config{Unmetered: unmetered})
		for _, batch := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("batch=%d/metered=%v", batch, !unmetered), func(b *testing.B) {
				in := instantiate(b, compile(b, host, guests.Echo()), InstanceConfig{})
				b.ReportAllocs()
				for b.Loop() {
					echoTurn(b, in, batch, payload)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
			})
		}
	}
}

func BenchmarkInstantiate(b *testing.B) {
	m := compile(b, newHost(b, Config{}), guests.Echo())
	b.ReportAllocs()
	for b.Loop() {
		in, err := m.Instantiate(InstanceConfig{})
		if err != nil {
			b.Fatal(err)
		}
		in.Close()
	}
}

// TestTurnRatios measures an event against a bare call of the guest. Only the
// ratio means anything, and only between windows that took turns: a machine
// changes its speed from one moment to the next. The bounds hold on a quiet
// machine, so they are enforced only where WHERRY_BENCH asks for it.
func TestTurnRatios(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	payload := bytes.Repeat([]byte("echo"), 16)
	f, empty := emptyExport(t)
	echo := start(t, guests.Echo(), InstanceConfig{})
	unmetered := instantiate(t, compile(t, newHost(t, Config{Unmetered: true}), guests.Echo()), InstanceConfig{})

	const rounds, events = 200, 2048
	batches := []struct {
		size int
		most float64 // of a bare call, per event
	}{{1, 2.6}, {64, 1.0}}
	calls := make([]float64, rounds)
	turns, bare := make([][]float64, len(batches)), make([][]float64, len(batches))
	for round := range rounds {
		calls[round] = window(events, func() {
			for range events {
				callEmpty(t, f, empty)
			}
		})
		for i, b := range batches {
			turns[i] = append(turns[i], window(events, func() {
				for range events / b.size {
					echoTurn(t, echo, b.size, payload)
				}
			}))
			bare[i] = append(bare[i], window(events, func() {
				for range events / b.size {
					echoTurn(t, unmetered, b.size, payload)
				}
			}))
		}
	}
	call := median(calls)
	t.Logf("bare call %.1f ns", call)
	for i, b := range batches {
		event := median(turns[i])
		t.Logf("batch=%d %.1f ns an event, %.2f of a bare call (at most %.1f), %.2f of an unmetered one",
			b.size, event, event/call, b.most, event/median(bare[i]))
		if event > b.most*call && os.Getenv("WHERRY_BENCH") != "" {
			t.Errorf("batch=%d costs %.2f of a bare call, more than %.1f", b.size, event/call, b.most)
		}
	}
}

// window returns how many nanoseconds f took for each of n events.
func window(n int, f func()) float64 {
	began := time.Now()
	f()
	return float64(time.Since(began).Nanoseconds()) / float64(n)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

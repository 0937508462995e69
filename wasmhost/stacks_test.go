package wasmhost

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
)

// warmOnes counts the instances that have a stack.
func warmOnes(all []*Instance) (n int) {
	for _, in := range all {
		if in.turn != nil {
			n++
		}
	}
	return n
}

// TestStacks runs instances in orders that find their stacks there and gone, and
// looks that never more of them have one than is asked for, while all of them work.
func TestStacks(t *testing.T) {
	m := compile(t, newHost(t, Config{}), guests.Echo())
	for _, most := range []int{1, 2, 7} {
		stacks := NewStacks(most)
		var all []*Instance
		for range 5 {
			all = append(all, instantiate(t, m, InstanceConfig{Stacks: stacks}))
		}
		rng := rand.New(rand.NewPCG(1, uint64(most)))
		for range 500 {
			i := rng.IntN(len(all))
			switch in := all[i]; {
			case rng.IntN(20) == 0:
				in.Close()
				all[i] = instantiate(t, m, InstanceConfig{Stacks: stacks})
			case rng.IntN(10) == 0:
				if addr, err := in.Alloc(100_000); err != nil || addr == 0 {
					t.Fatalf("Alloc: %#x, %v", addr, err)
				} else {
					in.Return(addr)
				}
			default:
				echoTurn(t, in, 1, []byte("a message"))
			}
			if n := warmOnes(all); n > most {
				t.Fatalf("%d instances have a stack, want at most %d", n, most)
			}
		}
	}
}

// TestStacksLetRun looks that an instance that runs between any two others keeps
// its stack.
func TestStacksLetRun(t *testing.T) {
	m := compile(t, newHost(t, Config{}), guests.Echo())
	stacks := NewStacks(2)
	var all []*Instance
	for range 5 {
		all = append(all, instantiate(t, m, InstanceConfig{Stacks: stacks}))
	}
	busy := all[0]
	echoTurn(t, busy, 1, []byte("a message"))
	first := busy.turn
	for _, in := range all[1:] {
		echoTurn(t, in, 1, []byte("a message"))
		echoTurn(t, busy, 1, []byte("a message"))
	}
	if busy.turn != first {
		t.Error("the instance that ran all the time has got another stack")
	}
}

// BenchmarkManyInstances gives instances a turn each, one after the other: what a
// lone event costs where its instance has a stack, and where it has not.
func BenchmarkManyInstances(b *testing.B) {
	m := compile(b, newHost(b, Config{}), guests.Echo())
	for _, bc := range []struct {
		name            string
		instances, warm int
	}{
		{"instances=1", 1, 1024},
		{"instances=1000", 1000, 1024},
		{"instances=4000", 4000, 1024},
	} {
		b.Run(bc.name, func(b *testing.B) {
			stacks := NewStacks(bc.warm)
			all := make([]*Instance, bc.instances)
			for i := range all {
				all[i] = instantiate(b, m, InstanceConfig{Stacks: stacks})
			}
			i := 0
			for b.Loop() {
				if _, err := all[i].Turn(Clock{}, 1000); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(all) {
					i = 0
				}
			}
		})
	}
}

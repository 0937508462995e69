package wasmhost

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// treeGuests returns the guests of the tree, but for those that do what a message says,
// for as long as it says.
func treeGuests(t *testing.T) map[string][]byte {
	t.Helper()
	modules := make(map[string][]byte)
	for _, pattern := range []string{"testdata/behave.wasm", "testdata/echo.wasm", "testdata/image/*.wasm", "../guests/*/*.wasm"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			wasm, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			modules[name] = wasm
		}
	}
	return modules
}

// An act is what comes of a turn: how it ended, what it commanded, and what it left
// in the memory.
type act struct {
	end      string
	commands string
	memory   []byte
	spent    int64
}

// perform gives a guest turns that are made up from a seed, until it has had enough
// of them or traps.
func perform(t *testing.T, m *Module, seed uint64) (acts []act) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	in, err := m.Instantiate(InstanceConfig{MemoryPages: 64, TimeLimit: -1, Now: Clock{Wall: 1, Mono: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	words := []string{"", "hello", "join lobby", "repeat", "\x00\x01\x02\x03", "a longer message of several words, to be copied"}
	for turn := range 12 {
		for range r.IntN(8) {
			rec := abi.Record{
				Kind: abi.Kind(1 + r.IntN(5)), Flags: abi.Flags(r.IntN(4)), Code: uint32(r.IntN(24)),
				Conn: uint64(r.IntN(4)), Token: uint64(r.IntN(100)),
			}
			data := words[r.IntN(len(words))]
			if rec.Kind == abi.Connect {
				data = string(abi.AppendField(abi.AppendField(nil, abi.FieldPath, "/room"), abi.FieldParam+"room", "lobby"))
			}
			if p, ok := in.Push(&rec, len(data)); ok {
				copy(p, data)
			}
		}
		n, err := in.Turn(Clock{Wall: 1, Mono: int64(turn + 1)}, testFuel)
		a := act{end: fmt.Sprint(err == nil), spent: in.Spent()}
		var trap *TrapError
		if errors.As(err, &trap) {
			a.end = string(trap.Reason)
		}
		for i := range n {
			var c abi.Record
			in.Command(i, &c)
			a.commands += fmt.Sprintln(c)
		}
		if in.memory.bytes != nil {
			a.memory = bytes.Clone(in.memory.bytes)
		}
		acts = append(acts, a)
		if err != nil {
			break
		}
	}
	return acts
}

// TestGuestsAgree: every guest of the tree does the same, whether it is metered or
// not, compiled or interpreted, and spends the same.
func TestGuestsAgree(t *testing.T) {
	hosts := []struct {
		name  string
		host  *Host
		fuels bool
	}{
		{"metered", newHost(t, Config{}), true},
		{"unmetered", newHost(t, Config{Unmetered: true}), false},
		{"interpreted", newHost(t, Config{interpret: true}), true},
		{"without an image", newHost(t, Config{noImage: true}), true},
	}
	turns, traps := 0, 0
	for name, wasm := range treeGuests(t) {
		for seed := range uint64(6) {
			var want []act
			for i, h := range hosts {
				got := perform(t, compile(t, h.host, wasm), seed)
				if i == 0 {
					want = got
					turns += len(got)
					if got[len(got)-1].end != "true" {
						traps++
					}
					continue
				}
				if len(got) != len(want) {
					t.Fatalf("%s, seed %d, %s: %d turns, want %d", name, seed, h.name, len(got), len(want))
				}
				for j := range got {
					g, w := &got[j], &want[j]
					if w.end == string(ReasonDepth) && g.end == string(ReasonStackOverflow) {
						continue // how deep it gets is the engine's matter, where nobody counts or it interprets
					}
					if g.end != w.end || g.commands != w.commands || !bytes.Equal(g.memory, w.memory) || h.fuels && g.spent != w.spent {
						t.Errorf("%s, seed %d, %s, turn %d: ended %s, %d spent, commands\n%s\nwant %s, %d,\n%s\nmemory alike: %v", name, seed, h.name, j,
							g.end, g.spent, g.commands, w.end, w.spent, w.commands, bytes.Equal(g.memory, w.memory))
					}
				}
			}
		}
	}
	t.Logf("%d turns, %d of which trap", turns, traps)
	if traps == 0 {
		t.Error("no guest traps")
	}
}

package rust

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A guest is an instance of the program of the transcripts, and what it has said.
type guest struct {
	*wasmhost.Instance
	t     *testing.T
	said  []abi.Record // commands of the turn
	lines []string     // of the log
}

func newGuest(t *testing.T) *guest {
	t.Helper()
	wasm, err := os.ReadFile("../../transcripts/rust/program.wasm")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	m, err := engine.Compile(wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	g := &guest{t: t}
	g.Instance, err = m.Instantiate(wasmhost.InstanceConfig{
		Log: func(_ int, line []byte) { g.lines = append(g.lines, string(line)) },
		Flush: func(in *wasmhost.Instance, commands int) int {
			g.keep(in, commands)
			return 0
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func (g *guest) keep(in *wasmhost.Instance, commands int) {
	for i := range commands {
		var r abi.Record
		in.Command(i, &r)
		in.SetStatus(i, abi.OK)
		g.said = append(g.said, r)
	}
}

// push puts an event into the inbox.
func (g *guest) push(r abi.Record, payload string) {
	g.t.Helper()
	place, ok := g.Push(&r, len(payload))
	if !ok {
		g.t.Fatal("the inbox is full")
	}
	copy(place, payload)
}

// connect has a handshake for a route answered.
func (g *guest) connect(conn uint64, route string) {
	g.t.Helper()
	g.push(abi.Record{Kind: abi.Connect, Conn: conn}, string(abi.AppendField(nil, abi.FieldRoute, route)))
	if g.turn(); len(g.said) == 0 || g.said[0].Kind != abi.Accept {
		g.t.Fatalf("%s: %v", route, g.said)
	}
}

// turn has the guest handle what is in the inbox.
func (g *guest) turn() {
	g.t.Helper()
	g.said = g.said[:0]
	commands, err := g.Turn(wasmhost.Clock{}, 1_000_000_000)
	if err != nil {
		g.t.Fatal(err)
	}
	g.keep(g.Instance, commands)
}

// pages returns the size of the guest's memory.
func (g *guest) pages() (n uint32) {
	for {
		if _, ok := g.View(n<<16, 1); !ok {
			return n
		}
		n++
	}
}

// TestEchoInPlace: bytes that go back are not copied, and nothing of them stays.
func TestEchoInPlace(t *testing.T) {
	g := newGuest(t)
	g.connect(1, "/any")
	before := g.pages()
	for range 20_000 {
		for range 8 {
			g.push(abi.Record{Kind: abi.Message, Conn: 1}, strings.Repeat("x", 1000))
		}
		g.turn()
		for i, r := range g.said {
			if r.Kind != abi.Message || r.Len != 1000 || i > 0 && r.Data != g.said[i-1].Data-1000 {
				t.Fatalf("command %d is %+v", i, r)
			}
		}
		if len(g.said) != 8 {
			t.Fatalf("%d commands", len(g.said))
		}
	}
	if after := g.pages(); after != before {
		t.Errorf("%d pages of memory became %d", before, after)
	}
}

// TestLent: a large message goes back from where the host has put it, and the memory is
// there for the next.
func TestLent(t *testing.T) {
	g := newGuest(t)
	g.connect(1, "/any")
	const size = 1 << 20
	pages := uint32(0)
	for i := range 50 {
		var lent [2]uint32
		for j := range lent {
			at, err := g.Alloc(size)
			if err != nil || at == 0 {
				t.Fatal(at, err)
			}
			lent[j] = at
			place, _ := g.View(at, size)
			place[0], place[size-1] = byte(i), byte(j)
			if !g.PushAt(&abi.Record{Kind: abi.Message, Conn: 1, Data: at, Len: size}) {
				t.Fatal("the inbox is full")
			}
		}
		g.turn()
		if len(g.said) != len(lent) {
			t.Fatalf("%d commands", len(g.said))
		}
		for j, r := range g.said {
			if data, ok := g.View(r.Data, r.Len); !ok || r.Data != lent[j] || r.Len != size || data[0] != byte(i) || data[size-1] != byte(j) {
				t.Fatalf("command %d is %+v, lent was %#x", j, r, lent[j])
			}
		}
		if i == 0 {
			pages = g.pages()
		}
	}
	if now := g.pages(); now > pages+size>>16 {
		t.Errorf("%d pages of memory became %d", pages, now)
	}
	if at, err := g.Alloc(1 << 30); at != 0 || err != nil {
		t.Errorf("a buffer that does not fit: %#x, %v", at, err)
	}
}

// TestManyCommands: more than the outbox holds, in their order.
func TestManyCommands(t *testing.T) {
	g := newGuest(t)
	g.connect(1, "/count")
	const messages = 5000
	for range messages {
		g.push(abi.Record{Kind: abi.Message, Conn: 1}, "x")
	}
	var texts []string
	g.said = nil
	commands, err := g.Turn(wasmhost.Clock{}, 1_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	flushed := len(g.said)
	for i := range commands {
		var r abi.Record
		g.Command(i, &r)
		data, _ := g.View(r.Data, r.Len)
		texts = append(texts, string(data))
	}
	if flushed == 0 || flushed+commands != messages {
		t.Fatalf("%d commands were flushed and %d returned", flushed, commands)
	}
	for i, text := range texts {
		if want := fmt.Sprint(flushed + i + 1); text != want {
			t.Fatalf("command %d says %s", flushed+i+1, text)
		}
	}
}

// TestPanic: the log says what and where, the stack whose handler it was.
func TestPanic(t *testing.T) {
	g := newGuest(t)
	g.connect(1, "/trap")
	g.push(abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: 1}, "x")
	_, err := g.Turn(wasmhost.Clock{}, 1_000_000_000)
	var trap *wasmhost.TrapError
	if !errors.As(err, &trap) {
		t.Fatal(err)
	}
	for _, name := range []string{"8messages4Trap", "6handle", "rust_panic", "wherry_v1_turn"} {
		if !strings.Contains(trap.Error(), name) {
			t.Errorf("the stack has no %s: %v", name, trap)
		}
	}
	const want = "panicked at 'a bug in the guest', transcripts/rust/src/messages.rs:"
	if len(g.lines) != 1 || !strings.HasPrefix(g.lines[0], want) {
		t.Errorf("the log has %q", g.lines)
	}
}

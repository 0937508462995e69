package wherry_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/wasmhost"
)

const fuel = 2_000_000_000

// buildGuest builds testdata/guest, which is too large to be kept.
func buildGuest(t *testing.T) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a guest and compiles its 2 MB")
	}
	out := filepath.Join(t.TempDir(), "guest.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-trimpath", "-o", out, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// A guest is an instance with the lines that it logs.
type guest struct {
	*wasmhost.Instance
	t     testing.TB
	lines []string
}

// boot makes instances of a module that live as long as the test.
func boot(t testing.TB, wasm []byte) *guest {
	t.Helper()
	host, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	module, err := host.Compile(wasm)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t}
	g.Instance, err = module.Instantiate(wasmhost.InstanceConfig{
		TimeLimit: 10 * time.Second,
		Log:       func(_ int, line []byte) { g.lines = append(g.lines, string(line)) },
		Flush:     func(_ *wasmhost.Instance, _ int) int { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Close()
		module.Close()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// push stages an event. It and echo are measured, so they are no helpers.
func (g *guest) push(r abi.Record, payload []byte) {
	place, ok := g.Push(&r, len(payload))
	if !ok {
		g.t.Fatal("no room in the inbox")
	}
	copy(place, payload)
}

// connect opens a connection at a route.
func (g *guest) connect(conn uint64, route string) {
	g.t.Helper()
	g.push(abi.Record{Kind: abi.Connect, Conn: conn}, abi.AppendField(nil, abi.FieldRoute, route))
	if n, err := g.turn(); n != 1 || err != nil {
		g.t.Fatalf("connect: %d commands, %v", n, err)
	}
}

func (g *guest) turn() (int, error) { return g.Turn(wasmhost.Clock{Wall: 1, Mono: 1}, fuel) }

// ask sends a message to a connection and returns the number that it answers.
func (g *guest) ask(conn uint64) int {
	g.t.Helper()
	g.push(abi.Record{Kind: abi.Message, Conn: conn}, nil)
	if n, err := g.turn(); n != 1 || err != nil {
		g.t.Fatalf("ask: %d commands, %v", n, err)
	}
	var r abi.Record
	g.Command(0, &r)
	text, _ := g.View(r.Data, r.Len)
	number, err := strconv.Atoi(string(text))
	if err != nil {
		g.t.Fatal(err)
	}
	return number
}

// echo sends a batch of messages, one to each connection, and takes their echoes.
func (g *guest) echo(batch int, payload []byte) {
	for i := range batch {
		g.push(abi.Record{Kind: abi.Message, Conn: uint64(i + 1)}, payload)
	}
	n, err := g.turn()
	if n != batch || err != nil {
		g.t.Fatalf("echo: %d commands of %d, %v", n, batch, err)
	}
	for i := range n {
		var r abi.Record
		g.Command(i, &r)
		if p, ok := g.View(r.Data, r.Len); !ok || len(p) != len(payload) || r.Conn != uint64(i+1) {
			g.t.Fatalf("echo %d is %+v", i, r)
		}
	}
}

// TestEchoBudget: bytes that are answered with bytes allocate nothing in the guest.
func TestEchoBudget(t *testing.T) {
	g := boot(t, buildGuest(t))
	const batch = 64
	for i := range uint64(batch) {
		g.connect(i+1, "/echo")
	}
	g.connect(1000, "/mallocs")
	payload := bytes.Repeat([]byte("echo"), 16)
	g.echo(batch, payload)
	g.ask(1000)
	before := g.ask(1000)
	asking := g.ask(1000) - before // what the question itself allocates
	before = g.ask(1000)
	for range 100 {
		g.echo(batch, payload)
	}
	if got := g.ask(1000) - before - asking; got > 0 {
		t.Errorf("%d messages made %d allocations", 100*batch, got)
	}
}

// TestIdleMemory: a connection that waits costs little.
func TestIdleMemory(t *testing.T) {
	const conns, most = 10_000, 160 // bytes each
	g := boot(t, buildGuest(t))
	g.connect(1<<40, "/heap")
	g.ask(1 << 40)
	before := g.ask(1 << 40)
	for i := range uint64(conns) {
		g.connect(i+1, "/echo")
	}
	each := (g.ask(1<<40) - before) / conns
	t.Logf("%d bytes a connection", each)
	if each > most {
		t.Errorf("%d bytes a connection, more than %d", each, most)
	}
}

// TestPanic: the log of the host has the text of a panic and the functions that led
// to it, though the module has no debug information.
func TestPanic(t *testing.T) {
	g := boot(t, buildGuest(t))
	g.connect(1, "/bug")
	g.push(abi.Record{Kind: abi.Message, Conn: 1}, nil)
	if _, err := g.turn(); err == nil {
		t.Fatal("the guest did not trap")
	}
	text := strings.Join(g.lines, "\n")
	for _, want := range []string{"panic: the list has 0 entries", "main.findTheBug(", "main.go:", "wherry/guests/sdk/go.turn("} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the log:\n%s", want, text)
		}
	}
}

// TestEchoRatio compares an event of an echo here with one of an echo in C that has no
// SDK at all: of many short windows that take turns the fastest, because what is
// slower was disturbed. In Go a call costs some 10 ns whatever it does, and an event
// takes three. It is enforced where WHERRY_BENCH asks for it.
func TestEchoRatio(t *testing.T) {
	goGuest, cGuest := boot(t, buildGuest(t)), boot(t, guests.Echo())
	const batch, rounds, most = 64, 2000, 4.5
	for i := range uint64(batch) {
		goGuest.connect(i+1, "/echo")
		cGuest.connect(i+1, "/echo")
	}
	payload := bytes.Repeat([]byte("echo"), 16)
	window := func(g *guest) float64 {
		const turns = 4
		began := time.Now()
		for range turns {
			g.echo(batch, payload)
		}
		return float64(time.Since(began).Nanoseconds()) / (turns * batch)
	}
	inGo, inC := window(goGuest), window(cGuest)
	for range rounds {
		inGo, inC = min(inGo, window(goGuest)), min(inC, window(cGuest))
	}
	t.Logf("Go %.1f ns an event, C %.1f, ratio %.2f (at most %.1f)", inGo, inC, inGo/inC, most)
	if inGo > most*inC && os.Getenv("WHERRY_BENCH") != "" {
		t.Errorf("an event costs %.2f times what it costs in C", inGo/inC)
	}
}

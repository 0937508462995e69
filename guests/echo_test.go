package guests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// echoes returns every echo guest that can be had here, by name.
func echoes(t *testing.T) map[string][]byte {
	t.Helper()
	return map[string][]byte{"c": Echo(), "wat": EchoWAT(), "go": buildGo(t)}
}

// buildGo compiles echo-go, which is too large to be kept.
func buildGo(t *testing.T) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a guest with the go tool")
	}
	out := filepath.Join(t.TempDir(), "echo-go.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, "./echo-go")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func TestEcho(t *testing.T) {
	for name, wasm := range echoes(t) {
		t.Run(name, func(t *testing.T) {
			h := boot(t, wasm)
			got := h.turn(
				event{Record: abi.Record{Kind: abi.Start}, payload: "fields"},
				event{Record: abi.Record{Kind: abi.Connect, Conn: 7}, payload: "fields"},
				event{Record: abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: 7}, payload: "hello"},
				event{Record: abi.Record{Kind: abi.Message, Conn: 1<<63 | 9}, payload: "\x00\xff"},
				event{Record: abi.Record{Kind: abi.Message, Conn: 7}, payload: ""},
				event{Record: abi.Record{Kind: abi.Close, Code: 1000, Conn: 7}, payload: "bye"},
				event{Record: abi.Record{Kind: abi.Fault, Code: uint32(abi.Closed), Conn: 7}},
				event{Record: abi.Record{Kind: 999, Conn: 7}},
			)
			want := []command{
				{abi.Record{Kind: abi.Accept, Conn: 7}, ""},
				{abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: 7}, "hello"},
				{abi.Record{Kind: abi.Message, Conn: 1<<63 | 9}, "\x00\xff"},
				{abi.Record{Kind: abi.Message, Conn: 7}, ""},
			}
			compare(t, got, want)
			if got := h.turn(); len(got) != 0 {
				t.Errorf("an empty turn has %d commands; want none", len(got))
			}
		})
	}
}

// compare checks kinds, flags, codes, handles and text; addresses are the
// guest's own business.
func compare(t *testing.T, got, want []command) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i].String()
		}
		if i < len(want) {
			w = want[i].String()
		}
		if g != w {
			t.Errorf("command %d: got %s; want %s", i, g, w)
		}
	}
}

func (c command) String() string {
	return fmt.Sprintf("kind %d flags %#x code %d conn %#x %q", c.Kind, uint16(c.Flags), c.Code, c.Conn, c.text)
}

// TestEchoFullInbox delivers as many events as an inbox can hold. Each is
// answered, whatever the size of the outbox.
func TestEchoFullInbox(t *testing.T) {
	for name, wasm := range echoes(t) {
		t.Run(name, func(t *testing.T) {
			h := boot(t, wasm)
			events := make([]event, h.box.InboxBytes/abi.RecordSize)
			for i := range events {
				events[i].Record = abi.Record{Kind: abi.Message, Conn: uint64(i) + 1}
			}
			got := h.turn(events...)
			if len(got) != len(events) {
				t.Fatalf("%d events, %d commands", len(events), len(got))
			}
			for i, c := range got {
				if c.Conn != uint64(i)+1 {
					t.Fatalf("command %d is for %d", i, c.Conn)
				}
			}
			cursor, _ := h.module.Memory().ReadUint32Le(h.boxAddr + abi.CursorOffset)
			if int(cursor) != len(events)-1 {
				t.Errorf("cursor is %d after %d events", cursor, len(events))
			}
		})
	}
}

// TestEchoLargeMessage lends buffers: two at once, one that is kept for a later
// message, and one that comes back and is used again.
func TestEchoLargeMessage(t *testing.T) {
	for name, wasm := range echoes(t) {
		if name == "wat" {
			continue // has no alloc: a message must fit in its inbox
		}
		t.Run(name, func(t *testing.T) {
			h := boot(t, wasm)
			const size = 1 << 20
			kept, used := h.alloc(size), h.alloc(size)
			if kept == 0 || used == 0 || kept == used {
				t.Fatalf("alloc: got %d and %d", kept, used)
			}
			for _, at := range []uint32{used, kept} {
				text := strings.Repeat(string(rune('a'+at%26)), size-1)
				h.module.Memory().WriteString(at, text)
				got := h.turn(event{Record: abi.Record{Kind: abi.Message, Conn: 7, Data: at, Len: size - 1}})
				compare(t, got, []command{{abi.Record{Kind: abi.Message, Conn: 7}, text}})
			}
			if h.alloc(1<<31) != 0 {
				t.Error("alloc of 2 GiB: want 0")
			}
			before := h.module.Memory().Size()
			for i := range 100 { // given back by an event, so it can be lent again
				kind := []abi.Kind{abi.Message, abi.Connect, abi.Close}[i%3]
				h.turn(event{Record: abi.Record{Kind: kind, Conn: 7, Data: h.alloc(size), Len: 1}})
			}
			// Go's collector takes its time, but 100 MiB would show.
			if grown := h.module.Memory().Size() - before; grown > 16*size {
				t.Errorf("memory grew by %d bytes; buffers are not used again", grown)
			}
		})
	}
}

// TestImports holds guests to what they say of themselves.
func TestImports(t *testing.T) {
	for name, tc := range map[string]struct {
		wasm []byte
		want string
	}{
		"echo":     {Echo(), "wherry_v1.flush"},
		"chat":     {Chat(), "wherry_v1.flush"},
		"echo-wat": {EchoWAT(), ""},
	} {
		var got []string
		h := boot(t, tc.wasm)
		for _, f := range h.code.ImportedFunctions() {
			module, function, _ := f.Import()
			got = append(got, module+"."+function)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s imports %q; want %q", name, s, tc.want)
		}
	}
}

// TestReproducible builds the committed modules again, where the tools are.
func TestReproducible(t *testing.T) {
	if os.Getenv("CI") != "" {
		t.Skip("guests/build.sh --check is a step of its own")
	}
	for _, tool := range []string{"clang-14", "wasm-ld-14", "wat2wasm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	if msg, err := exec.Command("sh", "build.sh", "--check").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, msg)
	}
}

// BenchmarkEcho measures the call of a guest with a batch of 64 messages,
// without the host's share of placing them and applying the commands.
func BenchmarkEcho(b *testing.B) {
	const batch = 64
	for name, wasm := range map[string][]byte{"c": Echo(), "wat": EchoWAT()} {
		b.Run(name, func(b *testing.B) {
			h := boot(b, wasm)
			events := make([]event, batch)
			for i := range events {
				events[i] = event{Record: abi.Record{Kind: abi.Message, Conn: uint64(i) + 1}, payload: "0123456789abcdef"}
			}
			h.place(events)
			ctx, stack := context.Background(), make([]uint64, 1)
			b.ReportAllocs()
			for b.Loop() {
				stack[0] = batch
				if err := h.turnFunc.CallWithStack(ctx, stack); err != nil || stack[0] != batch {
					b.Fatal(stack[0], err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/event")
		})
	}
}

package assemblyscript

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

const (
	probe   = "testdata/probe.wasm"
	program = "../../transcripts/assemblyscript/program.wasm"
)

// TestEchoAllocatesNothing: bytes go through without an allocation. Where the next
// one would be moves with everything that is allocated and not freed before, and
// the collector frees nothing as long as nothing is allocated.
func TestEchoAllocatesNothing(t *testing.T) {
	h := start(t, probe)
	h.turn(connect(1, "/heap"))
	h.heapTop(1) // allocates its own answer
	echo := func(e event) {
		for range 1000 {
			if got := h.only(h.turn(e)); got != e.payload {
				t.Fatalf("got %q", got)
			}
		}
	}
	first := h.heapTop(1)
	before := h.heapTop(1)
	if before == first {
		t.Fatal("asking allocates, and does not move the next block: it would not show what else does")
	}
	echo(binary(1, strings.Repeat("x", 100)))
	echo(text(1, "hello"))
	if after := h.heapTop(1); after-before != before-first {
		t.Errorf("the next block went from %d to %d; asking alone moves it by %d", before, after, before-first)
	}
}

// TestMemoryIsBounded: a guest that allocates all the time does not grow, because
// its collector runs.
func TestMemoryIsBounded(t *testing.T) {
	object := `{"a":[` + strings.Repeat(`"some text",`, 50) + `1.5]}`
	for _, tc := range []struct {
		name  string
		turns int
		event func(i int) []event
	}{
		{"text", 6000, func(int) []event { return []event{text(1, strings.Repeat("x", 1000))} }},
		{"json", 6000, func(int) []event { return []event{text(2, object)} }},
		{"connections", 20000, func(i int) []event {
			conn := uint64(i + 10)
			return []event{connect(conn, "/count"), text(conn, "x"), closed(conn)}
		}},
		{"timers", 20000, func(i int) []event {
			return []event{text(3, "50"), {Record: abi.Record{Kind: abi.Timer, Token: uint64(i + 1)}}}
		}},
		{"large", 600, func(int) []event { return []event{text(1, strings.Repeat("x", 300_000))} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := start(t, program)
			h.turn(connect(1, "/text"), connect(2, "/json"), connect(3, "/timer"))
			run := func(from, to int) int {
				for i := from; i < to; i++ {
					h.turn(tc.event(i)...)
				}
				return h.memoryBytes()
			}
			if before, after := run(0, 300), run(300, tc.turns); after > before {
				t.Errorf("memory went from %d to %d bytes", before, after)
			}
		})
	}
}

// TestConnectionsAreFound: many of them, by handles of any shape, whatever the
// order in which they come and go.
func TestConnectionsAreFound(t *testing.T) {
	h := start(t, program)
	r := rand.New(rand.NewPCG(1, 2))
	counts := make(map[uint64]int)
	var handles []uint64
	for range 20000 {
		switch n := r.IntN(10); {
		case n < 4 && len(handles) < 2000:
			conn := r.Uint64()>>r.IntN(60) | 1
			if _, known := counts[conn]; known {
				continue
			}
			counts[conn] = 0
			handles = append(handles, conn)
			h.turn(connect(conn, "/count"))
		case len(handles) == 0:
		case n < 7:
			conn := handles[r.IntN(len(handles))]
			counts[conn]++
			if got := h.only(h.turn(text(conn, "x"))); got != strconv.Itoa(counts[conn]) {
				t.Fatalf("%d: got %s, want %d", conn, got, counts[conn])
			}
		default:
			i := r.IntN(len(handles))
			conn := handles[i]
			handles[i] = handles[len(handles)-1]
			handles = handles[:len(handles)-1]
			h.turn(closed(conn))
			if said := h.turn(text(conn, "x")); len(said) != 0 {
				t.Fatalf("%d: answers when it is over: %v", conn, said)
			}
		}
	}
}

// TestText: text of any length and of characters of any size goes in and out, and
// what is not UTF-8 in a query becomes U+FFFD, byte by byte.
func TestText(t *testing.T) {
	h := start(t, program)
	h.turn(connect(1, "/text"))
	r := rand.New(rand.NewPCG(5, 6))
	alphabets := []string{"a", "abcé", "aé世", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa🚢", "世界", "\x00\x7f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff"}
	for n := range 3000 {
		runes := []rune(alphabets[n%len(alphabets)])
		var b strings.Builder
		for range r.IntN(100) {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		sent := b.String()
		if got := h.only(h.turn(text(1, sent))); got != sent {
			t.Fatalf("sent %q, got %q", sent, got)
		}
	}
	for n := range 2000 {
		raw := make([]byte, r.IntN(40))
		for i := range raw {
			raw[i] = []byte("\x20az\x80\xbf\xc0\xc2\xe0\xa0\xed\x9f\xef\xf0\x90\xf4\x8f\xf5\xff")[r.IntN(18)]
		}
		query := "q="
		for _, c := range raw {
			query += fmt.Sprintf("%%%02X", c)
		}
		conn := uint64(n + 10)
		said := h.turn(event{abi.Record{Kind: abi.Connect, Conn: conn}, fields(":route", "/request", ":query", query)}, closed(conn))
		if got, want := said[9].data, string([]rune(string(raw))); got != want {
			t.Fatalf("%q: got %q, want %q", raw, got, want)
		}
	}
}

// TestNumbers: what JSON says is what comes back, to the last bit.
func TestNumbers(t *testing.T) {
	h := start(t, program)
	h.turn(connect(1, "/json"))
	r := rand.New(rand.NewPCG(3, 4))
	numbers := []string{
		"0.1", "5e-324", "1.7976931348623157e308", "1e21", "1e20", "1e-6", "1e-7", "123456789012345680000", "1e22", "1e23",
		"2.2250738585072014e-308", "2.2250738585072011e-308", "0.000", "0e999999999999", "1e-999999999999", "1.0", "1e2",
		// Between two numbers: the even one, unless anything is behind.
		"1.00000000000000011102230246251565404236316680908203125",
		"1.00000000000000033306690738754696212708950042724609375",
		"1.00000000000000011102230246251565404236316680908203125" + strings.Repeat("0", 1000) + "1",
		"9007199254740993.0", "9007199254740992.999", "18446744073709551616", "9223372036854775808",
		"2.4703282292062327208e-324", "2.4703282292062328e-324", "1e-323", "1.7976931348623158e308",
		// Many digits, and zeros that hide where the number is.
		strings.Repeat("1", 300), strings.Repeat("9", 5000) + "e-4900", "0." + strings.Repeat("0", 400) + "1e401",
		"1" + strings.Repeat("0", 700) + "e-700", "0." + strings.Repeat("3", 5000),
	}
	for range 5000 {
		f := math.Float64frombits(r.Uint64())
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		g := float64(r.IntN(1_000_000_000)) / 1e6
		numbers = append(numbers, strconv.FormatFloat(f, 'e', -1, 64), strconv.FormatFloat(f, 'g', 20, 64), strconv.FormatFloat(g, 'f', -1, 64))
	}
	for _, sent := range numbers {
		want, err := strconv.ParseFloat(sent, 64)
		if err != nil {
			t.Fatal(err)
		}
		got := h.only(h.turn(text(1, sent)))
		number := strings.TrimSuffix(strings.TrimPrefix(got, `{"got":`), "}")
		if back, err := strconv.ParseFloat(number, 64); err != nil || back != want {
			t.Errorf("sent %s, got %s, want %g", sent, got, want)
		}
	}
	for _, large := range []string{"1e309", "1e999999999999", "1.7976931348623159e308", strings.Repeat("9", 400)} {
		conn := uint64(r.IntN(1 << 40))
		said := h.turn(connect(conn, "/json"), text(conn, large))
		if len(said) != 2 || said[1].Code != 1003 {
			t.Errorf("%s: got %v", large, said)
		}
	}
}

// TestManyCommands: more than the stage or the outbox can hold is flushed before.
func TestManyCommands(t *testing.T) {
	for _, tc := range []struct {
		count, size int
		flushes     int
	}{
		{10, 100, 0},
		{5000, 0, 2},
		{5000, 100, 7},
		{3, 100_000, 0},
		{70, 70_000, 1},
		{9, 1 << 20, 1},
	} {
		t.Run(fmt.Sprintf("%d of %d", tc.count, tc.size), func(t *testing.T) {
			h := start(t, probe)
			h.turn(connect(1, "/many"))
			said := h.turn(text(1, fmt.Sprint(tc.count, tc.size)))
			if len(said) != tc.count || h.flushes != tc.flushes {
				t.Fatalf("%d commands and %d flushes, want %d and %d", len(said), h.flushes, tc.count, tc.flushes)
			}
			for i, c := range said {
				if c.data != strings.Repeat(string([]byte{byte(i)}), tc.size) {
					t.Fatalf("message %d is not what was sent", i)
				}
			}
		})
	}
}

// TestLargeMessages: buffers that were lent are lent again, and the memory for
// them has an end that is no trap.
func TestLargeMessages(t *testing.T) {
	h := start(t, probe)
	h.turn(connect(1, "/heap"))
	large := strings.Repeat("0123456789", 50_000)
	memory := 0
	for i := range 20 {
		if got := h.only(h.turn(binary(1, large))); got != large {
			t.Fatalf("message %d came back changed", i)
		}
		if i == 0 {
			memory = h.memoryBytes()
		}
	}
	if after := h.memoryBytes(); after != memory {
		t.Errorf("memory went from %d to %d bytes", memory, after)
	}
	for i := 0; ; i++ {
		at, err := h.instance.Alloc(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if at == 0 {
			break
		}
		if i == 64 {
			t.Fatal("64 MiB were lent, and no end")
		}
	}
	if got := h.only(h.turn(text(1, "still here"))); got != "still here" {
		t.Errorf("got %q", got)
	}
}

// TestInterfaces: what an endpoint implements is wanted, also where it was
// registered as no more than an endpoint.
func TestInterfaces(t *testing.T) {
	h := start(t, probe)
	if got, want := h.instance.Wants(), abi.Request.Bit()|abi.Writable.Bit(); got != want {
		t.Errorf("wants %b, want %b", got, want)
	}
	h.turn(connect(1, "/eager"), connect(2, "/eager"))
	said := h.turn(event{Record: abi.Record{Kind: abi.Writable, Conn: 2}})
	if len(said) != 2 || said[0].data != "2 here" || said[1].data != "2 here" {
		t.Errorf("got %v", said)
	}
}

// TestAnswerLater: a request keeps its handle when its head is gone, and is
// answered once; to answer again is an error, here of the request after it.
func TestAnswerLater(t *testing.T) {
	h := start(t, probe)
	request := func(handle uint64, path string) event {
		return event{abi.Record{Kind: abi.Request, Conn: handle}, fields(":route", "/later", ":path", path)}
	}
	if said := h.turn(request(7, "/one")); len(said) != 0 {
		t.Fatalf("got %v", said)
	}
	said := h.turn(request(8, "/two"))
	if len(said) != 2 || said[0].Kind != abi.Respond || said[0].Conn != 7 || said[0].Code != 200 || said[0].data != fields(":body", ",/two") ||
		said[1].Kind != abi.Respond || said[1].Conn != 8 || said[1].Code != 500 {
		t.Errorf("got %v", said)
	}
	if want := "error /later on_request: respond while closed"; len(h.logged) != 1 || h.logged[0] != want {
		t.Errorf("logged %q", h.logged)
	}
}

// TestHostcalls: what is asked of the host beside messages.
func TestHostcalls(t *testing.T) {
	h := start(t, probe)
	said := h.turn(connect(1, "/asks"))
	if len(said) != 2 || len(said[1].data) != 100_000 || strings.Count(said[1].data, "\x00") > 1000 {
		t.Errorf("got %d commands", len(said))
	}
	want := []string{"debug asked 1.0 2.5", "debug 1700000000000000000 1000000000"}
	if strings.Join(h.logged, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged %q", h.logged)
	}
}

// TestAbort: what ends in a trap says what and where, and the trace has names.
func TestAbort(t *testing.T) {
	h := start(t, program)
	h.turn(connect(1, "/trap"))
	_, err := h.try(text(1, "x"))
	if err == nil {
		t.Fatal("no trap")
	}
	const place = "error a bug in the guest in transcripts/assemblyscript/program.ts:"
	if len(h.logged) != 1 || !strings.HasPrefix(h.logged[0], place) {
		t.Errorf("logged %q", h.logged)
	}
	if !strings.Contains(err.Error(), "wherryAbort") {
		t.Errorf("the trap has no names of functions: %v", err)
	}
}

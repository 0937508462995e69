package wasmhost

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
)

func TestEcho(t *testing.T) {
	for name, wasm := range map[string][]byte{
		"wat": readGuest(t, "echo"), "c": guests.Echo(), "minimal wat": guests.EchoWAT(),
	} {
		t.Run(name, func(t *testing.T) {
			in := start(t, wasm, InstanceConfig{})
			for _, batch := range [][]string{{"hello"}, {"", "a", strings.Repeat("b", 3000)}, {"again"}} {
				wantEcho(t, in, batch)
			}
		})
	}
}

// wantEcho sends a batch of messages in one turn and wants them back, in order.
func wantEcho(t *testing.T, in *Instance, batch []string) {
	t.Helper()
	for i, text := range batch {
		push(t, in, abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: uint64(i) << 40, Token: ^uint64(i)}, text)
	}
	if in.Pending() != len(batch) {
		t.Errorf("%d events are staged; want %d", in.Pending(), len(batch))
	}
	n, err := in.Turn(Clock{}, testFuel)
	if err != nil || n != len(batch) || in.Pending() != 0 {
		t.Fatalf("turn: %d commands, %v, %d events left; want %d, nil, 0", n, err, in.Pending(), len(batch))
	}
	for i, text := range batch {
		var r abi.Record
		in.Command(i, &r)
		got, ok := in.View(r.Data, r.Len)
		if !ok || string(got) != text || r.Kind != abi.Message || r.Flags != abi.Text || r.Conn != uint64(i)<<40 {
			t.Errorf("message %d: %+v, %d bytes, %v; want %d bytes", i, r, len(got), ok, len(text))
		}
	}
}

// TestTurnBudget holds the path of a message to no allocation.
func TestTurnBudget(t *testing.T) {
	payload := bytes.Repeat([]byte("echo"), 16)
	in := start(t, guests.Echo(), InstanceConfig{})
	for _, batch := range []int{1, 64} {
		if n := testing.AllocsPerRun(100, func() { echoTurn(t, in, batch, payload) }); n != 0 {
			t.Errorf("a turn of %d messages allocates %v times; its budget is 0", batch, n)
		}
	}
	if echoed := echoTurn(t, in, 64, payload); echoed != 64*64 {
		t.Errorf("%d bytes came back; want %d", echoed, 64*64)
	}
}

// TestInboxFills stages payloads of every length until the inbox is full, and
// checks where they lie.
func TestInboxFills(t *testing.T) {
	in := start(t, readGuest(t, "echo"), InstanceConfig{})
	const inboxAt, inboxBytes = 0x1000, 64 << 10
	if got, want := in.MaxInboxPayload(), inboxBytes-abi.RecordSize; got != want {
		t.Errorf("the largest payload is %d bytes; want %d", got, want)
	}
	for _, size := range []int{0, 1, 7, 8, 9, 63, 64, 4000, in.MaxInboxPayload()} {
		last := uint32(inboxAt + inboxBytes)
		staged := 0
		for {
			room := in.InboxRoom()
			r := abi.Record{Kind: abi.Message}
			p, ok := in.Push(&r, size)
			if ok != (room >= size) {
				t.Fatalf("push of %d bytes into room for %d: %v", size, room, ok)
			}
			if !ok {
				break
			}
			staged++
			if len(p) != size || cap(p) != size || r.Len != uint32(size) {
				t.Fatalf("payload of %d bytes has length %d, capacity %d, Len %d", size, len(p), cap(p), r.Len)
			}
			if r.Data%8 != 0 || r.Data+r.Len > last || r.Data < inboxAt+uint32(staged*abi.RecordSize) {
				t.Fatalf("payload %d at %#x, the one before it at %#x", staged, r.Data, last)
			}
			last = r.Data
			clear(p)
		}
		if want := inboxBytes / (abi.RecordSize + (size+7)&^7); staged != want {
			t.Errorf("%d events of %d bytes were staged; want %d", staged, size, want)
		}
		// More events than the outbox has records would be the guest's mistake.
		in.front = min(in.front, 1024*abi.RecordSize)
		if _, err := in.Turn(Clock{}, testFuel); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := in.Push(&abi.Record{}, in.MaxInboxPayload()+1); ok {
		t.Error("a payload larger than the inbox was staged")
	}
	if _, ok := in.Push(&abi.Record{}, int(^uint(0)>>1)); ok {
		t.Error("the largest int was staged")
	}
}

func TestTakeBack(t *testing.T) {
	in := start(t, readGuest(t, "echo"), InstanceConfig{})
	in.TakeBack() // nothing is staged
	push(t, in, abi.Record{Kind: abi.Message, Flags: abi.Text}, "kept")
	room := in.InboxRoom()
	push(t, in, abi.Record{Kind: abi.Close}, "a payload that turned out to be none")
	in.TakeBack()
	if in.Pending() != 1 || in.InboxRoom() != room {
		t.Errorf("%d events, room for %d; want 1 and %d", in.Pending(), in.InboxRoom(), room)
	}
	if n, err := in.Turn(Clock{}, testFuel); n != 1 || err != nil {
		t.Fatalf("turn: %d commands, %v", n, err)
	}
	var r abi.Record
	in.Command(0, &r)
	if text, ok := in.View(r.Data, r.Len); !ok || string(text) != "kept" {
		t.Errorf("the guest got %q, %v", text, ok)
	}
	in.TakeBack()
	if in.Pending() != 0 {
		t.Error("an event was taken back after its turn")
	}
}

func TestClockIsFrozen(t *testing.T) {
	in := start(t, readGuest(t, "behave"), InstanceConfig{})
	for range 2 {
		r, err := behave(t, in, 11, 0, "")
		if err != nil || r.Conn != 1_000 || r.Token != 2_000 || r.Code != 0 {
			t.Errorf("wall %d, monotonic %d, errno %d, %v; want what the turn was given", r.Conn, r.Token, r.Code, err)
		}
		var second abi.Record
		in.Command(1, &second)
		if wasi := uint64(second.Kind) | uint64(second.Flags)<<16 | uint64(second.Code)<<32; wasi != 2_000 {
			t.Errorf("WASI shows %d; want 2000", wasi)
		}
	}
}

func TestRandomDiffers(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	seen := map[uint64]bool{0: true}
	for range 2 {
		in := instantiate(t, m, InstanceConfig{})
		for range 2 {
			r, err := behave(t, in, 12, 0, "")
			if err != nil || r.Code != 0 || seen[r.Conn] || seen[r.Token] {
				t.Errorf("random bytes %x and %x, errno %d, %v", r.Conn, r.Token, r.Code, err)
			}
			seen[r.Conn], seen[r.Token] = true, true
		}
	}
}

// TestMemoryGrows looks at the limit of growth, and that a view taken before is
// still of the same bytes after.
func TestMemoryGrows(t *testing.T) {
	m := compile(t, newHost(t, Config{MemoryPages: 12}), readGuest(t, "behave"))
	in := instantiate(t, m, InstanceConfig{MemoryPages: 10})
	before, ok := in.View(0x1000, 32)
	if !ok {
		t.Fatal("no view of the inbox")
	}
	if _, ok := in.View(4<<16, 1); ok {
		t.Error("a view beyond the memory")
	}
	for _, tc := range []struct {
		pages, want uint32
	}{{7, 1<<32 - 1}, {2, 4}, {4, 6}, {1, 1<<32 - 1}, {0, 10}, {1 << 31, 1<<32 - 1}} {
		r, err := behave(t, in, 8, uint64(tc.pages), "")
		if err != nil || r.Code != tc.want {
			t.Errorf("growing by %d pages gave %d, %v; want %d", tc.pages, int32(r.Code), err, int32(tc.want))
		}
	}
	after, _ := in.View(0x1000, 32)
	if unsafe.SliceData(before) != unsafe.SliceData(after) {
		t.Error("memory has moved")
	}
	end, ok := in.View(10<<16-8, 8)
	if !ok || !bytes.Equal(end, make([]byte, 8)) {
		t.Errorf("the end of the new memory: %x, %v", end, ok)
	}
	if _, ok := in.View(10<<16, 0); !ok {
		t.Error("an empty view at the end is refused")
	}
	for _, bad := range [][2]uint32{{10 << 16, 1}, {1<<32 - 1, 1}, {8, 1<<32 - 1}, {1<<32 - 1, 1<<32 - 1}} {
		if _, ok := in.View(bad[0], bad[1]); ok {
			t.Errorf("a view of %d bytes at %#x", bad[1], bad[0])
		}
	}
}

// TestMemoryIsFresh makes sure that an instance sees nothing of the one whose
// memory it may have got.
func TestMemoryIsFresh(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	secret := []byte("what another tenant said")
	for range 10 {
		in := instantiate(t, m, InstanceConfig{})
		all, ok := in.View(0, 4<<16)
		if !ok || bytes.Contains(all, secret) {
			t.Fatal("memory of an earlier instance is visible")
		}
		for i := 0x20000; i+len(secret) < len(all); i += len(secret) {
			copy(all[i:], secret)
		}
		in.Close()
	}
}

func TestInstanceMemoryLimit(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	_, err := m.Instantiate(InstanceConfig{MemoryPages: 3})
	wantRefusal(t, err, RuleMemoryLimit, "starts with 4 pages, the limit is 3")
}

func TestGrants(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	for _, tc := range []struct{ give, want uint32 }{
		{0, allCommands()},
		{abi.Message.Bit(), abi.Message.Bit()},
	} {
		in := instantiate(t, m, InstanceConfig{Grants: tc.give})
		box, _ := in.View(64, abi.MailboxSize)
		var got abi.Mailbox
		got.Get(box)
		if got.Grants != tc.want || got.Minor != abi.Minor || got.Wants != in.Wants() || in.Wants() != abi.Writable.Bit() {
			t.Errorf("granting %#x: the mailbox has %+v", tc.give, got)
		}
	}
}

func TestFlush(t *testing.T) {
	refuseFirst := func(in *Instance, commands int) int {
		for i := range commands {
			var r abi.Record
			in.Command(i, &r)
			if text, ok := in.View(r.Data, r.Len); !ok || string(text) != "flushed" {
				panic("the command's payload is " + string(text))
			}
			if _, ok := in.Push(&r, 0); ok {
				panic("an event was staged while the guest runs")
			}
		}
		in.SetStatus(0, abi.Busy)
		return 1
	}
	for _, tc := range []struct {
		name    string
		flush   func(*Instance, int) int
		status  abi.Status
		refused uint32
	}{
		{"one is refused", refuseFirst, abi.Busy, 1},
		{"nobody there to flush", nil, abi.Unsupported, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := start(t, readGuest(t, "behave"), InstanceConfig{Flush: tc.flush})
			r, err := behave(t, in, 14, 0, "flushed")
			if err != nil || abi.Status(r.Code) != tc.status || r.Kind != abi.Message {
				t.Errorf("the guest saw %+v, %v; want status %v", r, err, tc.status)
			}
			var answer abi.Record
			in.Command(1, &answer)
			if answer.Code != tc.refused {
				t.Errorf("flush returned %d; want %d", answer.Code, tc.refused)
			}
		})
	}
}

func TestRestOfWASI(t *testing.T) {
	in := start(t, readGuest(t, "behave"), InstanceConfig{})
	r, err := behave(t, in, 19, 0, "")
	if err != nil || r.Code != 52 || r.Conn != 8 || r.Token != 0 {
		t.Errorf("path_open %d, fd_prestat_get %d, args_sizes_get %d, %v; want ENOSYS, EBADF, 0", r.Code, r.Conn, r.Token, err)
	}
}

func TestCommandPanics(t *testing.T) {
	in := start(t, readGuest(t, "echo"), InstanceConfig{})
	wantEcho(t, in, []string{"one"})
	for _, i := range []int{-1, 1, 1 << 40} {
		if panicOf(func() { in.Command(i, &abi.Record{}) }) == "" {
			t.Errorf("command %d of 1 was read", i)
		}
	}
}

func TestAlloc(t *testing.T) {
	in := start(t, readGuest(t, "behave"), InstanceConfig{})
	alloc := func(n int) uint32 {
		t.Helper()
		addr, err := in.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		return addr
	}
	a, b := alloc(100), alloc(200)
	if a == 0 || b < a+100 {
		t.Fatalf("buffers at %#x and %#x", a, b)
	}
	in.Return(b)
	in.Return(a)
	if got := alloc(90); got != a {
		t.Errorf("90 bytes at %#x; want the returned 100 at %#x", got, a)
	}
	text, _ := in.View(a, 90)
	copy(text, "large")
	r := abi.Record{Kind: abi.Message, Data: a, Len: 5}
	if !in.PushAt(&r) {
		t.Fatal("no room for a record")
	}
	if panicOf(func() { in.PushAt(&r) }) == "" || panicOf(func() { in.Return(a) }) == "" {
		t.Error("a delivered buffer was used again")
	}
	if n, err := in.Turn(Clock{}, testFuel); n != 1 || err != nil {
		t.Fatalf("turn: %d, %v", n, err)
	}
	in.Command(0, &r)
	if got, ok := in.View(r.Data, r.Len); !ok || string(got) != "large" {
		t.Errorf("echo of a large message: %q, %v", got, ok)
	}
	if len(in.loans) != 1 || in.loans[0].addr != b {
		t.Errorf("after the turn the host holds %+v; want what was returned", in.loans)
	}
	for _, bad := range []abi.Record{{Data: a}, {Data: b, Len: 1}, {Data: 4}} {
		if panicOf(func() { in.PushAt(&bad) }) == "" {
			t.Errorf("an event at %#x was staged, which is not the host's", bad.Data)
		}
	}
	for _, n := range []int{0, -1, 1 << 40} {
		if got := alloc(n); got != 0 {
			t.Errorf("alloc of %d gave %#x", n, got)
		}
	}
}

// TestPushAtWithoutRoom keeps the buffer for the next turn.
func TestPushAtWithoutRoom(t *testing.T) {
	in := start(t, readGuest(t, "behave"), InstanceConfig{})
	addr, err := in.Alloc(10)
	if err != nil {
		t.Fatal(err)
	}
	push(t, in, abi.Record{Code: 0}, strings.Repeat("x", in.MaxInboxPayload()))
	r := abi.Record{Kind: abi.Message, Data: addr, Len: 10}
	if in.PushAt(&r) {
		t.Fatal("an event was staged in a full inbox")
	}
	if _, err := in.Turn(Clock{}, testFuel); err != nil {
		t.Fatal(err)
	}
	if !in.PushAt(&r) {
		t.Error("the buffer was lost")
	}
}

func TestAllocMisbehaves(t *testing.T) {
	m := compile(t, newHost(t, Config{}), readGuest(t, "behave"))
	const says0, trapped = 1, 7 // modes of behave.wat; any other is the address
	for _, tc := range []struct {
		name   string
		mode   int64
		reason Reason
		says   string
	}{
		{"trap", trapped, ReasonUnreachable, ".give_in"},
		{"-1", -1, ReasonBadAlloc, "0xffffffff, which is not inside"},
		{"end of memory", 4<<16 - 99, ReasonBadAlloc, "not inside"},
		{"mailbox", 64 + 63, ReasonBadAlloc, "overlaps the mailbox"},
		{"before the mailbox", 8, ReasonBadAlloc, "overlaps the mailbox"},
		{"inbox", 0x1000 + 8, ReasonBadAlloc, "overlaps the inbox"},
		{"end of the inbox", 0x10fff, ReasonBadAlloc, "overlaps the inbox"},
		{"outbox", 0x18fff, ReasonBadAlloc, "overlaps the outbox"},
		{"the same again", 0x20000, ReasonBadAlloc, "overlaps a buffer"},
		{"part of another", 0x20063, ReasonBadAlloc, "overlaps a buffer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := instantiate(t, m, InstanceConfig{})
			if addr, err := in.Alloc(100); addr != 0x20000 || err != nil {
				t.Fatalf("the first buffer is at %#x, %v", addr, err)
			}
			if _, err := behave(t, in, 18, uint64(tc.mode), ""); err != nil {
				t.Fatal(err)
			}
			_, err := in.Alloc(100)
			wantTrap(t, err, tc.reason, tc.says)
			wantDead(t, in)
		})
	}
	t.Run("no", func(t *testing.T) {
		in := instantiate(t, m, InstanceConfig{})
		behave(t, in, 18, says0, "")
		if addr, err := in.Alloc(100); addr != 0 || err != nil {
			t.Errorf("got %#x, %v; want 0, nil", addr, err)
		}
	})
	t.Run("last bytes", func(t *testing.T) {
		in := instantiate(t, m, InstanceConfig{})
		behave(t, in, 18, 4<<16-100, "")
		if addr, err := in.Alloc(100); addr != 4<<16-100 || err != nil {
			t.Errorf("got %#x, %v; want what ends with the memory", addr, err)
		}
	})
}

func TestAllocOfNone(t *testing.T) {
	in := start(t, readGuest(t, "echo"), InstanceConfig{})
	if addr, err := in.Alloc(10); addr != 0 || err != nil {
		t.Errorf("a guest without alloc gives %#x, %v; want 0, nil", addr, err)
	}
}

// TestInstantiateFailureReleases starts a guest that is admitted but then has
// too little memory: nothing of it may stay behind.
func TestInstantiateFailureReleases(t *testing.T) {
	h := newHost(t, Config{})
	for _, name := range []string{"refuse/init_trapped", "refuse/mailbox_zero", "refuse/init_data"} {
		var refused *AdmissionError
		if _, err := h.Compile(readGuest(t, name)); !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h.instances != 0 {
		t.Errorf("%d instances are left", h.instances)
	}
}

func TestLog(t *testing.T) {
	type line struct {
		level int
		text  string
	}
	var lines []line
	logged := func() []line {
		got := lines
		lines = nil
		return got
	}
	in := start(t, readGuest(t, "behave"), InstanceConfig{
		Log: func(level int, text []byte) { lines = append(lines, line{level, string(text)}) },
	})
	const hostcall, print = 9, 17
	for _, tc := range []struct {
		name  string
		code  uint32
		token uint64 // level or descriptor
		text  string
		want  []line
	}{
		{"plain", hostcall, LevelError, "hello", []line{{LevelError, "hello"}}},
		{"empty", hostcall, LevelDebug, "", []line{{LevelDebug, ""}}},
		{"unknown level", hostcall, 1 << 31, "x", []line{{LevelError, "x"}}},
		{"forged line", hostcall, LevelInfo, "a\r\nERROR b", []line{{LevelInfo, `a\r\nERROR b`}}},
		{"terminal", hostcall, LevelInfo, "\x1b[2J\u009b\u202e", []line{{LevelInfo, `\x1b[2J\u009b\u202e`}}},
		{"not UTF-8", hostcall, LevelInfo, "ok\xff\xc0", []line{{LevelInfo, `ok\xff\xc0`}}},
		{"long", hostcall, LevelInfo, strings.Repeat("x", 2000), []line{{LevelInfo, strings.Repeat("x", 1024)}}},
		{"long and escaped", hostcall, LevelInfo, strings.Repeat("\x00", 2000), []line{{LevelInfo, strings.Repeat(`\x00`, 256)}}},
		{"stdout", print, 1, "out\n", []line{{LevelInfo, "out"}}},
		{"part of a line", print, 2, "panic: ", nil},
		{"the rest of it", print, 2, "oh no\n\nexit", []line{{LevelWarn, "panic: oh no"}, {LevelWarn, ""}}},
		{"both at once", print, 1, "x\n", []line{{LevelInfo, "x"}}},
		{"no end in sight", print, 1, strings.Repeat("y", 1500), []line{{LevelInfo, strings.Repeat("y", 1024)}}},
	} {
		r, err := behave(t, in, tc.code, tc.token, tc.text)
		if got := logged(); err != nil || r.Code != 0 || !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, errno %d, got %+v; want %+v", tc.name, err, r.Code, got, tc.want)
		}
	}
	if r, err := behave(t, in, print, 3, "file"); err != nil || r.Code != 8 {
		t.Errorf("a write to a file: errno %d, %v; want EBADF", r.Code, err)
	}
	if _, err := behave(t, in, 1, 0, ""); err == nil {
		t.Error("no trap")
	}
	want := []line{{LevelInfo, strings.Repeat("y", 476)}, {LevelWarn, "exit"}}
	if got := logged(); !slices.Equal(got, want) {
		t.Errorf("what a guest has begun to print when it traps: %+v; want %+v", got, want)
	}
}

package wsframe_test

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

func TestReaderItems(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	for _, tc := range []struct {
		name string
		wire []byte
		want []string
	}{
		{"empty text", text(""), []string{`text ""`}},
		{"text", text("hello"), []string{`text "hello"`}},
		{"binary", binMsg("\x00\xff"), []string{`binary "\x00\xff"`}},
		{"16-bit length", text(long), []string{`text "` + long + `"`}},
		{"three messages", wire(text("a"), binMsg("b"), text("c")), []string{`text "a"`, `binary "b"`, `text "c"`}},
		{"fragments", wire(start(ws.OpText, "he"), more("ll"), last("o")), []string{`text "hello"`}},
		{"empty fragments", wire(start(ws.OpBinary, ""), more(""), last("")), []string{`binary ""`}},
		{"empty first fragment", wire(start(ws.OpText, ""), last("x"), text("y")), []string{`text "x"`, `text "y"`}},
		{"ping between fragments", wire(start(ws.OpText, "a"), ping("p"), last("b")), []string{`ping "p"`, `text "ab"`}},
		{"largest ping", ping(long[:125]), []string{`ping "` + long[:125] + `"`}},
		{"pong", clientFrame(ws.OpPong, true, nil), []string{`pong ""`}},
		{"character across fragments", wire(start(ws.OpText, "\xe2"), ping(""), more("\x82"), last("\xac")), []string{`ping ""`, `text "€"`}},
		{"close without code", clientFrame(ws.OpClose, true, nil), []string{`close 1005 ""`}},
		{"close", closing(1000, "bye"), []string{`close 1000 "bye"`}},
		{"close inside a message", wire(start(ws.OpText, "a"), closing(1001, "")), []string{`close 1001 ""`}},
		{"bytes after close", wire(closing(4000, ""), text("late"), []byte{0xff}), []string{`close 4000 ""`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			checkSplits(t, 1000, tc.wire, tc.want, nil)
		})
	}
}

// raw is bytes that no frame writer would make.
func raw(b ...byte) []byte { return b }

// TestReaderErrors also says how early each error comes: the wire ends with
// the byte that decides, and one byte less is no error yet.
func TestReaderErrors(t *testing.T) {
	opened := start(ws.OpText, "a")
	for _, tc := range []struct {
		name string
		wire []byte
		want *wsframe.Error
	}{
		{"RSV1", raw(0xc1), wsframe.ErrReservedBits},
		{"RSV2", raw(0xa1), wsframe.ErrReservedBits},
		{"RSV3", raw(0x91), wsframe.ErrReservedBits},
		{"RSV1 on a ping", raw(0xc9), wsframe.ErrReservedBits},
		{"RSV1 on a continuation", wire(opened, raw(0xc0)), wsframe.ErrReservedBits},
		{"data opcode 3", raw(0x83), wsframe.ErrReservedOpCode},
		{"data opcode 7", raw(0x07), wsframe.ErrReservedOpCode},
		{"control opcode 11", raw(0x8b), wsframe.ErrReservedOpCode},
		{"control opcode 15", raw(0x8f), wsframe.ErrReservedOpCode},
		{"fragmented ping", raw(0x09), wsframe.ErrFragmentedControl},
		{"fragmented close", raw(0x08), wsframe.ErrFragmentedControl},
		{"continuation first", raw(0x00), wsframe.ErrStrayContinuation},
		{"continuation after a message", wire(opened, last(""), raw(0x80)), wsframe.ErrStrayContinuation},
		{"text inside a message", wire(opened, raw(0x81)), wsframe.ErrInterleaved},
		{"binary inside a message", wire(opened, raw(0x02)), wsframe.ErrInterleaved},
		{"unmasked text", raw(0x81, 0x00), wsframe.ErrUnmasked},
		{"unmasked ping", raw(0x89, 0x01), wsframe.ErrUnmasked},
		{"ping of 126 bytes", raw(0x89, 0xfe), wsframe.ErrOversizedControl},
		{"close of 64-bit length", raw(0x88, 0xff), wsframe.ErrOversizedControl},
		{"close of one byte", raw(0x88, 0x81), wsframe.ErrCloseLength},
		{"125 in 16 bits", raw(0x81, 0xfe, 0, 125), wsframe.ErrLongLength},
		{"0 in 64 bits", raw(0x81, 0xff, 0, 0, 0, 0, 0, 0), wsframe.ErrLongLength},
		{"top bit", raw(0x82, 0xff, 0x80), wsframe.ErrLengthOverflow},
		{"over the limit in 16 bits", raw(0x82, 0xfe, 0x04), wsframe.ErrTooBig},
		{"just over the limit in 16 bits", raw(0x82, 0xfe, 0x03, 0xe9), wsframe.ErrTooBig},
		{"over the limit in 64 bits", raw(0x82, 0xff, 0, 0, 0, 0, 0, 1), wsframe.ErrTooBig},
		{"63 bits", raw(0x82, 0xff, 0x7f), wsframe.ErrTooBig},
		{"over the limit together", wire(start(ws.OpBinary, strings.Repeat("a", 990)), raw(0x80, 0x8b)), wsframe.ErrTooBig},
		{"no UTF-8", text("ok\xff"), wsframe.ErrInvalidUTF8},
		{"character cut by the end", wire(start(ws.OpText, "\xe2\x82"), last("")), wsframe.ErrInvalidUTF8},
		{"bad character in an open frame", start(ws.OpText, "a\xed\xa0"), wsframe.ErrInvalidUTF8},
		{"illegal close code", closing(1005, ""), wsframe.ErrCloseCode},
		{"close reason", closing(1000, "\xff"), wsframe.ErrCloseReason},
		{"illegal code before reason", closing(999, "\xff"), wsframe.ErrCloseCode},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := hearAll(t, 1000, tc.wire[:len(tc.wire)-1]); err != nil {
				t.Errorf("failed before the last byte: %v", err)
			}
			for _, reads := range [][][]byte{{tc.wire}, bytewise(tc.wire)} {
				if _, err := hearAll(t, 1000, reads...); err != tc.want {
					t.Errorf("in %d reads: got %v, want %v", len(reads), err, tc.want)
				}
			}
			heard, err := hearAll(t, 1000, tc.wire)
			checkSplits(t, 1000, wire(tc.wire, text("more bytes")), heard, err)
		})
	}
}

func TestLimit(t *testing.T) {
	var zero wsframe.Reader
	var it wsframe.Item
	if _, err := zero.Next(text(""), &it); it.Kind != wsframe.Message || err != nil {
		t.Errorf("limit 0 and an empty message: %v, %v", it.Kind, err)
	}
	if _, err := zero.Next(text("x"), &it); err != wsframe.ErrTooBig {
		t.Errorf("limit 0 and a byte: %v, want ErrTooBig", err)
	}
	for _, limit := range []int{-1, 0, 1, 125, 126, 65535, 65536, 1 << 20} {
		fits := bytes.Repeat([]byte("a"), max(limit, 0))
		half := len(fits) / 2
		for _, tc := range []struct {
			name string
			wire []byte
			want error
		}{
			{"fits", clientFrame(ws.OpBinary, true, fits), nil},
			{"one over", clientFrame(ws.OpBinary, true, append(fits, 'a')), wsframe.ErrTooBig},
			{"fits in two", wire(start(ws.OpBinary, string(fits[:half])), last(string(fits[half:]))), nil},
			{"one over in three", wire(start(ws.OpBinary, string(fits[:half])), more(string(fits[half:])), last("a")), wsframe.ErrTooBig},
			{"fits twice", bytes.Repeat(clientFrame(ws.OpBinary, true, fits), 2), nil},
		} {
			if _, err := hearAll(t, limit, tc.wire); err != tc.want {
				t.Errorf("limit %d, %s: %v, want %v", limit, tc.name, err, tc.want)
			}
		}
	}
}

func TestSetLimitInsideMessage(t *testing.T) {
	l := listener{t: t, r: wsframe.NewReader(100), limit: 100}
	l.hear(start(ws.OpText, "hello"))
	l.r.SetLimit(3)
	l.hear(more(""))
	if l.err != nil {
		t.Fatalf("an empty frame after the limit shrank: %v", l.err)
	}
	if l.hear(last("!")); l.err != wsframe.ErrTooBig {
		t.Fatalf("got %v, want ErrTooBig", l.err)
	}
}

func TestMaxMessageFrames(t *testing.T) {
	l := listener{t: t, r: wsframe.NewReader(100), limit: 100}
	l.hear(start(ws.OpText, ""))
	l.hear(bytes.Repeat(more(""), wsframe.MaxMessageFrames-1))
	if l.err != nil {
		t.Fatal(l.err)
	}
	if l.hear(last("")); l.err != wsframe.ErrTooManyFrames {
		t.Fatalf("got %v, want ErrTooManyFrames", l.err)
	}
}

func TestPartsTellWhatIsMissing(t *testing.T) {
	frame := binMsg("0123456789")
	r := wsframe.NewReader(100)
	var it wsframe.Item
	for _, step := range []struct {
		bytes        []byte
		kind         wsframe.ItemKind
		payload      int
		rest         int
		first, final bool
	}{
		{frame[:6], wsframe.Part, 0, 10, true, false},
		{frame[6:9], wsframe.Part, 3, 7, false, false},
		{nil, wsframe.More, 0, 0, false, false},
		{frame[9:], wsframe.Part, 7, 0, false, true},
		{nil, wsframe.More, 0, 0, false, false},
		{frame, wsframe.Message, 10, 0, true, true},
	} {
		it = wsframe.Item{}
		n, err := r.Next(step.bytes, &it)
		if n != len(step.bytes) || err != nil {
			t.Fatalf("Next(%d bytes): %d, %v", len(step.bytes), n, err)
		}
		if it.Kind != step.kind || len(it.Payload) != step.payload || it.FrameRest != step.rest ||
			it.First != step.first || it.Final != step.final {
			t.Errorf("Next(%d bytes): got %+v, want %+v", len(step.bytes), it, step)
		}
	}
}

func TestAllowCompressed(t *testing.T) {
	compressed := func(first byte, payload string) []byte {
		f := binMsg(payload)
		f[0] = first
		return f
	}
	r := wsframe.NewReader(100)
	r.AllowCompressed()
	var it wsframe.Item
	for _, tc := range []struct {
		wire  []byte
		want  bool
		final bool
	}{
		{compressed(0xc1, "\xff"), true, true}, // not UTF-8, and none of our business
		{text("plain"), false, true},
		{compressed(0x41, "\xff"), true, false},
		{last("\xff"), true, true},
	} {
		if _, err := r.Next(tc.wire, &it); err != nil || it.Compressed != tc.want || it.Final != tc.final {
			t.Errorf("Next(%x): %+v, %v", tc.wire, it, err)
		}
		if err := r.Copy(make([]byte, len(it.Payload)), &it); err != nil {
			t.Errorf("Copy(%x): %v", tc.wire, err)
		}
	}
	for _, first := range []byte{0xc9, 0xc0, 0xd1, 0xe1} {
		r := wsframe.NewReader(100)
		r.AllowCompressed()
		if _, err := r.Next([]byte{first}, &it); err != wsframe.ErrReservedBits {
			t.Errorf("first byte %#x: %v, want ErrReservedBits", first, err)
		}
	}
}

func TestReaderSize(t *testing.T) {
	if size := unsafe.Sizeof(wsframe.Reader{}); size > 40 {
		t.Errorf("a Reader takes %d bytes of every connection; its budget is 40", size)
	}
}

func TestBudget(t *testing.T) {
	var (
		r    = wsframe.NewReader(1 << 20)
		it   wsframe.Item
		dst  = make([]byte, 4096)
		out  = make([]byte, 0, 4096)
		in   = wire(text("hello, κόσμε"), start(ws.OpText, "\xce"), ping("p"), last("\xba"), closing(1000, "bye"))
		read = make([]byte, len(in))
	)
	turn := func() {
		r = wsframe.NewReader(1 << 20)
		out = out[:0]
		for b := read[:copy(read, in)]; len(b) > 0; {
			n, err := r.Next(b, &it)
			if err != nil {
				t.Fatal(err)
			}
			switch it.Kind {
			case wsframe.Message, wsframe.Part:
				if err := r.Copy(dst, &it); err != nil {
					t.Fatal(err)
				}
				out = wsframe.AppendHeader(out, it.Op, it.Final, len(it.Payload))
			case wsframe.Ping:
				out = wsframe.AppendFrame(out, ws.OpPong, it.Payload)
			case wsframe.Close:
				out = wsframe.AppendClose(out, it.Code, it.Reason)
			}
			b = b[n:]
		}
		if _, err := r.Next(read, &it); err != wsframe.ErrEnded {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("a connection's life allocates %v times; its budget is 0", n)
	}
}

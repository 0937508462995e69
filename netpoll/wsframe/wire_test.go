package wsframe_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// testKey has four different bytes, none of them 0.
var testKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// clientFrame is the wire image of a legal frame from a client. It comes from
// gobwas/ws, so that no test compares this package with itself.
func clientFrame(op ws.OpCode, fin bool, payload []byte) []byte {
	f := ws.NewFrame(op, fin, bytes.Clone(payload))
	return ws.MustCompileFrame(ws.MaskFrameInPlaceWith(f, testKey))
}

// text and binary are unfragmented messages; start, more and last are the
// frames of a fragmented one.
func text(s string) []byte   { return clientFrame(ws.OpText, true, []byte(s)) }
func binMsg(s string) []byte { return clientFrame(ws.OpBinary, true, []byte(s)) }
func start(op ws.OpCode, s string) []byte {
	return clientFrame(op, false, []byte(s))
}
func more(s string) []byte { return clientFrame(ws.OpContinuation, false, []byte(s)) }
func last(s string) []byte { return clientFrame(ws.OpContinuation, true, []byte(s)) }
func ping(s string) []byte { return clientFrame(ws.OpPing, true, []byte(s)) }

// closing is a close frame with a code, which need not be legal.
func closing(code uint16, reason string) []byte {
	body := append(binary.BigEndian.AppendUint16(nil, code), reason...)
	return clientFrame(ws.OpClose, true, body)
}

// wire joins frames.
func wire(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// A listener is the smallest user of a Reader: it keeps the spill, joins Parts
// and writes down what it hears.
type listener struct {
	t       *testing.T
	r       wsframe.Reader
	limit   int // that r was made with, 0 or more
	spill   []byte
	message []byte   // what came of the open message
	open    bool     // a Part came that was not final
	heard   []string // one line an item, Parts joined
	err     error    // the first; nothing is heard after it
	closed  bool     // a close frame came; nothing is heard after it
	handle  func(it *wsframe.Item, payload []byte)
}

// hear takes one read's worth of bytes. It copies them: a Reader writes to
// what it is given.
func (l *listener) hear(read []byte) {
	b := append(l.spill, read...)
	l.spill = nil // b may lie in the same memory
	for len(b) > 0 && l.err == nil && !l.closed {
		var it wsframe.Item
		n, err := l.r.Next(b, &it)
		if err != nil {
			l.fail(err)
			return
		}
		if it.Kind == wsframe.More {
			if n != 0 || len(b) > wsframe.MaxSpill {
				l.t.Fatalf("More took %d of %d bytes; MaxSpill is %d", n, len(b), wsframe.MaxSpill)
			}
			l.spill = b
			return
		}
		if n <= 0 || n > len(b) || cap(it.Payload) != len(it.Payload) {
			l.t.Fatalf("%v took %d of %d bytes, payload %d of %d", it.Kind, n, len(b), len(it.Payload), cap(it.Payload))
		}
		if it.FrameRest > 0 && n != len(b) {
			l.t.Fatalf("%d bytes of the frame are missing, but %d bytes are left", it.FrameRest, len(b)-n)
		}
		l.item(&it)
		b = b[n:]
	}
}

func (l *listener) item(it *wsframe.Item) {
	switch it.Kind {
	case wsframe.Message, wsframe.Part:
		l.piece(it)
	case wsframe.Close:
		l.closed = true
		l.checkEnded("a close frame")
		l.note(it, fmt.Sprintf("close %d %q", it.Code, it.Reason), it.Payload)
	default:
		l.note(it, fmt.Sprintf("%v %q", it.Kind, it.Payload), it.Payload)
	}
}

func (l *listener) piece(it *wsframe.Item) {
	if it.First == l.open {
		l.t.Fatalf("%v with First %v while a message is open: %v", it.Kind, it.First, l.open)
	}
	if it.First {
		l.message = l.message[:0]
	}
	have := len(l.message)
	if have+len(it.Payload)+it.FrameRest > l.limit {
		l.t.Fatalf("%d bytes came, %d more are announced; the limit is %d", have+len(it.Payload), it.FrameRest, l.limit)
	}
	l.message = slices.Grow(l.message, len(it.Payload))[:have+len(it.Payload)]
	if err := l.r.Copy(l.message[have:], it); err != nil {
		l.fail(err)
		return
	}
	if l.open = !it.Final; it.Final {
		op := map[ws.OpCode]string{ws.OpText: "text", ws.OpBinary: "binary"}[it.Op]
		if it.Compressed {
			op = "compressed " + op
		}
		l.note(it, fmt.Sprintf("%s %q", op, l.message), l.message)
	}
}

func (l *listener) note(it *wsframe.Item, line string, payload []byte) {
	if l.handle != nil {
		l.handle(it, payload)
		return
	}
	l.heard = append(l.heard, line)
}

func (l *listener) fail(err error) {
	var e *wsframe.Error
	if !errors.As(err, &e) {
		l.t.Fatalf("%v is no *Error", err)
	}
	l.err = err
	l.heard = append(l.heard, fmt.Sprintf("fail %d", e.Code))
	l.checkEnded(e.Error())
}

// checkEnded makes sure that nothing comes after what ended the Reader.
func (l *listener) checkEnded(after string) {
	var it wsframe.Item
	if n, err := l.r.Next(text("more"), &it); n != 0 || err != wsframe.ErrEnded {
		l.t.Fatalf("Next after %s: %d, %v; want 0, ErrEnded", after, n, err)
	}
}

// hearAll is what a listener with that limit hears of wire, read in the given
// pieces, and the error it ends with.
func hearAll(t *testing.T, limit int, reads ...[]byte) ([]string, error) {
	t.Helper()
	return hearFrom(t, wsframe.NewReader(limit), limit, reads...)
}

// hearFrom is hearAll with a Reader of that limit, which may have other rules.
func hearFrom(t *testing.T, r wsframe.Reader, limit int, reads ...[]byte) ([]string, error) {
	t.Helper()
	l := listener{t: t, r: r, limit: max(limit, 0)}
	for _, b := range reads {
		l.hear(b)
	}
	return l.heard, l.err
}

// bytewise cuts wire into single bytes.
func bytewise(wire []byte) [][]byte {
	return slices.Collect(slices.Chunk(wire, 1))
}

// checkSplits tests that no way of cutting wire changes what is heard: whole,
// in single bytes and cut in two at every point.
func checkSplits(t *testing.T, limit int, wire []byte, want []string, wantErr error) {
	t.Helper()
	check := func(how string, reads ...[]byte) {
		t.Helper()
		if got, err := hearAll(t, limit, reads...); !slices.Equal(got, want) || err != wantErr {
			t.Fatalf("%s: heard %q, %v; want %q, %v", how, got, err, want, wantErr)
		}
	}
	check("whole", wire)
	check("bytewise", bytewise(wire)...)
	for n := range len(wire) {
		check(fmt.Sprintf("cut at %d", n), wire[:n], wire[n:])
	}
}

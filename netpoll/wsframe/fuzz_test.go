package wsframe_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// An oracle reads the same bytes as a Reader with none of its code: gobwas/ws
// decodes and judges headers, whole payloads are unmasked byte by byte, and
// text is checked from its beginning after every frame.
type oracle struct {
	rest    *bytes.Reader
	limit   uint64
	deflate bool      // RSV1 may start a message, whose text is not checked then
	op      ws.OpCode // of the open message, or OpContinuation
	packed  bool      // the open message started with RSV1
	message []byte
	heard   []string
}

// errTruncated ends an oracle whose bytes stop inside a header.
var errTruncated = errors.New("truncated header")

// hear reads to the end of the wire or to the first failure.
func (o *oracle) hear() error {
	for o.rest.Len() > 0 {
		h, code, err := o.header()
		if err != nil {
			return err
		}
		if code != 0 {
			return o.fail(code)
		}
		payload, whole := o.payload(h)
		switch {
		case h.OpCode.IsData():
			code = o.data(h, payload, whole)
		case whole:
			code = o.control(h.OpCode, payload)
		}
		if code != 0 {
			return o.fail(code)
		}
		if whole && h.OpCode == ws.OpClose {
			return nil
		}
	}
	return nil
}

func (o *oracle) fail(code ws.StatusCode) error {
	o.heard = append(o.heard, fmt.Sprintf("fail %d", code))
	return nil
}

// header reads one header and judges it with a close code, or 0.
func (o *oracle) header() (h ws.Header, code ws.StatusCode, err error) {
	before := o.rest.Len()
	h, err = ws.ReadHeader(o.rest)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return h, 0, errTruncated
	}
	state := ws.StateServerSide
	if o.op != ws.OpContinuation {
		state = state.Set(ws.StateFragmented)
	}
	judged := h
	if o.deflate && h.Rsv1() && (h.OpCode == ws.OpText || h.OpCode == ws.OpBinary) {
		_, r2, r3 := ws.RsvBits(h.Rsv)
		judged.Rsv = ws.Rsv(false, r2, r3)
	}
	switch {
	case err != nil, ws.CheckHeader(judged, state) != nil:
		return h, ws.StatusProtocolError, nil
	case before-o.rest.Len() != ws.HeaderSize(h): // not the shortest
		return h, ws.StatusProtocolError, nil
	case h.OpCode == ws.OpClose && h.Length == 1:
		return h, ws.StatusProtocolError, nil
	case h.OpCode.IsData() && uint64(len(o.message))+uint64(h.Length) > o.limit:
		return h, ws.StatusMessageTooBig, nil
	}
	return h, 0, nil
}

// payload reads what there is of a frame's payload.
func (o *oracle) payload(h ws.Header) (p []byte, whole bool) {
	p = make([]byte, min(h.Length, int64(o.rest.Len())))
	io.ReadFull(o.rest, p)
	for i := range p {
		p[i] ^= h.Mask[i%4]
	}
	return p, int64(len(p)) == h.Length
}

func (o *oracle) data(h ws.Header, payload []byte, whole bool) ws.StatusCode {
	if o.op == ws.OpContinuation {
		o.op, o.packed, o.message = h.OpCode, h.Rsv1(), nil
	}
	o.message = append(o.message, payload...)
	final := whole && h.Fin
	if o.op == ws.OpText && !o.packed && !isText(o.message, final) {
		return ws.StatusInvalidFramePayloadData
	}
	if final {
		name := map[ws.OpCode]string{ws.OpText: "text", ws.OpBinary: "binary"}[o.op]
		if o.packed {
			name = "compressed " + name
		}
		o.heard = append(o.heard, fmt.Sprintf("%s %q", name, o.message))
		o.op, o.message = ws.OpContinuation, nil
	}
	return 0
}

// isText reports whether p is UTF-8, or, if more may follow, the beginning of it.
func isText(p []byte, final bool) bool {
	for n := 1; !final && n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) && !utf8.FullRune(tail) {
			return utf8.Valid(p[:len(p)-n])
		}
	}
	return utf8.Valid(p)
}

func (o *oracle) control(op ws.OpCode, payload []byte) ws.StatusCode {
	switch {
	case op == ws.OpPing:
		o.heard = append(o.heard, fmt.Sprintf("ping %q", payload))
		return 0
	case op == ws.OpPong:
		o.heard = append(o.heard, fmt.Sprintf("pong %q", payload))
		return 0
	}
	code, reason := ws.StatusNoStatusRcvd, ""
	if len(payload) > 0 {
		code, reason = ws.ParseCloseFrameData(payload)
		if !mayBeOnWire(int(code)) {
			return ws.StatusProtocolError
		}
	}
	if !utf8.ValidString(reason) {
		return ws.StatusInvalidFramePayloadData
	}
	o.heard = append(o.heard, fmt.Sprintf("close %d %q", code, reason))
	return 0
}

// expect is what must be heard of wire. With orFail, one failure more may be
// right too: wire stops inside a header that nothing tried here makes legal.
func expect(wire []byte, limit int, deflate bool) (want []string, orFail bool) {
	o := oracle{rest: bytes.NewReader(wire), limit: uint64(limit), deflate: deflate}
	if o.hear() == nil {
		return o.heard, false
	}
	for _, fill := range []byte{0x00, 0x80, 0xff} {
		padded := append(bytes.Clone(wire), bytes.Repeat([]byte{fill}, ws.MaxHeaderSize)...)
		p := oracle{rest: bytes.NewReader(padded), limit: uint64(limit), deflate: deflate}
		p.hear()
		if n := len(o.heard); len(p.heard) <= n || p.heard[n] != "fail 1002" && p.heard[n] != "fail 1009" {
			return o.heard, false
		}
	}
	return o.heard, true
}

// FuzzReader holds a Reader against the oracle, and against itself for the same
// bytes in other reads: single bytes, reads of a size, and cut in two. Nothing
// follows a failure, and nothing is announced that is over the limit.
func FuzzReader(f *testing.F) {
	for _, seed := range [][]byte{
		text("hello"),
		wire(start(0x1, "κό"), ping("p"), more("\xcf"), last("\x83")),
		wire(start(0x2, ""), more("\x80"), last(""), closing(1000, "κ")),
		wire(binMsg(string(make([]byte, 200))), closing(1005, "")),
		wire(text("\xf4\x8f\xbf\xbf"), text("\xf4\x90"), text("x")),
		clientFrame(ws.OpPong, true, make([]byte, 125)),
		raw(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1),
		raw(0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4, 5),
		raw(0x81, 0xfe, 0, 0x7d, 0, 0, 0, 0),
		raw(0x81, 0xfe, 0x03),
		raw(0x01, 0x80, 0, 0, 0, 0, 0x00, 0x82, 0, 0, 0, 0, 0xe2, 0x82, 0x80, 0x81),
		raw(0x88, 0x81, 0, 0, 0, 0, 0),
		raw(0xc1, 0x80, 0, 0, 0, 0),
		raw(0xc1, 0x81, 0, 0, 0, 0, 0xff, 0x81, 0x81, 0, 0, 0, 0, 0xff),
		raw(0x41, 0x80, 0, 0, 0, 0, 0xc0, 0x80, 0, 0, 0, 0),
		raw(0x42, 0x80, 0, 0, 0, 0, 0x89, 0x80, 0, 0, 0, 0, 0x80, 0x80, 0, 0, 0, 0, 0xc9),
	} {
		f.Add(seed, uint16(1000), uint8(3), false)
		f.Add(seed, uint16(3), uint8(7), true)
	}
	f.Fuzz(func(t *testing.T, wire []byte, limit uint16, step uint8, deflate bool) {
		hear := func(reads ...[]byte) ([]string, error) {
			r := wsframe.NewReader(int(limit))
			if deflate {
				r.AllowCompressed()
			}
			return hearFrom(t, r, int(limit), reads...)
		}
		whole, err := hear(wire)
		want, orFail := expect(wire, int(limit), deflate)
		if !slices.Equal(whole, want) && !(orFail && err != nil && slices.Equal(whole[:len(whole)-1], want)) {
			t.Fatalf("heard %q, %v; the oracle %q, or a failure more: %v", whole, err, want, orFail)
		}
		same := func(how string, reads ...[]byte) {
			if got, gotErr := hear(reads...); !slices.Equal(got, whole) || gotErr != err {
				t.Fatalf("%s: heard %q, %v; whole %q, %v", how, got, gotErr, whole, err)
			}
		}
		same("bytewise", bytewise(wire)...)
		same(fmt.Sprint(int(step)+1, " bytes a read"), slices.Collect(slices.Chunk(wire, int(step)+1))...)
		for _, n := range cuts(wire, 100) {
			same(fmt.Sprintf("cut at %d", n), wire[:n], wire[n:])
		}
	})
}

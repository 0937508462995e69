package wsframe_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

func TestHeaders(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20, math.MaxInt} {
		for _, op := range []ws.OpCode{ws.OpContinuation, ws.OpText, ws.OpBinary, ws.OpPong} {
			for _, fin := range []bool{false, true} {
				var want bytes.Buffer
				if err := ws.WriteHeader(&want, ws.Header{Fin: fin, OpCode: op, Length: int64(n)}); err != nil {
					t.Fatal(err)
				}
				if got := wsframe.HeaderSize(n); got != want.Len() {
					t.Errorf("HeaderSize(%d) = %d, want %d", n, got, want.Len())
				}
				if got := wsframe.AppendHeader([]byte("x"), op, fin, n); string(got) != "x"+want.String() {
					t.Errorf("AppendHeader(%v, %v, %d) = %x, want %x", op, fin, n, got[1:], want.Bytes())
				}
				checkPut(t, want.Bytes(), func(dst []byte) int { return wsframe.PutHeader(dst, op, fin, n) })
			}
		}
	}
}

// checkPut tests that put writes want where it fits and nothing where not.
func checkPut(t *testing.T, want []byte, put func(dst []byte) int) {
	t.Helper()
	dst := make([]byte, len(want)+4)
	if n := put(dst); n != len(want) || !bytes.Equal(dst[:n], want) || !bytes.Equal(dst[n:], make([]byte, 4)) {
		t.Errorf("put %x, want %x", dst, want)
	}
	for room := range want {
		clear(dst)
		if n := put(dst[:room]); n != 0 || !bytes.Equal(dst, make([]byte, len(dst))) {
			t.Errorf("%d bytes of room for %d: put %x, returned %d", room, len(want), dst, n)
		}
	}
}

func TestAppendFrame(t *testing.T) {
	for _, payload := range []string{"", "hello", string(make([]byte, 126)), string(make([]byte, 1<<16))} {
		want := ws.MustCompileFrame(ws.NewBinaryFrame([]byte(payload)))
		if got := wsframe.AppendFrame(nil, ws.OpBinary, payload); !bytes.Equal(got, want) {
			t.Errorf("%d bytes from a string: wrong frame", len(payload))
		}
		if got := wsframe.AppendFrame(nil, ws.OpBinary, []byte(payload)); !bytes.Equal(got, want) {
			t.Errorf("%d bytes from a slice: wrong frame", len(payload))
		}
	}
}

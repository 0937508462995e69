package wsframe_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// wireCodes are the ranges of close codes that may be on the wire.
var wireCodes = [][2]int{{1000, 1003}, {1007, 1014}, {3000, 4999}}

func mayBeOnWire(code int) bool {
	for _, r := range wireCodes {
		if r[0] <= code && code <= r[1] {
			return true
		}
	}
	return false
}

// TestCloseCodes sweeps every code through both directions.
func TestCloseCodes(t *testing.T) {
	for code := range math.MaxUint16 + 1 {
		legal := mayBeOnWire(code)
		if got := wsframe.Receivable(ws.StatusCode(code)); got != legal {
			t.Errorf("Receivable(%d) = %v, want %v", code, got, legal)
		}
		want, wantErr := []string{fmt.Sprintf(`close %d "why"`, code)}, error(nil)
		if !legal {
			want, wantErr = []string{"fail 1002"}, wsframe.ErrCloseCode
		}
		if got, err := hearAll(t, 0, closing(uint16(code), "why")); got[0] != want[0] || err != wantErr {
			t.Errorf("close %d: heard %q, %v; want %q, %v", code, got, err, want, wantErr)
		}
		for _, high := range []uint32{0, 1 << 16, 1 << 31} {
			sendable := legal && code != 1010 && high == 0
			if got := wsframe.Sendable(high | uint32(code)); got != sendable {
				t.Errorf("Sendable(%d) = %v, want %v", high|uint32(code), got, sendable)
			}
		}
	}
}

func TestAppendClose(t *testing.T) {
	for _, tc := range []struct {
		name   string
		code   ws.StatusCode
		reason string
		want   string // the body
	}{
		{"no code", 1005, "", ""},
		{"no code, so no reason", 1005, "ignored", ""},
		{"code", 1000, "", "\x03\xe8"},
		{"reason", 4999, "bye", "\x13\x87bye"},
		{"longest reason", 1000, strings.Repeat("a", 123), "\x03\xe8" + strings.Repeat("a", 123)},
		{"too long", 1000, strings.Repeat("a", 124), "\x03\xe8" + strings.Repeat("a", 123)},
		{"cut in front of two bytes", 1000, strings.Repeat("a", 122) + "λ", "\x03\xe8" + strings.Repeat("a", 122)},
		{"cut in front of four bytes", 1000, strings.Repeat("a", 120) + "\U0001F6A3", "\x03\xe8" + strings.Repeat("a", 120)},
		{"cut behind four bytes", 1000, strings.Repeat("a", 119) + "\U0001F6A3b", "\x03\xe8" + strings.Repeat("a", 119) + "\U0001F6A3"},
		{"no boundary at all", 1000, strings.Repeat("\x80", 200), "\x03\xe8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := append([]byte("x"), ws.MustCompileFrame(ws.NewCloseFrame([]byte(tc.want)))...)
			if got := wsframe.AppendClose([]byte("x"), tc.code, tc.reason); !bytes.Equal(got, want) {
				t.Errorf("from a string: %x, want %x", got, want)
			}
			if got := wsframe.AppendClose([]byte("x"), tc.code, []byte(tc.reason)); !bytes.Equal(got, want) {
				t.Errorf("from a slice: %x, want %x", got, want)
			}
		})
	}
}

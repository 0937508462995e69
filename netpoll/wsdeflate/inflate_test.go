package wsdeflate

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// inflateIn inflates one message that comes in pieces, to memory that is only
// as large as it has to be and somewhere else whenever it grows.
func inflateIn(f *Inflater, w *Window, limit int, text bool, pieces ...[]byte) ([]byte, error) {
	f.Start(w, limit, text)
	var dst []byte
	for i, p := range pieces {
		for {
			used, at, err := f.Inflate(dst, p, i == len(pieces)-1)
			if err != nil {
				return nil, err
			}
			p = p[used:]
			if at == NeedRoom {
				if f.Size() != len(dst) {
					return nil, fmt.Errorf("wants room with %d of %d bytes used", f.Size(), len(dst))
				}
				dst = append(slices.Clone(dst), make([]byte, 1+len(dst)/3)...)
				continue
			}
			if len(p) != 0 || (at == Done) != (i == len(pieces)-1) {
				return nil, fmt.Errorf("piece %d: %d bytes left, progress %d", i, len(p), at)
			}
			break
		}
	}
	return dst[:f.Size()], nil
}

// inflate inflates messages that come whole, on one connection.
func inflate(w *Window, limit int, text bool, messages ...[]byte) (out [][]byte, err error) {
	f := new(Inflater)
	for _, m := range messages {
		b, err := inflateIn(f, w, limit, text, m)
		if err != nil {
			return out, err
		}
		out = append(out, b)
	}
	return out, nil
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// inflateCases are single messages. Each is run at every split.
var inflateCases = []struct {
	name, wire, want string
	text             bool
	limit            int
	err              error
}{
	{name: "7.2.3.1 one block", wire: "f248cdc9c90700", want: "Hello", text: true},
	{name: "7.2.3.3 stored", wire: "000500faff48656c6c6f00", want: "Hello", text: true},
	{name: "7.2.3.4 final block", wire: "f348cdc9c9070000", want: "Hello", text: true},
	{name: "7.2.3.5 two blocks", wire: "f248050000 00ffff cac9c90700", want: "Hello", text: true},
	{name: "7.2.3.6 empty", wire: "00", want: ""},
	{name: "final block, nothing behind", wire: "f348cdc9c90700", want: "Hello"},
	{name: "no bytes at all", wire: "", err: ErrCorrupt},
	{name: "one byte short", wire: "f248cdc9c907", err: ErrCorrupt},
	{name: "reserved block type", wire: "06", err: ErrCorrupt},
	{name: "all ones", wire: "ffffffffffff", err: ErrCorrupt},
	{name: "stored length not repeated", wire: "000500fafe48656c6c6f00", err: ErrCorrupt},
	{name: "before the message's start", wire: "f200110000", err: ErrCorrupt},
	{name: "at the limit", wire: "f248cdc9c90700", want: "Hello", limit: 5},
	{name: "over the limit", wire: "f248cdc9c90700", limit: 4, err: ErrTooBig},
	{name: "stored, over the limit", wire: "000500faff48656c6c6f00", limit: 4, err: ErrTooBig},
	{name: "over the limit before it is corrupt", wire: "000500faff48656c6c6f06", limit: 4, err: ErrTooBig},
	{name: "bad text before it is corrupt", wire: "000100feffff06", text: true, err: ErrInvalidUTF8},
	{name: "bad text before the limit", wire: "000200fdff41ff00", text: true, limit: 1, err: ErrTooBig},
	{name: "text cut in a character", wire: "000100feffc300", text: true, err: ErrInvalidUTF8},
	{name: "text in two blocks", wire: "000100feffc3 000100feffa4 00", text: true, want: "ä"},
	{name: "surrogate", wire: "000200fdffeda0", text: true, err: ErrInvalidUTF8},
	{name: "not text", wire: "000200fdffeda000", want: "\xed\xa0"},
}

func TestInflate(t *testing.T) {
	for _, tc := range inflateCases {
		if tc.limit == 0 {
			tc.limit = 100
		}
		wire := unhex(t, tc.wire)
		check := func(how string, pieces ...[]byte) {
			got, err := inflateIn(new(Inflater), nil, tc.limit, tc.text, pieces...)
			if string(got) != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("%s, %s: got %q, %v; want %q, %v", tc.name, how, got, err, tc.want, tc.err)
			}
		}
		check("whole", wire)
		for n := range len(wire) + 1 {
			check(fmt.Sprintf("cut at %d", n), wire[:n], wire[n:])
		}
		check("bytewise", bytewise(wire)...)
	}
}

func bytewise(b []byte) (pieces [][]byte) {
	for i := range b {
		pieces = append(pieces, b[i:i+1])
	}
	return append(pieces, nil)
}

// TestInflateTakeover is RFC 7692, section 7.2.3.2.
func TestInflateTakeover(t *testing.T) {
	hello, again := unhex(t, "f248cdc9c90700"), unhex(t, "f200110000")
	got, err := inflate(Params{ClientWindowBits: 15}.InflateWindow(), 5, true, hello, again, again)
	if want := [][]byte{[]byte("Hello"), []byte("Hello"), []byte("Hello")}; !slices.EqualFunc(got, want, bytes.Equal) || err != nil {
		t.Errorf("with takeover: got %q, %v; want %q", got, err, want)
	}
	got, err = inflate(nil, 5, true, hello, again)
	if len(got) != 1 || err != ErrCorrupt {
		t.Errorf("without: got %q, %v; want one and %v", got, err, ErrCorrupt)
	}
}

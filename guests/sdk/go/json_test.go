package wherry

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// An ownJSON writes itself.
type ownJSON struct{ text string }

func (o ownJSON) AppendJSON(dst []byte) ([]byte, error) { return append(dst, o.text...), nil }

func TestAppendJSON(t *testing.T) {
	for _, tc := range []struct {
		value any
		want  string
	}{
		{nil, "null"}, {true, "true"}, {false, "false"}, {0, "0"}, {-5, "-5"}, {int8(-8), "-8"}, {int16(16), "16"}, {int32(32), "32"},
		{int64(math.MinInt64), "-9223372036854775808"}, {uint(1), "1"}, {uint8(8), "8"}, {uint16(16), "16"}, {uint32(32), "32"},
		{uint64(math.MaxUint64), "18446744073709551615"}, {1.5, "1.5"}, {float32(0.1), "0.1"}, {1e21, "1e+21"}, {1e20, "100000000000000000000"},
		{1e-7, "1e-07"}, {-0.25, "-0.25"}, {3.0, "3"}, {"", `""`}, {"a\"\\/\b\f\n\r\t\x00\x1f\x7fé🚢\u2028", `"a\"\\/\b\f\n\r\t\u0000\u001f` + "\x7fé🚢\u2028\""},
		{"a\xffb\xc3", "\"a\ufffdb\ufffd\""}, {[]any{}, "[]"}, {Object{}, "{}"}, {[]any(nil), "[]"}, {Object(nil), "{}"},
		{[]any{1, "x", nil, []any{true}}, `[1,"x",null,[true]]`},
		{Object{{"b", 1}, {"a", Object{{"", nil}}}}, `{"b":1,"a":{"":null}}`},
		{[]string{"a", "b"}, `["a","b"]`}, {[]int{1, 2}, "[1,2]"}, {[]int64{3}, "[3]"}, {[]float64{0.5}, "[0.5]"},
		{map[string]any{"z": 1, "a": []any{2}}, `{"a":[2],"z":1}`}, {map[string]string{"k": "v", "j": "w"}, `{"j":"w","k":"v"}`},
		{ownJSON{"[own]"}, "[own]"}, {Object{{"o", ownJSON{"1"}}, {"p", 2}}, `{"o":1,"p":2}`},
	} {
		got, err := AppendJSON([]byte("x"), tc.value)
		if err != nil || string(got) != "x"+tc.want {
			t.Errorf("%#v: got %s, %v; want %s", tc.value, got, err, tc.want)
		}
	}
}

// TestJSONTypeError: what cannot be encoded is named, and nothing of it written.
func TestJSONTypeError(t *testing.T) {
	loop := []any{nil}
	loop[0] = loop
	type own struct{ A int }
	for _, tc := range []struct {
		value any
		want  string
	}{
		{make(chan int), "chan int"}, {own{}, "wherry.own"}, {&own{}, "*wherry.own"}, {func() {}, "func()"}, {[]any{1, own{}}, "wherry.own"},
		{math.NaN(), "NaN"}, {math.Inf(-1), "Inf"}, {float32(math.Inf(1)), "Inf"}, {loop, "more than 64 levels"},
		{map[string]any{"a": complex(1, 2)}, "complex128"}, {[]byte("x"), "[]uint8"},
	} {
		got, err := AppendJSON([]byte("x"), tc.value)
		var e *JSONTypeError
		if !errors.As(err, &e) || e.Type != tc.want || string(got) != "x" {
			t.Errorf("%T: got %s, %v; want %s", tc.value, got, err, tc.want)
		}
	}
}

func TestParseJSON(t *testing.T) {
	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	for in, want := range map[string]any{
		"null": nil, " true ": true, "false": false, `""`: "", "[]": []any{}, "{}": Object{}, "0": int64(0), "-0": int64(0), "1.0": 1.0, "1e2": 100.0,
		"9223372036854775807": int64(math.MaxInt64), "9223372036854775808": 9223372036854775808.0, "-1.5E-3": -0.0015,
		`{"a":1,"b":[null,"x"],"a":2}`: Object{{"a", int64(1)}, {"b", []any{nil, "x"}}, {"a", int64(2)}},
		`"\ud83d\udea2"`:               "🚢", `"\ud83d"`: "\ufffd", `"\ud83d\ud83d\udea2"`: "\ufffd🚢", `"\ud83d\u0041"`: "\ufffdA", `"\udea2x"`: "\ufffdx",
	} {
		got, err := ParseJSON([]byte(in))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, %v; want %#v", in, got, err, want)
		}
	}
	if _, err := ParseJSON([]byte(deep)); err != nil {
		t.Errorf("64 levels: %v", err)
	}
	for _, in := range []string{"", " ", "nul", "nullx", "01", "-", "1.", ".5", "1e", "+1", "[", "[1", "[1,", "[1,]", "[,1]", "]", "{", `{"a"`, `{"a":`, `{"a":1`,
		`{"a":1,`, `{"a":1,}`, `{a:1}`, `{1:2}`, `{"a" 1}`, `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\xff\"", "\"\xc3\\n\"", "1 2", "[1 2]", "[" + deep + "]",
		"NaN", "'a'", "1e999", "\ufeff1", `"\ud83d\u00g0"`, `{"a":1]`, `[1}`} {
		if v, err := ParseJSON([]byte(in)); err != ErrJSON {
			t.Errorf("%s: got %#v, %v", in, v, err)
		}
	}
}

func TestObjectGet(t *testing.T) {
	o := Object{{"a", 1}, {"b", nil}, {"a", 2}}
	if v, ok := o.Get("a"); v != 2 || !ok {
		t.Errorf("a is %v, %v", v, ok)
	}
	if v, ok := o.Get("b"); v != nil || !ok {
		t.Errorf("b is %v, %v", v, ok)
	}
	if v, ok := o.Get("c"); ok {
		t.Errorf("c is %v", v)
	}
}

// FuzzJSON compares with the standard library: both read the same texts, as the same
// values, and what is written is read again as it was.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5,"x\u00e9",null,true]}`, `"\ud83d\udea2"`, `[[[]]]`, `1e400`, `{"a":1,"a":2}`, "[1,]", `"\ud83d\u0041"`, "-0", `{"":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		value, err := ParseJSON(b)
		var want any
		wantErr := json.Unmarshal(b, &want)
		if !utf8.Valid(b) || depth(b) > maxDepth {
			if err == nil {
				t.Fatalf("%q was read", b)
			}
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: got %v; the standard library says %v", b, err, wantErr)
		}
		if err != nil {
			return
		}
		if got := plain(value); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v; want %#v", b, got, want)
		}
		written, err := AppendJSON(nil, value)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseJSON(written)
		if err != nil || !reflect.DeepEqual(again, value) {
			// A float without a fraction is written as an integer.
			if rewritten, _ := AppendJSON(nil, again); !bytes.Equal(rewritten, written) {
				t.Fatalf("%q was written as %q and read as %#v, %v", b, written, again, err)
			}
		}
	})
}

// plain turns a value into what the standard library makes of the same text.
func plain(value any) any {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case Object:
		out := map[string]any{}
		for _, m := range v {
			out[m.Key] = plain(m.Value)
		}
		return out
	}
	return value
}

// depth returns how many levels there are in a text, if it is JSON.
func depth(b []byte) (deepest int) {
	level, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '[' || c == '{'):
			level++
			deepest = max(deepest, level)
		case !inString && (c == ']' || c == '}'):
			level--
		}
	}
	return deepest
}

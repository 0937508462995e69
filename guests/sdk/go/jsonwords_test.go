package wherry

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestBox: what is put by hand is what Go would have made.
func TestBox(t *testing.T) {
	for i, want := range []any{int64(-7), 1.5, "text", []any{"x"}, Object{{"k", nil}}, nil, true, false} {
		var s slabs
		s.begin(new(first))
		var got any
		switch to := boxOf(&got); v := want.(type) {
		case int64:
			s.putInt(to, v)
		case float64:
			s.putFloat(to, v)
		case string:
			s.putString(to, v)
		case []any:
			s.putArray(to, v)
		case Object:
			s.putObject(to, v)
		default:
			*to.any() = v
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %#v became %#v", i, want, got)
		}
	}
}

// TestNumberWords: numbers of every length are written as the standard library does,
// and read as they were written, in front of whatever can follow.
func TestNumberWords(t *testing.T) {
	check := func(value any, want string) {
		t.Helper()
		got, err := AppendJSON(nil, []any{value, value})
		if want = "[" + want + "," + want + "]"; err != nil || string(got) != want {
			t.Fatalf("%v: got %s, %v; want %s", value, got, err, want)
		}
		for _, text := range []string{want, strings.ReplaceAll(want, ",", " ,\n"), `{"a":` + want + `,"b":` + want + "}"} {
			v, err := ParseJSON([]byte(text))
			if o, isObject := v.(Object); isObject {
				v = o[1].Value
			}
			if err != nil || !reflect.DeepEqual(v, []any{value, value}) {
				t.Fatalf("%s: got %v, %v", text, v, err)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for size := range 19 {
		low := int64(math.Pow10(size))
		for _, n := range []int64{low - 1, low, low + 1, low + r.Int64N(9*low)} {
			check(n, strconv.FormatInt(n, 10))
			check(-n, strconv.FormatInt(-n, 10))
		}
	}
	for range 20_000 {
		n, decimals := r.Int64N(1<<r.IntN(53)+1)*2-1, 1+r.IntN(8) // not a multiple of ten, often
		f := float64(n) / math.Pow10(decimals)
		if f == math.Trunc(f) || math.Abs(f) < 1e-6 {
			continue
		}
		check(f, strconv.FormatFloat(f, 'f', -1, 64))
	}
}

// TestStringWords: strings of every length around that of words, with everything that
// is special at every place, are written so that the standard library reads them, and
// read as they were.
func TestStringWords(t *testing.T) {
	for size := range 36 {
		for at := range size + 1 {
			for _, special := range []string{"", `"`, `\`, "\x00", "\x1f", "\n", "\x7f", "é", "世", "🚢", "\xff", "\xc3", "\xed\xa0\x80"} {
				s := strings.Repeat("x", at) + special + strings.Repeat("y", size-at)
				want := strings.ToValidUTF8(s, "\x00")
				if want != s {
					want = string([]rune(s)) // a U+FFFD for each byte
				}
				written, err := AppendJSON(nil, []any{s, Object{{s, s}}})
				if err != nil {
					t.Fatal(err)
				}
				var std []any
				if err := json.Unmarshal(written, &std); err != nil || std[0] != want || std[1].(map[string]any)[want] != want {
					t.Fatalf("%q was written as %s: %v", s, written, err)
				}
				got, err := ParseJSON(written)
				if err != nil || !reflect.DeepEqual(got, []any{want, Object{{want, want}}}) {
					t.Fatalf("%s: got %#v, %v", written, got, err)
				}
			}
		}
	}
}

// TestJSONKeepsNothing: what is kept of a text for the next has nothing of it.
func TestJSONKeepsNothing(t *testing.T) {
	for _, text := range []string{`[1,["x",{"a":[{"b":"c"},2.5]}],{}]`, `[["x"`, `{"a":{"b":["c",`, strings.Repeat(`[{"a":`, 40)} {
		value, _ := ParseJSON([]byte(text))
		if p := spareParser.Load(); p != nil {
			for i, v := range p.items[:cap(p.items)] {
				if v != nil {
					t.Errorf("%s: item %d is %v", text, i, v)
				}
			}
			for i, m := range p.members[:cap(p.members)] {
				if m != (Member{}) {
					t.Errorf("%s: member %d is %v", text, i, m)
				}
			}
			if p.text != nil || p.strings != nil || p.slabs.items != nil || p.slabs.members != nil || p.arrays != nil || p.objects != nil {
				t.Errorf("%s: the slabs are kept", text)
			}
		}
		if _, err := AppendJSON(nil, []any{value, make(chan int)}); err == nil {
			t.Error("a channel was written")
		}
		if w := spareWriter.Load(); w != nil {
			for i, c := range w.open[:cap(w.open)] {
				if c.items != nil || c.members != nil {
					t.Errorf("%s: container %d is kept", text, i)
				}
			}
			if w.whole[0] != nil {
				t.Errorf("%s: the value is kept", text)
			}
		}
	}
}

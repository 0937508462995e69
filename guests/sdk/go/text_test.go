package wherry

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "abc": "abc", "a+b": "a b", "%41": "A", "%e4%B8%96": "世", "%2B": "+", "%": "%", "%4": "%4", "%4g": "%4g",
		"%%41": "%A", "100%": "100%", "%00": "\x00", "+%20+": "   ", "%2541": "%41",
	} {
		if got := unescape(in); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
}

// pairs collects what an each function calls back with.
func pairs(each func(string, func(string, string)), in string) (out []string) {
	each(in, func(name, value string) { out = append(out, name+"="+value) })
	return out
}

func TestEachQuery(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a=", "a=": "a=", "=a": "=a", "a=b=c": "a=b=c", "&&a=1&": "a=1", "a=1&a=2": "a=1,a=2", "%61=%3D": "a==", "=": "=",
	} {
		if got := strings.Join(pairs(eachQuery, in), ","); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
}

func TestEachCookie(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a=1": "a=1", " a = 1 ; b=2": "a=1,b=2", "a": "", "a;b=2": "b=2", "a=\"x\"": "a=\"x\"", "a==": "a==", ";;=;": "=", "a=%20": "a=%20",
	} {
		if got := strings.Join(pairs(eachCookie, in), ","); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
}

func TestSplitList(t *testing.T) {
	for in, want := range map[string][]string{
		"": nil, "a": {"a"}, "a,b": {"a", "b"}, " a ,\tb ,, c": {"a", "b", "c"}, ",": nil,
	} {
		if got := splitList(in); !slices.Equal(got, want) {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
}

func TestCutText(t *testing.T) {
	for _, tc := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abc", 2, "ab"}, {"éé", 3, "é"}, {"éé", 1, ""}, {"世界", 5, "世"}, {"a🚢", 4, "a"}, {"\x80\x80\x80", 2, ""},
	} {
		if got := cutText(tc.in, tc.limit); got != tc.want {
			t.Errorf("%q to %d: got %q; want %q", tc.in, tc.limit, got, tc.want)
		}
	}
}

func TestLower(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "ABC": "abc", "x-Y-z": "x-y-z", "É": "É", "@[`{": "@[`{"} {
		if got := lower(in); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
	if !equalFold("Content-Type", "content-TYPE") || equalFold("a", "ab") {
		t.Error("equalFold")
	}
}

// FuzzText: whatever a client sends, what is made of it is bounded and valid.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a=1&b=%41", "\xff=%c3", "a=1; b=2", "%", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := unescape(s); len(got) > len(s) {
			t.Errorf("unescape(%q) is longer: %q", s, got)
		}
		if got := validText(cutText(s, 64)); !utf8.ValidString(got) || len(got) > 3*64 {
			t.Errorf("validText(%q): %q", s, got)
		}
		if got := cutText(s, 10); len(got) > 10 || !strings.HasPrefix(s, got) {
			t.Errorf("cutText(%q): %q", s, got)
		}
		for _, pair := range append(pairs(eachQuery, s), pairs(eachCookie, s)...) {
			if !strings.Contains(pair, "=") || len(pair) > len(s)+1 {
				t.Errorf("%q has %q", s, pair)
			}
		}
		r := &Request{fields: []byte(s)}
		if v, ok := r.query("a"); !ok && v != "" {
			t.Errorf("a value that is not there: %q", v)
		}
		_, _, _ = r.Headers(), r.HeaderValues("a"), r.Param("a")
	})
}

package wherry

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestParseInt(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "+7": "7", "007": "7", "9223372036854775807": "9223372036854775807", "-9223372036854775808": "-9223372036854775808",
		"": "no", "-": "no", "+": "no", "9223372036854775808": "no", "-9223372036854775809": "no", "1.0": "no", "0x1": "no", "1_0": "no",
		" 1": "no", "1 ": "no", "--1": "no", "+-1": "no", "１": "no", "1e3": "no",
	} {
		got := "no"
		if n, ok := parseInt(in); ok {
			got = strconv.FormatInt(n, 10)
		}
		if got != want {
			t.Errorf("%q: got %s; want %s", in, got, want)
		}
	}
}

func TestParseFloat(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0.5": "-0.5", "+2": "2", "1.25": "1.25", "1e3": "1000", "1E-2": "0.01", "12.5e+1": "125", "007": "7", "1e-999": "0",
		"1e308": "1e+308", "1e309": "no", "-1e309": "no", "": "no", ".5": "no", "5.": "no", "1.e1": "no", "e1": "no", "1e": "no", "1e+": "no",
		"inf": "no", "NaN": "no", "0x1p4": "no", "1_0": "no", " 1": "no", "1,5": "no", "--1": "no", "1.5.2": "no",
	} {
		got := "no"
		if f, ok := parseFloat(in); ok {
			got = strconv.FormatFloat(f, 'g', -1, 64)
			if math.IsInf(f, 0) || math.IsNaN(f) {
				t.Errorf("%q is %v", in, f)
			}
		}
		if got != want {
			t.Errorf("%q: got %s; want %s", in, got, want)
		}
	}
}

func TestParseBool(t *testing.T) {
	for _, word := range strings.Fields("true 1 yes on t y TRUE Yes oN") {
		if v, ok := parseBool(word); !v || !ok {
			t.Errorf("%s: %v, %v", word, v, ok)
		}
	}
	for _, word := range strings.Fields("false 0 no off f n FALSE No oFF") {
		if v, ok := parseBool(word); v || !ok {
			t.Errorf("%s: %v, %v", word, v, ok)
		}
	}
	for _, word := range []string{"", "2", "tru", "yes ", "ja", "\u212a", "nil"} {
		if v, ok := parseBool(word); ok {
			t.Errorf("%q is %v", word, v)
		}
	}
}

func TestParseUUID(t *testing.T) {
	for in, want := range map[string]bool{
		"01234567-89ab-cdef-0123-456789abcdef":   true,
		"01234567-89AB-CDEF-0123-456789ABCDEF":   true,
		"":                                       false,
		"0123456789abcdef0123456789abcdef":       false,
		"01234567-89ab-cdef-0123-456789abcdeg":   false,
		"01234567-89ab-cdef-0123456789-abcdef":   false,
		"{01234567-89ab-cdef-0123-456789abcdef}": false,
		"01234567-89ab-cdef-0123-456789abcde":    false,
		"-1234567-89ab-cdef-0123-456789abcdef":   false,
	} {
		if _, ok := parseUUID(in); ok != want {
			t.Errorf("%q: got %v; want %v", in, ok, want)
		}
	}
}

// TestParams reads each kind of parameter from each place.
func TestParams(t *testing.T) {
	r := &Request{fields: []byte(block(
		":param.s", "path", ":query", "s=1&s=query&n=5&bad=x", "s", "one", "s", "two", "cookie", "s=cookie", "x-up", "UP"))}
	path, query := StringParam(InPath, "s"), StringParam(InQuery, "s")
	header, cookie := StringParam(InHeader, "S"), StringParam(InCookie, "s")
	n, fallback, absent := IntParam(InQuery, "n").Required(), IntParam(InQuery, "m").Default(9), IntParam(InQuery, "m")
	bad, missing := IntParam(InQuery, "bad").Default(3), BoolParam(InCookie, "gone").Required()
	enum := EnumParam(InHeader, "x-up", "UP", "DOWN")
	undeclared := IntParam(InQuery, "n")
	problems := r.readParams([]Param{path, query, header, cookie, n, fallback, absent, bad, missing, enum})
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprint(p.Place, " ", p.Name, " ", p.Type, " ", p.Message, " ", p.Input))
	}
	if text, want := strings.Join(got, "; "), "query bad int_parsing not an integer x; cookie gone missing required "; text != want {
		t.Errorf("problems %q; want %q", text, want)
	}
	values := fmt.Sprint(path.Value(r), query.Value(r), header.Value(r), cookie.Value(r), n.Value(r), fallback.Value(r), enum.Value(r))
	if want := fmt.Sprint("path", "query", "one", "cookie", 5, 9, "UP"); values != want {
		t.Errorf("values %q; want %q", values, want)
	}
	for _, p := range []*ParamOf[int64]{absent, bad, undeclared} {
		if v, ok := p.Get(r); ok {
			t.Errorf("%s is %d", p.name, v)
		}
	}
}

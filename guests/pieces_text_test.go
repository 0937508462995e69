package guests

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// ---- Numbers and text. ----

func doubleInputs() []string {
	return []string{
		"0", "-0", "+0", "1", "-1.5", "1.", ".5", "", "-", "+", "1e", "1e+", "1e5", "1E5", "1e-5", "1x", " 1", "1 ", "0x10", "1_0", "nan", "inf", "00012.50",
		"0.1", "0.2", "0.30000000000000004", "123456789.123456789", "1e22", "1e23", "8.5e22", "9007199254740993", "9007199254740992.5", "5e-324", "2e-324",
		"2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308",
		"1.7976931348623158e308", "1.7976931348623159e308", "1e309", "1e-400", "1e999999999999999999999", "1e-999999999999999999999",
		"0e999999999999999999999", "0.000001", "0.0000001", "1e20", "1e21", "123456789012345680000", "4.35", "0.5", "100", "1e100",
		"1" + strings.Repeat("0", 400), "1" + strings.Repeat("0", 300), "0." + strings.Repeat("0", 400) + "1", "0." + strings.Repeat("0", 300) + "1",
		"1." + strings.Repeat("0", 2000) + "1", strings.Repeat("1", 2000) + "e-2000", "9007199254740993." + strings.Repeat("0", 1000),
		"9007199254740993." + strings.Repeat("0", 1000) + "1", strings.Repeat("0", 3000) + "7", "0." + strings.Repeat("3", 5000) + "e5000",
		"6.92949564460091981e15", "3.7455744005952583e15", "1.00000000000000011102230246251565404236316680908203125",
	}
}

// checkDouble compares with strconv what is read, and holds what is written to it.
func checkDouble(t *testing.T, p *pieces, input string) {
	t.Helper()
	got := p.ask("double", input)
	want, err := strconv.ParseFloat(input, 64)
	if !regexp.MustCompile(`^[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`).MatchString(input) || err != nil {
		if got != "invalid" {
			t.Errorf("double of %.100q: %q", input, got)
		}
		return
	}
	bits, shown, _ := strings.Cut(got, " ")
	if bits != strconv.FormatUint(math.Float64bits(want), 16) {
		t.Errorf("double of %.100q: got %s, want %x", input, bits, math.Float64bits(want))
	}
	if back, err := strconv.ParseFloat(shown, 64); err != nil || back != want {
		t.Errorf("double of %.100q is written as %s", input, shown)
	}
	short := strconv.FormatFloat(want, 'g', 15, 64)
	if same, err := strconv.ParseFloat(short, 64); err == nil && same == want && len(digitsOf(shown)) > 15 {
		t.Errorf("double of %.100q is written as %s, but %s is enough", input, shown, short)
	}
}

// digitsOf returns the digits that matter in a number.
func digitsOf(number string) string {
	mantissa, _, _ := strings.Cut(number, "e")
	digits := strings.NewReplacer("-", "", ".", "").Replace(mantissa)
	return strings.Trim(digits, "0")
}

func TestPiecesDoubles(t *testing.T) {
	p := bootPieces(t)
	for _, input := range doubleInputs() {
		checkDouble(t, p, input)
	}
	for _, tc := range []struct{ input, want string }{
		{"1", "1"}, {"-1.5", "-1.5"}, {"0.1", "0.1"}, {"100", "100"}, {"1e20", "100000000000000000000"}, {"1e21", "1e+21"}, {"0.000001", "0.000001"},
		{"0.0000001", "1e-7"}, {"1.5e-7", "1.5e-7"}, {"12.5", "12.5"}, {"0.30000000000000004", "0.30000000000000004"}, {"-0", "-0"}, {"5e-324", "5e-324"},
		{"1.7976931348623157e308", "1.7976931348623157e+308"}, {"9007199254740993", "9007199254740992"}, {"999999999999999.9", "999999999999999.9"},
	} {
		if _, got, _ := strings.Cut(p.ask("double", tc.input), " "); got != tc.want {
			t.Errorf("double of %s: written as %s, want %s", tc.input, got, tc.want)
		}
	}
}

func FuzzPiecesDoubles(f *testing.F) {
	for _, input := range doubleInputs() {
		f.Add(input, uint64(1))
	}
	p := bootPieces(f)
	f.Fuzz(func(t *testing.T, input string, bits uint64) {
		p.t = t
		checkDouble(t, p, input)
		if d := math.Float64frombits(bits); !math.IsNaN(d) && !math.IsInf(d, 0) {
			checkDouble(t, p, strconv.FormatFloat(d, 'e', -1, 64))
		}
	})
}

func TestPiecesInts(t *testing.T) {
	p := bootPieces(t)
	for _, input := range []string{
		"0", "-0", "+7", "-7", "", "-", "+", "+-1", "1.0", "1e3", " 1", "1 ", "007", "0x1", "1_000", "٣", "a", "1a",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551617", strings.Repeat("9", 100),
		strings.Repeat("0", 100) + "5",
	} {
		want := "invalid"
		if n, err := strconv.ParseInt(input, 10, 64); err == nil {
			want = strconv.FormatInt(n, 10)
		}
		if got := p.ask("int", input); got != want {
			t.Errorf("int of %q: got %s, want %s", input, got, want)
		}
	}
}

func TestPiecesText(t *testing.T) {
	p := bootPieces(t)
	for _, tc := range []struct{ route, input, want string }{
		{"cut", "\x00abc", ""}, {"cut", "\x02abc", "ab"}, {"cut", "\x03abc", "abc"}, {"cut", "\xffabc", "abc"},
		{"cut", "\x01éé", ""}, {"cut", "\x02éé", "é"}, {"cut", "\x03éé", "é"}, {"cut", "\x03\U0001f600x", ""}, {"cut", "\x04\U0001f600x", "\U0001f600"},
		{"cut", "\x06\x80\x80\x80\x80\x80\x80\x80\x80", "\x80\x80\x80\x80\x80\x80"}, {"cut", "\x01\x80\x80", "\x80"},
		{"print", "span", "-2147483648 4294967295 beef c s span -9223372036854775808 184467"}, // the buffer has 64 bytes
	} {
		if got := p.ask(tc.route, tc.input); got != tc.want {
			t.Errorf("%s of %q: got %q, want %q", tc.route, tc.input, got, tc.want)
		}
	}
}

// ---- Heads. ----

// unescape is what the SDK promises of a part of a query: a percent sign that begins no
// escape stays.
func unescape(part string) string {
	return regexp.MustCompile(`%[0-9a-fA-F]{2}|\+`).ReplaceAllStringFunc(part, func(s string) string {
		text, _ := url.QueryUnescape(s)
		return text
	})
}

func queryPairs(query string) (pairs []string) {
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			pairs = append(pairs, unescape(name), unescape(value))
		}
	}
	return pairs
}

// last returns the value of the last pair of a name.
func last(pairs []string, wanted string) (value string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == wanted {
			value = pairs[i+1]
		}
	}
	return value
}

func queryInputs() []string {
	return []string{
		"", "a", "a=", "=a", "=", "&", "a=1&b=2", "a=1&a=2", "a=1&&b=2&", "a=b=c", "a%3Db=c", "a=%26", "a=+%2b", "a=%", "a=%4", "a=%4g", "a=%g4", "a=%%41", "a=%25%34%31",
		"%61=1", "a+b=1", "a=%00%ff", "a=%E2%82%AC", "a=" + strings.Repeat("%41", 3000), "a=%41%", strings.Repeat("a&", 4000),
	}
}

func checkQuery(t *testing.T, p *pieces, query, name string) {
	t.Helper()
	pairs := queryPairs(query)
	want := append(slices.Clone(pairs), last(pairs, name))
	got := p.meet("query", abi.FieldQuery, query, "x-name", name)
	p.leave("query")
	if !slices.Equal(got, want) {
		t.Errorf("query %.200q, name %q: got %.300q, want %.300q", query, name, got, want)
	}
}

func TestPiecesQuery(t *testing.T) {
	p := bootPieces(t)
	for _, query := range queryInputs() {
		for _, name := range []string{"a", "", "a b", "b", "a=b"} {
			checkQuery(t, p, query, name)
		}
	}
}

func FuzzPiecesQuery(f *testing.F) {
	for _, query := range queryInputs() {
		f.Add(query, "a")
	}
	p := bootPieces(f)
	f.Fuzz(func(t *testing.T, query, name string) {
		p.t = t
		if len(query)+len(name) < 10_000 {
			checkQuery(t, p, query, name)
		}
	})
}

func TestPiecesCookies(t *testing.T) {
	p := bootPieces(t)
	for _, tc := range []struct {
		line string
		want []string // pairs, and the last a
	}{
		{"", []string{""}},
		{"a=1", []string{"a", "1", "1"}},
		{"a=1; b=2; a=3", []string{"a", "1", "b", "2", "a", "3", "3"}},
		{" a = 1 ;\tb=2\t", []string{"a", "1", "b", "2", "1"}},
		{`a="x y"`, []string{"a", `"x y"`, `"x y"`}},
		{"a=b=c;;=d;e", []string{"a", "b=c", "", "d", "b=c"}},
		{"a", []string{""}},
		{"a=;", []string{"a", "", ""}},
		{"a=1;a=", []string{"a", "1", "a", "", ""}},
		{"a=\xff\x00", []string{"a", "\xff\x00", "\xff\x00"}},
		{"A=1", []string{"A", "1", ""}},
		{";;;===;;", []string{"", "==", ""}},
	} {
		got := p.meet("cookies", "cookie", tc.line)
		p.leave("cookies")
		if !slices.Equal(got, tc.want) {
			t.Errorf("cookie %q: got %q, want %q", tc.line, got, tc.want)
		}
	}
}

// TestPiecesParams: what a declared parameter may not be is told in the denial.
func TestPiecesParams(t *testing.T) {
	p := bootPieces(t)
	uuid := "01234567-89ab-cdef-ABCD-EF0123456789"
	for _, tc := range []struct{ name, value, want string }{
		{"b", "TRUE", ""}, {"b", "oN", ""}, {"b", "0", ""}, {"b", "f", ""}, {"b", "", "bool_parsing"}, {"b", "2", "bool_parsing"}, {"b", "tru", "bool_parsing"}, {"b", "truee", "bool_parsing"},
		{"u", uuid, ""}, {"u", uuid[1:], "uuid_parsing"}, {"u", uuid + "0", "uuid_parsing"}, {"u", strings.ReplaceAll(uuid, "-", "0"), "uuid_parsing"},
		{"u", "g" + uuid[1:], "uuid_parsing"}, {"i", "", "int_parsing"}, {"i", "+5", ""}, {"f", "1e999", "float_parsing"}, {"f", "-1.5E3", ""},
		{"e", "green", ""}, {"e", "gree", "enum"}, {"e", "Red", "enum"}, {"e", "", "enum"}, {"s", "", ""}, {"s", "\xff", ""},
	} {
		got := p.turn(connect(1000, abi.FieldRoute, "params", abi.FieldQuery, tc.name+"="+url.QueryEscape(tc.value)))
		p.turn(closed(1000))
		var body struct {
			Detail []struct{ Type, Input string }
		}
		if len(got) == 1 {
			if err := json.Unmarshal([]byte(fieldOf(t, got[0].text, abi.FieldBody)), &body); err != nil {
				t.Errorf("%s=%q: %v", tc.name, tc.value, err)
			}
			if len(body.Detail) != 1 || body.Detail[0].Type != tc.want || body.Detail[0].Input != tc.value {
				t.Errorf("%s=%q: got %+v, want %q", tc.name, tc.value, body, tc.want)
			}
		} else if tc.want != "" {
			t.Errorf("%s=%q is valid; want %s", tc.name, tc.value, tc.want)
		}
	}
}

// fieldOf returns a field of a block.
func fieldOf(t *testing.T, block, wanted string) string {
	t.Helper()
	for rest := []byte(block); ; {
		name, value, next, ok, err := abi.NextField(rest)
		if err != nil || !ok {
			t.Fatalf("no field %s: %v", wanted, err)
		}
		if string(name) == wanted {
			return string(value)
		}
		rest = next
	}
}

// ---- The pool. ----

// playPool is what the pool of five has to do.
func playPool(script string) string {
	present := make([]byte, 128)
	count := 0
	for i := range len(script) {
		key := script[i] & 0x7f
		switch {
		case present[key] != 0 && script[i] >= 0x80:
			present[key] = 0
			count--
		case present[key] == 0 && key != 0 && count < 5:
			present[key] = key
			count++
		}
	}
	return string(present)
}

func FuzzPiecesPool(f *testing.F) {
	for _, script := range []string{"", "\x01", "\x01\x02\x03\x04\x05\x06", "\x01\x02\x81\x03\x82\x83", "\x00\x80", "\x01\x01\x81\x81", "abcde\xe1fghij\xe2\xe3k"} {
		f.Add(script)
	}
	for seed := range 50 {
		var script []byte
		for i := range 200 {
			// Keys that crowd, so that slots of the index are shared.
			script = append(script, byte((i*i*(seed+3)+i*seed)%(9+seed))|byte((i*(seed+1)/3)%2<<7))
		}
		f.Add(string(script))
	}
	p := bootPieces(f)
	f.Fuzz(func(t *testing.T, script string) {
		p.t = t
		if len(script) > 4096 {
			return
		}
		if got, want := p.ask("pool", script), playPool(script); got != want {
			t.Errorf("after %q: got %v, want %v", script, fmt.Sprint([]byte(got)), []byte(want))
		}
	})
}

// TestPiecesMemory: tables of the SDK take no memory until they are used, and then
// that of what is in them.
func TestPiecesMemory(t *testing.T) {
	p := bootPieces(t)
	for range 1000 {
		p.ask("int", "7")
	}
	const pageBytes = 4096
	touched := 0
	for page := range slices.Chunk(p.memory(), pageBytes) {
		if slices.ContainsFunc(page, func(b byte) bool { return b != 0 }) {
			touched++
		}
	}
	// Stack, constants, variables, the front and the back of the inbox, and one each of
	// outbox, stage, scratch, connections and their index.
	if touched > 12 {
		t.Errorf("%d pages of %d bytes are in use", touched, pageBytes)
	}
}

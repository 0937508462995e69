package guests

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-c6589352/wherry/abi"
)

// What the SDK for C reads of what others wrote: JSON, numbers, queries, cookies. Its
// parts run in a guest, testdata/pieces.c, and are compared with what Go makes of the
// same bytes. A part that reads outside of its input traps here, or answers wrong.

//go:embed sdk/c/testdata/pieces.wasm
var piecesWasm string

// pieces is a guest with a connection to each of its routes.
type pieces struct {
	*host
	conns map[string]uint64
	last  uint64
}

func bootPieces(t testing.TB) *pieces {
	t.Helper()
	return &pieces{host: boot(t, []byte(piecesWasm)), conns: make(map[string]uint64)}
}

// meet connects to a route and returns what is sent, the first command left out.
func (p *pieces) meet(route string, pairs ...string) []string {
	p.t.Helper()
	p.last++
	commands := p.turn(connect(p.last, append([]string{abi.FieldRoute, route}, pairs...)...))
	if len(commands) == 0 {
		p.t.Fatalf("%s: the handshake is not answered", route)
	}
	p.conns[route] = p.last
	return texts(commands[1:])
}

// leave ends the connection to a route.
func (p *pieces) leave(route string) {
	p.turn(closed(p.conns[route]))
	delete(p.conns, route)
}

// ask sends a message to a route, and returns the answer.
func (p *pieces) ask(route, input string) string {
	p.t.Helper()
	if p.conns[route] == 0 {
		p.meet(route)
	}
	defer p.leave(route)
	message := event{Record: abi.Record{Kind: abi.Message, Conn: p.conns[route]}, payload: input}
	if len(input) > 200_000 {
		at := p.alloc(len(input))
		copy(p.memory()[at:], input)
		message.Data, message.Len = at, uint32(len(input))
	}
	got := texts(p.turn(message))
	if len(got) != 1 {
		p.t.Fatalf("%s of %.100q: %d answers", route, input, len(got))
	}
	return got[0]
}

func texts(commands []command) (list []string) {
	for _, c := range commands {
		list = append(list, c.text)
	}
	return list
}

// ---- JSON. ----

// jsonInputs are valid and invalid, at the edges of the grammar.
func jsonInputs() []string {
	inputs := []string{
		"", " ", "null", "true", "false", "nul", "nulll", "tru", "TRUE", `""`, `"`, `"a`, `"\`, `"\"`, `"\""`, `"\u"`, `"\u12"`, `"\u12g4"`, `"\x"`,
		`"\u0000\u001f\u007f\u00e9\u20ac"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\ude00\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`,
		`"\"\\\/\b\f\n\r\t"`, "\"a\nb\"", "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\"", "\"\xc3\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
		"\"\xf0\x9f\x98\x80\"", "\"\xc0\x80\"", "\"é€\"",
		"0", "-0", "-", "+1", "01", "-01", "1.", ".5", "1.5", "1e", "1e+", "1e5", "1E-5", "1.5e300", "1e400", "0x1", "1 2", "9223372036854775807",
		"-9223372036854775808", "9223372036854775808", "18446744073709551616", "123456789012345678901234567890", "1.0", "NaN", "Infinity",
		"[]", "[ ]", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1,2]", "[[],[[]],{}]", "[}", "{}", "{ }", "{", "}", `{"a"`, `{"a":`, `{"a":1`,
		`{"a":1,`, `{"a":1,}`, `{"a" :1 , "b": [ 1 , {"c":null} ]}`, `{a:1}`, `{1:1}`, `{"a":1 "b":2}`, `{"a":1,"a":2}`, `{"":0}`, `{"a":}`, `{:1}`,
		`{"\u0061":1}`, "\t\r\n1\n", "\v1", "\ufeff1", "1\x00", "[1]]", "{}{}",
	}
	for _, depth := range []int{63, 64, 65, 1000} {
		inputs = append(inputs, strings.Repeat("[", depth)+strings.Repeat("]", depth), strings.Repeat(`{"a":`, depth)+"0"+strings.Repeat("}", depth))
		inputs = append(inputs, strings.Repeat("[", depth), strings.Repeat("]", depth))
	}
	return inputs
}

// depthOf returns how deep JSON is.
func depthOf(text string) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			inString = !inString
		case !inString && (c == '[' || c == '{'):
			depth++
			deepest = max(deepest, depth)
		case !inString && (c == ']' || c == '}'):
			depth--
		}
	}
	return deepest
}

// isJSON is the grammar that the SDK has.
func isJSON(text string) bool {
	return json.Valid([]byte(text)) && utf8.ValidString(text) && depthOf(text) <= 64
}

// checkCopy compares what is read and written with what Go reads.
func checkCopy(t *testing.T, p *pieces, input string) {
	t.Helper()
	got := p.ask("copy", input)
	if !isJSON(input) {
		if got != "invalid" {
			t.Errorf("copy of %.200q: %.200q, but it is invalid", input, got)
		}
		return
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(input)); err != nil {
		t.Fatal(err)
	}
	// Compact keeps escapes, so values are compared, and blanks apart from that.
	if a, b := decoded(t, input), decoded(t, got); !equalJSON(a, b) {
		t.Errorf("copy of %.200q means something else: %.200q", input, got)
	}
	if !strings.Contains(input, `\`) && got != compact.String() {
		t.Errorf("copy of %.200q: %.200q", input, got)
	}
	if again := p.ask("copy", got); again != got {
		t.Errorf("copy of a copy %.200q: %.200q", got, again)
	}
	rebuilt := p.ask("rebuild", input)
	if strings.HasPrefix(rebuilt, "cannot encode") {
		if !hasHuge(decoded(t, input)) {
			t.Errorf("rebuild of %.200q: %s", input, rebuilt)
		}
		return
	}
	if !equalJSON(decoded(t, rebuilt), decoded(t, input)) {
		t.Errorf("rebuild of %.200q means something else: %.200q", input, rebuilt)
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Errorf("%.200q: %v", text, err)
	}
	return v
}

// equalJSON compares numbers by value.
func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		x, errX := strconv.ParseFloat(string(a), 64)
		y, errY := strconv.ParseFloat(string(b), 64)
		return ok && (errX == nil) == (errY == nil) && math.Float64bits(x+0) == math.Float64bits(y+0)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalJSON)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			if other, ok := b[key]; !ok || !equalJSON(value, other) {
				return false
			}
		}
		return true
	}
	return a == b
}

// hasHuge reports whether there is a number that no double can be.
func hasHuge(v any) bool {
	switch v := v.(type) {
	case json.Number:
		_, err := strconv.ParseFloat(string(v), 64)
		return err != nil
	case []any:
		return slices.ContainsFunc(v, hasHuge)
	case map[string]any:
		for _, value := range v {
			if hasHuge(value) {
				return true
			}
		}
	}
	return false
}

func TestPiecesJSON(t *testing.T) {
	p := bootPieces(t)
	for _, input := range jsonInputs() {
		checkCopy(t, p, input)
	}
	// Every place where JSON can be cut.
	whole := `{"a\n\u00e9é":[1.5e3,-0,true,null,{"b":"\ud83d\ude00"}]}`
	for i := range whole {
		checkCopy(t, p, whole[:i])
		checkCopy(t, p, whole[i:])
	}
	long := `"` + strings.Repeat("é", 300_000) + `"`
	if got := p.ask("copy", long[:len(long)-1]); got != "invalid" {
		t.Errorf("a long string without an end: %.100q", got)
	}
	if got := p.ask("copy", long); got != "cannot encode a value longer than its buffer" {
		t.Errorf("a string that is longer than the buffer: %.100q", got)
	}
}

func FuzzPiecesJSON(f *testing.F) {
	for _, input := range jsonInputs() {
		f.Add(input)
	}
	p := bootPieces(f)
	f.Fuzz(func(t *testing.T, input string) {
		p.t = t
		if len(input) < 10_000 { // the writer's buffer is larger
			checkCopy(t, p, input)
		}
	})
}

func TestPiecesJSONParts(t *testing.T) {
	p := bootPieces(t)
	for _, tc := range []struct{ route, input, want string }{
		{"get", "a\n" + `{"a":1,"b":[],"a":{"a":2}}`, `{"a":2} 3 `},
		{"get", "é\"\n" + `{"\u00e9\"": "x" }`, `"x" 1 `},
		{"get", "a\n" + `{"ab":1,"":2}`, ` 2 `},
		{"get", "\n" + `{"ab":1,"":2}`, `2 2 `},
		{"get", "a\n" + `[ 1 , [ 2 , 3 ] ,4]`, ` 3 [ 2 , 3 ]`},
		{"get", "a\n" + `"a"`, ` 0 `},
		{"get", "a\n" + `[`, ` 0 `},
		{"write", "[tibnde", `["t",-9223372036854775808,true,null,0.1]`},
		{"write", "{ku", "cannot encode a value that has not ended"},
		{"write", "{kue", `{"k":18446744073709551615}`},
		{"write", "{k{e", "cannot encode a value that has not ended"},
		{"write", "{k[[e]ek", "cannot encode a value that has not ended"},
		{"write", "{k{ek[eke", "cannot encode a key without a value"},
		{"write", "{t", "cannot encode a value without a key"},
		{"write", "{kk", "cannot encode a key where none can be"},
		{"write", "[k", "cannot encode a key where none can be"},
		{"write", "k", "cannot encode a key where none can be"},
		{"write", "tt", "cannot encode a second value behind the first"},
		{"write", "e", "cannot encode an end of nothing"},
		{"write", "", "cannot encode a value that has not ended"},
		{"write", "[x", "cannot encode a double that is not a finite number"},
		{"write", "f", "cannot encode a double that is not a finite number"},
		{"write", "v", "cannot encode a value that is not there"},
		{"write", "[iiiiiiiie", "cannot encode a value longer than its buffer"},
		{"write", strings.Repeat("[", 65), "cannot encode more than 64 levels"},
		{"quote", "a\"\\/\b\f\n\r\t\x00\x1f\x0b\x7fé\U0001f600", `"a\"\\/\b\f\n\r\t\u0000\u001f\u000b` + "\x7fé\U0001f600\""},
		{"quote", "\xff\xe2\x82a\xed\xa0\x80", "\"\ufffd\ufffd\ufffda\ufffd\ufffd\ufffd\""},
	} {
		if got := p.ask(tc.route, tc.input); got != tc.want {
			t.Errorf("%s of %q: got %q, want %q", tc.route, tc.input, got, tc.want)
		}
	}
}

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

// unescape is what the SDK promises of a part of a query.
func unescape(part string) string {
	stray := regexp.MustCompile(`%([^0-9a-fA-F]|[0-9a-fA-F][^0-9a-fA-F]|[0-9a-fA-F]?$)`)
	for {
		// A percent sign that begins no escape is itself.
		at := stray.FindStringIndex(strings.ReplaceAll(part, "%25", "___"))
		if at == nil {
			break
		}
		part = part[:at[0]] + "%25" + part[at[0]+1:]
	}
	text, err := url.QueryUnescape(part)
	if err != nil {
		panic(err)
	}
	return text
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

package guests

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"math"
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

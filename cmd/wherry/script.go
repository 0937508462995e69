package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-c6589352/wherry/runtime"
)

// A testScript is a test of a guest that was understood: what is served, and what
// clients do and see, one step after the other. docs/testing.md says what can be in it.
type testScript struct {
	doc    *document
	routes []runtime.Route
	values map[string]string
	limits runtime.Limits
	steps  []step
}

// A step is one table of a script. What it does not say is zero.
type step struct {
	action string // the key that says what the step does
	at     path   // where that stands

	client       string // ("client")
	target       string // of connect; of request, behind the method
	method       string
	header       http.Header
	subprotocols []string
	waits        bool // there is no answer yet

	said      saying  // to send or to receive
	code      int     // of close and closed
	reason    *string // of those
	body      string  // to send with a request
	advance   time.Duration
	file      string  // to reload
	line      string  // of the log
	protocol  *string // to be agreed on
	refused   int     // status that the handshake is to be refused with; 0: it is to be accepted
	status    int     // of the response
	bodyIs    *string
	bodyHas   *string
	bodyJSON  *string
	responses map[string]string // header fields of the response
}

// A saying is what a step sends or expects.
type saying struct {
	kind sayingKind
	text string // or the bytes
}

type sayingKind int

const (
	aText     sayingKind = iota
	someBytes            // in hexadecimal digits in the script
	aJSON                // a text with that value
	aPart                // a text that has it in it
)

// defaultClient is the name of the client of steps that name none.
const defaultClient = "client"

// maxScriptBytes is the size of the largest script that is read.
const maxScriptBytes = 4 << 20

// readScript reads a script. The error is a [*problemsError] if it is about what is in
// the file.
func readScript(name string) (*testScript, error) {
	toTOML, err := readAtMost(name, maxScriptBytes)
	if err != nil {
		return nil, fmt.Errorf("cannot read script %s: %w; give the path of a TOML file of at most %s",
			name, cause(err), formatSize(maxScriptBytes))
	}
	return parseScript(name, toTOML)
}

// parseScript is readScript without the reading.
func parseScript(name string, toTOML []byte) (*testScript, error) {
	s := &testScript{doc: parseDocument(name, toTOML)}
	if len(s.doc.problems) == 0 {
		value{s.doc, nil, s.doc.root}.readTable(s.keys())
	}
	return s, s.doc.err()
}

func (s *testScript) keys() []key {
	return []key{
		{name: "routes", required: true, read: s.readRoutes},
		{name: "config", read: texts(&s.values)},
		{name: "limits", read: inTable(limitKeys(&s.limits))},
		{name: "step", required: true, read: inTables(func(v value) {
			var st step
			st.read(v)
			s.steps = append(s.steps, st)
		})},
	}
}

func (s *testScript) readRoutes(v value) {
	var patterns []string
	list(&patterns, 1, `patterns such as "/ws" or "/rooms/{room}"`, func(s string) bool { return s != "" })(v)
	for i, err := range runtime.CheckPatterns(patterns) {
		if err != nil {
			s.doc.fail(v.path.with(strconv.Itoa(i)), "%s", configDetail(err))
		}
		s.routes = append(s.routes, runtime.Route{Pattern: patterns[i]})
	}
}

// An action is a key that says what a step does, with the keys that may stand beside it.
type action struct {
	key    key
	beside []string
}

// actions are all that a step can do.
func (st *step) actions() []action {
	response := []string{"body", "body_has", "body_json", "response_headers"}
	with := func(names ...string) []string { return append(names, response...) }
	return []action{
		{key{name: "connect", read: st.readTarget}, with("client", "headers", "subprotocols", "protocol", "refused", "waits")},
		{key{name: "request", read: st.readRequest}, with("client", "headers", "send_body", "status", "waits")},
		{key{name: "answer", read: onlyTrue}, with("client", "protocol", "refused", "status")},
		{key{name: "send", read: st.readMessage(aText)}, []string{"client"}},
		{key{name: "send_bytes", read: st.readMessage(someBytes)}, []string{"client"}},
		{key{name: "send_json", read: st.readMessage(aJSON)}, []string{"client"}},
		{key{name: "receive", read: st.readMessage(aText)}, []string{"client"}},
		{key{name: "receive_has", read: st.readMessage(aPart)}, []string{"client"}},
		{key{name: "receive_bytes", read: st.readMessage(someBytes)}, []string{"client"}},
		{key{name: "receive_json", read: st.readMessage(aJSON)}, []string{"client"}},
		{key{name: "nothing", read: onlyTrue}, []string{"client"}},
		{key{name: "close", read: number(&st.code, 0, 0xffff)}, []string{"client", "reason"}},
		{key{name: "closed", read: number(&st.code, 0, 0xffff)}, []string{"client", "reason"}},
		{key{name: "abort", read: onlyTrue}, []string{"client"}},
		{key{name: "advance", read: duration(&st.advance)}, nil},
		{key{name: "log", read: text(&st.line)}, nil},
		{key{name: "no_log", read: text(&st.line)}, nil},
		{key{name: "reload", read: text(&st.file)}, nil},
		{key{name: "stop", read: onlyTrue}, nil},
	}
}

// besides are the keys that say more of an action.
func (st *step) besides() []key {
	return []key{
		{name: "client", read: text(&st.client)},
		{name: "headers", read: headers(&st.header)},
		{name: "subprotocols", read: list(&st.subprotocols, 1, `names such as "chat.v2"`, isToken)},
		{name: "protocol", read: anyText(&st.protocol)},
		{name: "refused", read: number(&st.refused, 200, 599)},
		{name: "waits", read: yes(&st.waits)},
		{name: "send_body", read: func(v value) {
			var body *string
			if anyText(&body)(v); body != nil {
				st.body = *body
			}
		}},
		{name: "status", read: number(&st.status, 200, 599)},
		{name: "reason", read: anyText(&st.reason)},
		{name: "body", read: anyText(&st.bodyIs)},
		{name: "body_has", read: anyText(&st.bodyHas)},
		{name: "body_json", read: func(v value) {
			if j, ok := toJSON(v); ok {
				st.bodyJSON = &j
			}
		}},
		{name: "response_headers", read: func(v value) {
			var h http.Header
			headers(&h)(v)
			st.responses = make(map[string]string)
			for name := range h {
				st.responses[strings.ToLower(name)] = strings.Join(h[name], ", ")
			}
		}},
	}
}

// read takes over a table of a script.
func (st *step) read(v value) {
	table, ok := v.any.(map[string]any)
	if !ok {
		v.expected("a table, as in [[step]]")
		return
	}
	st.client = defaultClient
	keys := st.besides()
	var names, beside []string
	for _, a := range st.actions() {
		names = append(names, a.key.name)
		at := v.path.with(a.key.name)
		switch _, there := table[a.key.name]; {
		case there && st.action != "":
			v.doc.fail(at, "a step does one thing; %s and %s are two", st.action, a.key.name)
			a.key.read = func(value) {}
		case there:
			st.action, st.at, beside = a.key.name, at, a.beside
		}
		keys = append(keys, a.key)
	}
	v.readTable(keys)
	if st.action == "" {
		v.fail("the step does nothing; write one of %s", strings.Join(names, ", "))
		return
	}
	for _, k := range st.besides() {
		if _, there := table[k.name]; there && !slices.Contains(beside, k.name) {
			v.doc.fail(v.path.with(k.name), "%s says nothing about %s", k.name, st.action)
		}
	}
}

// readTarget reads the path of a connection.
func (st *step) readTarget(v value) {
	if text(&st.target)(v); st.target != "" && !isTarget(st.target) {
		v.expected(`a path, such as "/chat?x=1"`)
	}
}

// readRequest reads a method and a path.
func (st *step) readRequest(v value) {
	var s string
	text(&s)(v)
	var ok bool
	if st.method, st.target, ok = strings.Cut(s, " "); s != "" && (!ok || !isToken(st.method) || !isTarget(st.target)) {
		v.expected(`a method and a path, such as "GET /page"`)
	}
}

func isTarget(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isToken reports whether s is a token of RFC 9110.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// readMessage reads what is to be sent or received.
func (st *step) readMessage(kind sayingKind) reader {
	return func(v value) {
		st.said.kind = kind
		switch kind {
		case someBytes:
			s, ok := v.any.(string)
			b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
			if !ok || err != nil {
				v.expected(`bytes in hexadecimal digits, such as "00 ff"`)
				return
			}
			st.said.text = string(b)
		case aJSON:
			st.said.text, _ = toJSON(v)
		default:
			var s *string
			if anyText(&s)(v); s != nil {
				st.said.text = *s
			}
		}
	}
}

// anyText reads a text, which may be empty.
func anyText(to **string) reader {
	return func(v value) {
		s, ok := v.any.(string)
		if !ok || !utf8.ValidString(s) {
			v.expected("a text, in quotes")
			return
		}
		*to = &s
	}
}

// onlyTrue reads the value of a key that says everything by being there.
func onlyTrue(v value) {
	if v.any != true {
		v.expected("true")
	}
}

// headers reads a table of header fields, each a text or an array of texts.
func headers(to *http.Header) reader {
	return func(v value) {
		table, ok := v.any.(map[string]any)
		if !ok {
			v.expected(`a table, such as { cookie = "a=1" }`)
			return
		}
		*to = make(http.Header)
		for _, name := range slices.Sorted(maps.Keys(table)) {
			item := table[name]
			at := value{v.doc, v.path.with(name), item}
			items, ok := item.([]any)
			if !ok {
				items = []any{item}
			}
			for _, item := range items {
				s, ok := item.(string)
				switch {
				case !isToken(name):
					at.fail("%.60q cannot name a header field", name)
				case !ok || strings.ContainsAny(s, "\r\n\x00"):
					at.expected("a text, or an array of them, of one line each")
				default:
					to.Add(name, s)
				}
			}
		}
	}
}

// toJSON reads JSON: a text is JSON itself, and anything else the value.
func toJSON(v value) (text string, ok bool) {
	if s, isText := v.any.(string); isText {
		if _, err := decodeJSON(s); err != nil {
			v.fail("%s is no JSON: %v", v.name(), err)
			return "", false
		}
		return s, true
	}
	if hasTime(v.any) {
		v.expected("JSON, which has no dates")
		return "", false
	}
	b, err := json.Marshal(v.any)
	if err != nil {
		v.fail("%s cannot be JSON: %v", v.name(), err)
		return "", false
	}
	return string(b), true
}

// hasTime reports whether there is a date or a time in a value of TOML's.
func hasTime(v any) bool {
	switch v := v.(type) {
	case string, int64, float64, bool:
		return false
	case []any:
		return slices.ContainsFunc(v, hasTime)
	case map[string]any:
		for _, item := range v {
			if hasTime(item) {
				return true
			}
		}
		return false
	}
	return true
}

// decodeJSON returns the one value that s is, with numbers as they are written.
func decodeJSON(s string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is more behind the value")
	}
	return v, nil
}

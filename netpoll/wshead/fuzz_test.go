package wshead

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/internal/conformance"
)

// FuzzParse holds Parse to its promises: it never panics, its answer does not
// depend on where the bytes are cut nor, once there is one, on what follows them;
// its views lie in the head, one behind the other; and what it accepts means the
// same to net/http, which gets every head that is not ours.
func FuzzParse(f *testing.F) {
	for _, tc := range conformance.Handshakes(f) {
		f.Add(tc.Wire(), uint16(20))
		f.Add(tc.Wire(), uint16(21))
	}
	f.Add([]byte(browser), uint16(300))
	f.Add([]byte(get("Pragma: no-cache\r\n", "Trailer: a\r\n")), uint16(3))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		lim := &Limits{}
		if cut%2 == 1 {
			lim = &Limits{HeadBytes: 300, LineBytes: 60, TargetBytes: 30, Fields: 6}
		}
		whole := outcome(b, nil, lim)
		if got := outcome(b, []int{min(int(cut), len(b))}, lim); got != whole {
			t.Errorf("cut at %d:\n got %s\nwant %s", cut, got, whole)
		}
		checkCuts(t, b, lim)
		if got := outcome(append(bytes.Clone(b), "GET / HTTP/1.1\r\n\r\n"...), nil, lim); whole != "more" && got != whole {
			t.Errorf("with more behind it:\n got %s\nwant %s", got, whole)
		}
		var h Head
		size, refusal := new(Parser).Parse(b, lim, &h)
		if len(h.Fields) > lim.withDefaults().Fields {
			t.Errorf("%d fields", len(h.Fields))
		}
		if refusal == nil && size > 0 {
			checkViews(t, b[:size], &h)
			compareWithNetHTTP(t, b[h.Lead:], &h)
		}
	})
}

// checkViews makes sure that what a head holds is no more than its bytes.
func checkViews(t *testing.T, b []byte, h *Head) {
	rest := b[h.Lead:]
	for _, view := range append([][]byte{h.Method, h.Target}, fieldViews(h)...) {
		if cap(view) > len(b) {
			t.Fatalf("a view of %d bytes can be extended to %d, out of a head of %d", len(view), cap(view), len(b))
		}
		at := bytes.Index(rest, view)
		if at < 0 {
			t.Fatalf("%q is not in %q, what is left of %q", view, rest, b)
		}
		rest = rest[at+len(view):]
	}
}

func fieldViews(h *Head) (views [][]byte) {
	for _, f := range h.Fields {
		views = append(views, f.Name, f.Value)
	}
	return views
}

// What one field may be, by RFC 6455, section 9.1: elements between commas, some of
// them empty. A quoted string is a token without its backslashes, so that no comma
// can be in one.
const (
	tokenPattern     = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
	quotedPattern    = `"(?:\\?[!#$%&'*+.^_` + "`" + `|~0-9A-Za-z-])+"`
	parameterPattern = `[ \t]*;[ \t]*` + tokenPattern + `(?:[ \t]*=[ \t]*(?:` + tokenPattern + `|` + quotedPattern + `))?`
)

var offerPattern = regexp.MustCompile(`^` + tokenPattern + `(?:` + parameterPattern + `)*$`)

// FuzzExtensions holds the walk through Sec-WebSocket-Extensions against that
// grammar, in one field and in two.
func FuzzExtensions(f *testing.F) {
	for _, tc := range conformance.Handshakes(f) {
		var h Head
		if size, refusal := new(Parser).Parse(tc.Wire(), &Limits{}, &h); size > 0 && refusal == nil {
			if value, ok := h.Get("Sec-WebSocket-Extensions"); ok {
				f.Add(bytes.Clone(value), []byte("x"))
			}
		}
	}
	f.Add([]byte(`a;b;c=d;e="f\g" , , h ;i = j`), []byte(""))
	f.Add([]byte(`x; y="1" ,z`), []byte(`,x;w`))
	f.Add([]byte(`a;b="`), []byte(`c"`))
	f.Add([]byte(`a;b="\"`), []byte(`a b`))
	f.Add([]byte(`a;b="\,"`), []byte(`a;b=",",`))
	f.Add([]byte(`a;b=""`), []byte(`;`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		wire := handshake("Sec-WebSocket-Extensions: "+string(first), "sec-websocket-extensions: "+string(second))
		var h Head
		size, refusal := new(Parser).Parse([]byte(wire), &Limits{}, &h)
		if refusal != nil || size != len(wire) || len(h.Fields) != 7 {
			t.Skip("not the values of two fields")
		}
		var want, got []string
		valid := true
		for element := range strings.SplitSeq(string(h.Fields[5].Value)+","+string(h.Fields[6].Value), ",") {
			if element = strings.Trim(element, " \t"); element == "" {
				continue
			}
			if valid = offerPattern.MatchString(element); !valid {
				break
			}
			want = append(want, element)
		}
		for offer := range h.Extensions {
			got = append(got, string(offer))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got the offers %q, want %q", got, want)
		}
		if refusal := h.CheckUpgrade(); (refusal == nil) != valid || refusal != nil && refusal != BadExtensions {
			t.Errorf("got %v, valid: %v", refusal, valid)
		}
	})
}

// compareWithNetHTTP reads b as the standard server does. A head that wants an
// upgrade and passed must pass there too; one that is handed over may be refused
// there (an unknown transfer coding is), but not read otherwise.
func compareWithNetHTTP(t *testing.T, b []byte, h *Head) {
	in := bufio.NewReaderSize(bytes.NewReader(b), len(b)+16)
	req, err := http.ReadRequest(in)
	if err != nil {
		_, encoded := h.Get("Transfer-Encoding")
		_, trailer := h.Get("Trailer")
		if !encoded && !trailer {
			t.Errorf("net/http refuses %q: %v", b, err)
		}
		return
	}
	if rest := len(b) - in.Buffered(); !bytes.HasSuffix(b[:rest], []byte("\r\n\r\n")) {
		t.Errorf("net/http ends the head elsewhere, after %q", b[:rest])
	}
	if req.Method != string(h.Method) || req.RequestURI != string(h.Target) ||
		req.Host != string(h.Host) || req.ProtoMinor != h.Minor || req.URL.RawQuery != string(h.Query) {
		t.Errorf("net/http reads %s %s host %s minor %d,\nwe read %s %s host %s minor %d", req.Method, req.RequestURI,
			req.Host, req.ProtoMinor, h.Method, h.Target, h.Host, h.Minor)
	}
	if path := req.URL.EscapedPath(); path != string(h.Path) && !(path == "" && string(h.Path) == "/") {
		t.Errorf("net/http reads path %q, we %q", path, h.Path)
	}
	want := http.Header{}
	for _, field := range h.Fields {
		want.Add(string(field.Name), string(field.Value))
	}
	for name, values := range want {
		switch name {
		case "Host", "Transfer-Encoding", "Trailer", "Content-Length": // net/http keeps these outside
			continue
		}
		if !slices.Equal(req.Header[name], values) {
			t.Errorf("net/http reads %s as %q, we %q", name, req.Header[name], values)
		}
	}
	for name := range req.Header {
		if len(want[name]) == 0 && fmt.Sprint(name, want["Pragma"]) != "Cache-Control[no-cache]" { // it adds that one
			t.Errorf("net/http has a field %s, which we have not", name)
		}
	}
}

package wshead

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/seed-c6589352/wherry/internal/conformance"
)

// FuzzParse holds Parse to three promises: it never panics, its answer does not
// depend on where the bytes are cut, and what it accepts means the same to
// net/http, which gets every head that is not ours.
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
		var h Head
		if size, refusal := new(Parser).Parse(b, lim, &h); refusal == nil && size > 0 {
			compareWithNetHTTP(t, b[h.Lead:], &h)
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

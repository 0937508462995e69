package wshead

import (
	"bufio"
	"bytes"
	"maps"
	"net/http"
	"regexp"
	"testing"

	"github.com/seed-c6589352/wherry/internal/conformance"
)

// netHTTP stands for "no WebSocket handshake: the standard server answers".
const netHTTP = -1

// elsewhere lists the cases whose answer is not this package's to give, what
// this package says to their bytes instead, and whose answer it is.
var elsewhere = map[string]struct {
	status int
	why    string
}{
	"line-pct-nul":             {101, "404 is the router's: it decodes the path"},
	"origin-null":              {101, "403 is the router's: it knows the allowed origins"},
	"origin-prefix":            {101, "403 is the router's"},
	"origin-userinfo":          {101, "403 is the router's"},
	"origin-scheme":            {101, "403 is the router's"},
	"origin-port":              {101, "403 is the router's"},
	"origin-empty":             {101, "403 is the router's"},
	"origin-multi":             {101, "403 is the router's"},
	"origin-pct-path":          {101, "403 is the router's: it decodes the path"},
	"origin-hdr-case-bypass":   {101, "403 is the router's: the path is that of the absolute target"},
	"time-slowloris":           {0, "408 is the deadline's"},
	"time-slow-bytes":          {0, "408 is the deadline's"},
	"time-connect-silent":      {0, "408 is the deadline's"},
	"http-get-plain":           {netHTTP, "200 is the guest's"},
	"http-get-plain-10":        {netHTTP, "200 is the guest's"},
	"pipe-plain-then-ws":       {netHTTP, "200, then 101 by way of net/http"},
	"pipe-plain-close-then-ws": {netHTTP, "200, then close"},
	"http-post-chunk-bad":      {netHTTP, "400 is net/http's: the head is well-formed, the body is not"},
}

func TestConformance(t *testing.T) {
	cases := conformance.Handshakes(t)
	unused := maps.Clone(elsewhere)
	here, skipped := 0, map[int]int{}
	for _, tc := range cases {
		want := tc.Expect
		other, ok := elsewhere[tc.ID]
		if ok {
			want = other.status
			skipped[want]++
			delete(unused, tc.ID)
			t.Logf("%s: %d is not decided here: %s", tc.ID, tc.Expect, other.why)
		} else {
			here++
		}
		wire := tc.Wire()
		got, response := respond(wire)
		if got != want {
			t.Errorf("%s: got %d %q, want %d", tc.ID, got, response, want)
			continue
		}
		if !ok && len(response) > 0 {
			checkResponse(t, &tc, response)
		}
		checkCuts(t, wire, &Limits{})
	}
	if len(unused) > 0 {
		t.Errorf("these cases do not exist: %v", unused)
	}
	t.Logf("%d cases: %d decided here; elsewhere: %d by the router, %d by net/http, %d by a deadline",
		len(cases), here, skipped[101], skipped[netHTTP], skipped[0])
}

// respond does what a loop does with the bytes of a new connection, and returns
// the status and the response; 0 means that it waits for more.
func respond(wire []byte) (status int, response []byte) {
	var h Head
	size, refusal := new(Parser).Parse(wire, &Limits{}, &h)
	switch {
	case refusal == nil && size == 0:
		return 0, nil
	case refusal == nil && !h.WantsUpgrade():
		return netHTTP, nil
	case refusal == nil:
		refusal = h.CheckUpgrade()
	}
	if refusal != nil {
		return refusal.Status, AppendRefusal(nil, refusal, nil)
	}
	return 101, AppendSwitch(nil, AppendAcceptKey(nil, h.Key()), choose(&h), nil)
}

// choose picks a protocol as the route /ws-proto of the cases does.
func choose(h *Head) []byte {
	for protocol := range h.Protocols {
		if p := string(protocol); string(h.Path) == "/ws-proto" && (p == "chat" || p == "superchat") {
			return protocol
		}
	}
	return nil
}

// checkResponse compares fields, but for extensions, which are negotiated above.
func checkResponse(t *testing.T, tc *conformance.Handshake, response []byte) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(response)), nil)
	if err != nil {
		t.Errorf("%s: %v in %q", tc.ID, err, response)
		return
	}
	for name, pattern := range tc.RequireHeaders {
		if name == "Sec-WebSocket-Extensions" {
			continue
		}
		if got := resp.Header.Get(name); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s: %s is %q, want %s", tc.ID, name, got, pattern)
		}
	}
	for _, name := range tc.ForbidHeaders {
		if got, ok := resp.Header[http.CanonicalHeaderKey(name)]; ok {
			t.Errorf("%s: %s is %q, want none", tc.ID, name, got)
		}
	}
}

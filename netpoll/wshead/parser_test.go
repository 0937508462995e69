package wshead

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// handshake returns a valid opening handshake with its lines replaced, removed
// ("Name" alone) or added by edits of the form "Name: value".
func handshake(edits ...string) string {
	lines := []string{
		"Host: example.com",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Version: 13",
	}
edits:
	for _, edit := range edits {
		name, _, keep := strings.Cut(edit, ":")
		for i, line := range lines {
			if strings.HasPrefix(line, name+":") {
				lines[i] = edit
				if !keep {
					lines = append(lines[:i], lines[i+1:]...)
				}
				continue edits
			}
		}
		lines = append(lines, edit)
	}
	return "GET /ws HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// get returns a plain GET with these lines behind its Host.
func get(lines ...string) string {
	return "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Join(lines, "") + "\r\n"
}

// browser is a head as a browser sends it: 14 fields, about 650 bytes.
const browser = "GET /rooms/42?token=eyJhbGciOiJIUzI1NiJ9 HTTP/1.1\r\n" +
	"Host: app.example.com\r\n" +
	"Connection: Upgrade\r\n" +
	"Pragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\n" +
	"Origin: https://app.example.com\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" +
	"Cookie: sid=0123456789abcdef0123456789abcdef; theme=dark\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" +
	"Sec-WebSocket-Protocol: chat.v2, chat.v1\r\n\r\n"

func TestParseViews(t *testing.T) {
	for _, tc := range []struct {
		line                              string
		method, target, path, query, host string
		hostname                          string
		minor                             int
	}{
		{"GET / HTTP/1.1", "GET", "/", "/", "", "example.com:80", "example.com", 1},
		{"GET /a/b?x=1&y HTTP/1.1", "GET", "/a/b?x=1&y", "/a/b", "x=1&y", "example.com:80", "example.com", 1},
		{"GET /a?b?c HTTP/1.2", "GET", "/a?b?c", "/a", "b?c", "example.com:80", "example.com", 2},
		{"GET //a%2Fb HTTP/1.0", "GET", "//a%2Fb", "//a%2Fb", "", "example.com:80", "example.com", 0},
		{"OPTIONS * HTTP/1.1", "OPTIONS", "*", "*", "", "example.com:80", "example.com", 1},
		{"get /x HTTP/1.1", "get", "/x", "/x", "", "example.com:80", "example.com", 1},
		{"GET http://other/ws?q HTTP/1.1", "GET", "http://other/ws?q", "/ws", "q", "other", "other", 1},
		{"GET WSS://[::1]:443?q HTTP/1.1", "GET", "WSS://[::1]:443?q", "/", "q", "[::1]:443", "[::1]", 1},
		{"GET https://other HTTP/1.1", "GET", "https://other", "/", "", "other", "other", 1},
	} {
		wire := tc.line + "\r\nHost: example.com:80\r\n\r\n"
		var h Head
		size, refusal := new(Parser).Parse([]byte(wire), &Limits{}, &h)
		if size != len(wire) || refusal != nil {
			t.Errorf("%s: got size %d, %v; want %d", tc.line, size, refusal, len(wire))
			continue
		}
		got := []string{string(h.Method), string(h.Target), string(h.Path), string(h.Query), string(h.Host), string(h.Hostname())}
		want := []string{tc.method, tc.target, tc.path, tc.query, tc.host, tc.hostname}
		if fmt.Sprint(got) != fmt.Sprint(want) || h.Minor != tc.minor {
			t.Errorf("%s:\n got %q %d\nwant %q %d", tc.line, got, h.Minor, want, tc.minor)
		}
	}
}

func TestParseFields(t *testing.T) {
	wire := "\r\n" + get("A:\r\n", "b:  x y\t\r\n", "a: \x80\t\xff\r\n") + "\x81\x80rest"
	var h Head
	size, refusal := new(Parser).Parse([]byte(wire), &Limits{}, &h)
	if refusal != nil || size != len(wire)-len("\x81\x80rest") || h.Lead != 2 {
		t.Fatalf("got size %d, %v, lead %d", size, refusal, h.Lead)
	}
	got := ""
	for _, f := range h.Fields {
		got += fmt.Sprintf("%s=%q ", f.Name, f.Value)
		if cap(f.Name) != len(f.Name) || cap(f.Value) != len(f.Value) {
			t.Errorf("views of %s are not clipped: an append would write into the buffer", f.Name)
		}
	}
	if want := `Host="h" A="" b="x y" a="\x80\t\xff" `; got != want {
		t.Errorf("got fields %s\nwant       %s", got, want)
	}
	if v, ok := h.Get("B"); !ok || string(v) != "x y" {
		t.Errorf("Get(B) = %q, %v", v, ok)
	}
	if v, ok := h.Get("c"); ok {
		t.Errorf("Get(c) = %q, want nothing", v)
	}
}

func TestParseRefusals(t *testing.T) {
	for _, tc := range []struct {
		wire string
		want *Refusal
	}{
		{"\x16", TLSHello},
		{"\x00", BadMethod},
		{" ", BadMethod},
		{"\n", BadMethod},
		{"\r\r", BadLineEnd},
		{"\r\n\r", BadMethod},
		{"SSH-2.0-OpenSSH_9.6\r", BadMethod},
		{strings.Repeat("A", 33), UnknownMethod},
		{"PRI ", BadHTTPMajor},
		{"CONNECT ", MethodNotAllowed},
		{"EHLO example.com\r", BadTarget},
		{"GET  ", BadTarget},
		{"GET /\xe9", BadTarget},
		{"GET /#", BadTarget},
		{"GET /" + strings.Repeat("a", 8000) + " ", TargetTooLong},
		{"GET / HTTP1.1\r", BadHTTPVersion},
		{"GET / http/1.1\r", BadHTTPVersion},
		{"GET / HTTP/1.10", BadHTTPVersion},
		{"GET / HTTP/1.x\r", BadHTTPVersion},
		{"GET / HTTP/1.1 ", BadHTTPVersion},
		{"GET / HTTP/1.1\n", BadLineEnd},
		{"GET / HTTP/1.1\r\r", BadLineEnd},
		{"GET / HTTP/2.0\r", BadHTTPMajor},
		{"GET / HTTP/0.9\r", BadHTTPMajor},
		{"GET / HTTP/1.1\r\n ", ObsFold},
		{"GET / HTTP/1.1\r\nA: b\r\n\t", ObsFold},
		{"GET / HTTP/1.1\r\nA: b\r\n\n", BadLineEnd},
		{"GET / HTTP/1.1\r\nA: b\n", BadLineEnd},
		{"GET / HTTP/1.1\r\nA: b\r\r", BadLineEnd},
		{"GET / HTTP/1.1\r\nA: b\r\n\r\r", BadLineEnd},
		{"GET / HTTP/1.1\r\nA ", SpaceInName},
		{"GET / HTTP/1.1\r\nA\t", SpaceInName},
		{"GET / HTTP/1.1\r\n:", BadFieldName},
		{"GET / HTTP/1.1\r\nA\r", BadFieldName},
		{"GET / HTTP/1.1\r\nA\n", BadLineEnd},
		{"GET / HTTP/1.1\r\nA\x80", BadFieldName},
		{"GET / HTTP/1.1\r\nA: b\x00", BadFieldValue},
		{"GET / HTTP/1.1\r\nA: b\x7f", BadFieldValue},
		{"GET / HTTP/1.1\r\nA: " + strings.Repeat("b", 8190), LineTooLong},
		{"GET /" + strings.Repeat("b", 8188), LineTooLong},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("A:"+strings.Repeat(" ", 8000)+"\r\n", 2) + "A:" + strings.Repeat(" ", 358), HeadTooLarge},
		{"GET / HTTP/1.1\r\n" + strings.Repeat("A:\r\n", 100) + "A", TooManyFields},

		{"GET / HTTP/1.1\r\n\r\n", HostMissing},
		{"GET http://h/ HTTP/1.1\r\n\r\n", HostMissing},
		{get("host: h\r\n"), HostDuplicate},
		{"GET http:/// HTTP/1.1\r\nHost: h\r\n\r\n", BadHost},
		{"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", BadHost},
		{"GET http://h/ HTTP/1.1\r\nHost: u@h\r\n\r\n", BadHost},
		{"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{"GET http:/h HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{"GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{"GET * HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{"GET ?a HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{"GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{"GET /%4g HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{"GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n", BadTarget},
		{get("Content-Length: 1\r\n", "content-length: 1\r\n"), BadContentLength},
		{get("Content-Length: +1\r\n"), BadContentLength},
		{get("Content-Length: 1, 1\r\n"), BadContentLength},
		{get("Content-Length:\r\n"), BadContentLength},
		{get("Content-Length: 1000000000000000000\r\n"), BadContentLength},
		{get("Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"), BadTransferEncoding},
		{get("Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\n"), BadTransferEncoding},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BadTransferEncoding},
	} {
		short := tc.wire[max(0, len(tc.wire)-60):]
		wire := []byte(tc.wire)
		var h Head
		if size, got := new(Parser).Parse(wire, &Limits{}, &h); size != 0 || got != tc.want {
			t.Errorf("…%q: got size %d, %v; want %v", short, size, got, tc.want)
		}
		// The last byte of each case is the first that makes it hopeless.
		if size, got := new(Parser).Parse(wire[:len(wire)-1], &Limits{}, &h); size != 0 || got != nil {
			t.Errorf("…%q without its last byte: got size %d, %v; want 0, nil", short, size, got)
		}
		checkCuts(t, wire, &Limits{})
	}
}

func TestParseLimitsAreExact(t *testing.T) {
	lim := &Limits{HeadBytes: 60, LineBytes: 20, TargetBytes: 6, Fields: 3}
	for _, tc := range []struct {
		wire string
		want *Refusal
	}{
		{"GET /23456 HTTP/1.1\r\nHost: h\r\n\r\n", nil},
		{"GET /234567 HTTP/1.1\r\nHost: h\r\n\r\n", TargetTooLong},
		{"GET / HTTP/1.1\r\nHost: h\r\nA: 45678901234567890\r\n\r\n", nil},
		{"GET / HTTP/1.1\r\nHost: h\r\nA: 456789012345678901\r\n\r\n", LineTooLong},
		{"GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB:\r\n\r\n", nil},
		{"GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB:\r\nC:\r\n\r\n", TooManyFields},
		{"GET / HTTP/1.1\r\nHost: h\r\nA: 45678901234567890\r\nB: 456789\r\n\r\n", nil},
		{"GET / HTTP/1.1\r\nHost: h\r\nA: 45678901234567890\r\nB: 4567890\r\n\r\n", HeadTooLarge},
		{strings.Repeat("A", 21), LineTooLong}, // before it is too long for a method
	} {
		var h Head
		if _, got := new(Parser).Parse([]byte(tc.wire), lim, &h); got != tc.want {
			t.Errorf("%q: got %v; want %v", tc.wire, got, tc.want)
		}
		checkCuts(t, []byte(tc.wire), lim)
	}
}

func TestParseEverySplit(t *testing.T) {
	for _, wire := range []string{browser, "\r\n" + handshake(), get("A: b\r\n") + "rest", get("A : b\r\n")} {
		whole := outcome([]byte(wire), nil, &Limits{})
		for n := range len(wire) {
			if got := outcome([]byte(wire), []int{n}, &Limits{}); got != whole {
				t.Errorf("cut at %d of %q:\n got %s\nwant %s", n, wire, got, whole)
			}
		}
		checkCuts(t, []byte(wire), &Limits{})
	}
	for n := range len(browser) { // every prefix must ask for more
		var h Head
		if size, refusal := new(Parser).Parse([]byte(browser[:n]), &Limits{}, &h); size != 0 || refusal != nil {
			t.Errorf("prefix of %d bytes: got size %d, %v; want 0, nil", n, size, refusal)
		}
	}
}

// A Parser must not look again at lines that it has judged, until the head is
// complete. So spoiling them must not change its mind.
func TestParseDoesNotRescan(t *testing.T) {
	wire := []byte(browser)
	var p Parser
	var h Head
	for n := range wire {
		if size, refusal := p.Parse(wire[:n], &Limits{}, &h); size != 0 || refusal != nil {
			t.Fatalf("prefix of %d bytes: got size %d, %v; want 0, nil", n, size, refusal)
		}
		clear(wire[:p.line])
	}
	if size := unsafe.Sizeof(p); size > 16 {
		t.Errorf("a Parser has %d bytes; its budget is 16", size)
	}
}

func TestParserIsReusable(t *testing.T) {
	var p Parser
	var h Head
	rest := []byte(handshake() + get() + browser)
	for i := range 3 {
		size, refusal := p.Parse(rest, &Limits{}, &h)
		if size == 0 || refusal != nil {
			t.Fatalf("head %d: got size %d, %v", i, size, refusal)
		}
		if want := i != 1; h.WantsUpgrade() != want {
			t.Errorf("head %d: WantsUpgrade is %v; the last head shines through", i, !want)
		}
		rest = rest[size:]
	}
	if len(rest) != 0 {
		t.Errorf("%d bytes are left over", len(rest))
	}
}

func TestParseBudget(t *testing.T) {
	wire, lim := []byte(browser), &Limits{}
	ipv6 := []byte(handshake("Host: [fe80::1:2.3.4.5]:443"))
	var p Parser
	var h Head
	dst := make([]byte, 0, 512)
	budget := func(what string, f func()) {
		f() // h.Fields grows once
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times; its budget is 0", what, n)
		}
	}
	budget("Parse", func() { p.Parse(wire, lim, &h) })
	budget("Parse in pieces", func() { p.Parse(wire[:99], lim, &h); p.Parse(wire, lim, &h) })
	budget("Parse of an IPv6 host", func() { p.Parse(ipv6, lim, &h) })
	p.Parse(wire, lim, &h)
	budget("CheckUpgrade", func() { h.CheckUpgrade() })
	budget("Protocols", func() {
		for protocol := range h.Protocols {
			dst = append(dst[:0], protocol...)
		}
	})
	budget("AppendSwitch", func() {
		var accept [AcceptBytes]byte
		dst = AppendSwitch(dst[:0], AppendAcceptKey(accept[:0], h.Key()), []byte("chat"), nil)
	})
	budget("AppendRefusal", func() { dst = AppendRefusal(dst[:0], BadVersion, nil) })
}

// checkCuts compares the whole b with b byte by byte and in random pieces.
func checkCuts(t *testing.T, b []byte, lim *Limits) {
	t.Helper()
	whole := outcome(b, nil, lim)
	every := make([]int, len(b))
	for i := range every {
		every[i] = i
	}
	if got := outcome(b, every, lim); got != whole {
		t.Errorf("bytewise %.200q:\n got %s\nwant %s", b, got, whole)
	}
	rng := rand.New(rand.NewPCG(1, uint64(len(b))))
	for range 3 {
		var cuts []int
		for n := rng.IntN(40); n < len(b); n += 1 + rng.IntN(40) {
			cuts = append(cuts, n)
		}
		if got := outcome(b, cuts, lim); got != whole {
			t.Errorf("cut at %v, %.200q:\n got %s\nwant %s", cuts, b, got, whole)
		}
	}
}

// outcome parses ever longer prefixes of b, and at last b, and says all about
// the first result. Each prefix lies in a buffer of its own.
func outcome(b []byte, cuts []int, lim *Limits) string {
	var p Parser
	var h Head
	for _, n := range append(cuts[:len(cuts):len(cuts)], len(b)) {
		size, refusal := p.Parse(bytes.Clone(b[:n]), lim, &h)
		if refusal != nil {
			return fmt.Sprint("refused: ", refusal, size)
		}
		if size > 0 {
			return fmt.Sprintf("%d bytes: %q %q %q %q %q %d %d %q %v %v", size, h.Method, h.Target, h.Path, h.Query,
				h.Host, h.Minor, h.Lead, h.Fields, h.WantsUpgrade(), h.CheckUpgrade())
		}
	}
	return "more"
}

func BenchmarkParse(b *testing.B) {
	wire, lim := []byte(browser), &Limits{}
	var p Parser
	var h Head
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		if size, refusal := p.Parse(wire, lim, &h); size == 0 || refusal != nil {
			b.Fatal(size, refusal)
		}
	}
}

func BenchmarkHandshake(b *testing.B) {
	wire, lim := []byte(browser), &Limits{}
	var p Parser
	var h Head
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		if _, refusal := p.Parse(wire, lim, &h); refusal != nil || h.CheckUpgrade() != nil {
			b.Fatal(refusal)
		}
		var accept [AcceptBytes]byte
		dst = AppendSwitch(dst[:0], AppendAcceptKey(accept[:0], h.Key()), nil, nil)
	}
}

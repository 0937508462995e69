package wshead

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAppendSwitch(t *testing.T) {
	accept := AppendAcceptKey(nil, []byte("dGhlIHNhbXBsZSBub25jZQ=="))
	if want := "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; string(accept) != want { // RFC 6455, 1.3
		t.Errorf("got accept key %s, want %s", accept, want)
	}
	if len(accept) != AcceptBytes {
		t.Errorf("got %d bytes, want %d", len(accept), AcceptBytes)
	}
	got := AppendSwitch([]byte("before "), accept, []byte("chat"), []byte("Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n"))
	want := "before HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n" +
		"Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\n"
	if string(got) != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := AppendSwitch(nil, accept, nil, nil); bytes.Contains(got, []byte("Protocol:")) {
		t.Errorf("got a protocol that nobody chose: %q", got)
	}
}

// Every refusal must be a whole response that the standard client understands,
// under a name of its own, and one sentence long.
func TestEveryRefusal(t *testing.T) {
	names := map[string]bool{}
	for _, r := range Refusals() {
		if names[r.Name] || all([]byte(r.Name), tokenByte) == false || strings.ToLower(r.Name) != r.Name {
			t.Errorf("%q is not a name of its own in snake case", r.Name)
		}
		names[r.Name] = true
		if !strings.HasSuffix(r.Text, ".") || strings.Count(r.Text, ". ") > 0 {
			t.Errorf("%s: %q is not one sentence", r.Name, r.Text)
		}
		wire := bytes.NewBuffer(AppendRefusal(nil, r, AppendRetryAfter(nil, 7)))
		in := bufio.NewReader(wire)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != r.Text+"\n" || in.Buffered() != 0 || !resp.Close ||
			resp.StatusCode != r.Status || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: got %v, body %q, %v", r.Name, resp, body, err)
		}
		if r.Status == http.StatusUpgradeRequired && (resp.Header.Get("Upgrade") != "websocket" ||
			resp.Header.Get("Sec-WebSocket-Version") != "13") {
			t.Errorf("%s: 426 must say what to upgrade to, got %v", r.Name, resp.Header)
		}
		if r.Status == http.StatusMethodNotAllowed && resp.Header.Get("Allow") != "GET" {
			t.Errorf("%s: 405 must say what is allowed, got %v", r.Name, resp.Header)
		}
	}
}

func TestAppendResponse(t *testing.T) {
	got := AppendResponse(nil, 422, []byte("Content-Type: application/json\r\n"), []byte("{}"))
	want := "HTTP/1.1 422 Unprocessable Entity\r\nConnection: close\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
	if string(got) != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	got = AppendResponse(nil, 403, nil, nil) // closed before accept
	if want := "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"; string(got) != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestGuestFields(t *testing.T) {
	for name, want := range map[string]struct{ valid, forbidden bool }{
		"Set-Cookie":             {false, false},
		"set-cookie":             {true, false},
		"sec-websocket-":         {true, true},
		"x":                      {true, false},
		"Dates":                  {false, false},
		"DATE":                   {false, true},
		"host":                   {true, true},
		"Connection":             {false, true},
		"uPgrade":                {false, true},
		"Content-length":         {false, true},
		"Transfer-Encoding":      {false, true},
		"Sec-WebSocket-":         {false, true},
		"sec-websocket-Accept":   {false, true},
		"Sec-Websocket-Anything": {false, true},
		"Sec-WebSocket":          {false, false},
		"Origin":                 {false, false},
		"":                       {false, false},
		"a b":                    {false, false},
		"a:":                     {false, false},
		"a\r\n":                  {false, false},
		"é":                      {false, false},
		"Upgrade ":               {false, false},
		"\u212aey":               {false, false}, // the Kelvin sign is no letter k
		strings.Repeat("a", 256): {true, false},
		strings.Repeat("a", 257): {false, false},
	} {
		if got := ValidFieldName([]byte(name)); got != want.valid {
			t.Errorf("ValidFieldName(%q) = %v, want %v", name, got, want.valid)
		}
		if got := Forbidden([]byte(name)); got != want.forbidden {
			t.Errorf("Forbidden(%q) = %v, want %v", name, got, want.forbidden)
		}
	}
	for value, want := range map[string]bool{
		"": true, "a\tb c": true, "\x80\xff": true, strings.Repeat("a", 8192): true,
		"a\r": false, "a\nb": false, "\x00": false, "\x7f": false, " a": false, "a\t": false, " ": false, strings.Repeat("a", 8193): false,
	} {
		if got := ValidFieldValue([]byte(value)); got != want {
			t.Errorf("ValidFieldValue(%.20q) = %v, want %v", value, got, want)
		}
	}
}

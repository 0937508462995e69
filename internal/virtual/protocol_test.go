package virtual

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// TestParseFrame reads frames that another implementation has written, cut at every
// place where they can be.
func TestParseFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536} {
		for _, fin := range []bool{true, false} {
			payload := bytes.Repeat([]byte("x"), size)
			var b bytes.Buffer
			if err := ws.WriteFrame(&b, ws.NewFrame(ws.OpBinary, fin, payload)); err != nil {
				t.Fatal(err)
			}
			whole := b.Bytes()
			for cut := range whole {
				if cut > 20 && cut < len(whole)-2 {
					continue
				}
				if _, n, err := parseFrame(whole[:cut]); n != 0 || err != nil {
					t.Fatalf("%d of %d bytes: size %d, %v", cut, len(whole), n, err)
				}
			}
			f, n, err := parseFrame(append(whole, "more"...))
			if err != nil || n != len(whole) || f.fin != fin || f.op != ws.OpBinary || !bytes.Equal(f.payload, payload) {
				t.Fatalf("%d bytes: %v %v of %d, size %d, %v", size, f.fin, f.op, len(f.payload), n, err)
			}
		}
	}
	for _, bad := range []string{"\xc1\x00", "\x81\x80"} { // a reserved bit, a mask
		if _, _, err := parseFrame([]byte(bad)); err == nil {
			t.Errorf("%x is taken for a frame of a server's", bad)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ==" // and what answers it, of RFC 6455, section 1.3
	open := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
	no := "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 4\r\nX-A: 1\r\n\r\nno\r\n"
	for _, whole := range []string{open, no} {
		for cut := range whole {
			if _, _, err := parseAnswer([]byte(whole[:cut]), key, false); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%q: %v", whole[:cut], err)
			}
			if _, _, err := parseAnswer([]byte(whole[:cut]), key, true); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%q and no more: %v", whole[:cut], err)
			}
		}
	}
	a, rest, err := parseAnswer([]byte(open+"\x81\x00"), key, false)
	if err != nil || a.refused != nil || a.protocol != "chat" || string(rest) != "\x81\x00" {
		t.Errorf("accepted: %+v, rest %q, %v", a, rest, err)
	}
	a, _, err = parseAnswer([]byte(no), key, false)
	if err != nil || a.refused == nil || a.refused.Status != 403 || string(a.refused.Body) != "no\r\n" ||
		a.refused.Header.Get("X-A") != "1" || a.refused.Header.Get("Connection") != "close" {
		t.Errorf("refused: %+v, %v", a.refused, err)
	}
	if _, _, err := parseAnswer([]byte(open), "another key", false); err == nil {
		t.Error("an answer to another key is taken")
	}
}

func TestAppendHead(t *testing.T) {
	for target, header := range map[string]map[string][]string{
		"":                  nil,
		"chat":              nil,
		"/a b":              nil,
		"/\r\nX: 1":         nil,
		"/a":                {"X": {"1\r\nY: 2"}},
		"/b":                {"X\r\n": {"1"}},
		"http://else.where": nil,
	} {
		if b, err := appendHead(nil, "GET", target, "", http.Header{}, header); err == nil {
			t.Errorf("%q %q: %q", target, header, b)
		}
	}
	head, key, err := handshakeHead("/x?y=1", Handshake{Subprotocols: []string{"a", "b"}, Header: map[string][]string{"cookie": {"a=1"}}})
	for _, want := range []string{"GET /x?y=1 HTTP/1.1\r\nHost: wherry.test\r\n", "Cookie: a=1\r\n", "Protocol: a, b\r\n", fmt.Sprintf("Key: %s\r\n", key)} {
		if err != nil || !strings.Contains(string(head), want) {
			t.Errorf("%q has no %q, %v", head, want, err)
		}
	}
}

package wshead

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// parse returns the Head of a wire that Parse must accept.
func parse(t *testing.T, wire string) *Head {
	t.Helper()
	var h Head
	size, refusal := new(Parser).Parse([]byte(wire), &Limits{}, &h)
	if size == 0 || refusal != nil {
		t.Fatalf("Parse(%q) = %d, %v", wire, size, refusal)
	}
	return &h
}

func TestCheckUpgrade(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	other := func(line string) string { return strings.Replace(handshake(), "GET /ws HTTP/1.1", line, 1) }
	for _, tc := range []struct {
		wire string
		want *Refusal
	}{
		{handshake(), nil},
		{browser, nil},
		{handshake("Upgrade: h2c, WebSocket"), nil},
		{handshake("Upgrade: h2c", "upgrade: websocket"), nil},
		{handshake("Connection: , ,keep-alive\t,\tUPGRADE ,"), nil},
		{handshake("Content-Length: 00"), nil},
		{handshake("Expect: 100-continue"), nil},
		{handshake("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="), nil},
		{handshake("Sec-WebSocket-Protocol: a,,b"), nil},
		{handshake("Sec-WebSocket-Extensions:"), nil},
		{handshake("Sec-WebSocket-Extensions: a;b;c=d;e=\"f\\g\" , , h ;i = j"), nil},
		{handshake("Origin:"), nil},

		{other("POST /ws HTTP/1.1"), MethodNotAllowed},
		{other("HEAD /ws HTTP/1.1"), MethodNotAllowed},
		{other("get /ws HTTP/1.1"), UnknownMethod},
		{other("GET /ws HTTP/1.0"), HTTP10},
		{handshake("Upgrade"), UpgradeRequired},
		{handshake("Upgrade: websocket/13"), UpgradeRequired},
		{handshake("Upgrade: \"websocket\""), UpgradeRequired},
		{handshake("Connection"), BadConnection},
		{handshake("Connection: upgraded, x upgrade"), BadConnection},
		{handshake("Content-Length: 1"), BodyOnUpgrade},
		{handshake("Transfer-Encoding: identity"), BodyOnUpgrade},
		{handshake("Transfer-Encoding:"), BodyOnUpgrade},
		{handshake("Sec-WebSocket-Key"), KeyMissing},
		{handshake("sec-websocket-key: " + key), KeyDuplicate},
		{handshake("Sec-WebSocket-Key:"), BadKey},
		{handshake("Sec-WebSocket-Key: YWFhYWFhYWFhYWFhYWFhYWFh"), BadKey},
		{handshake("Sec-WebSocket-Key: YWFhYWFhYWFhYWFhYWFhYWE="), BadKey},
		{handshake("Sec-WebSocket-Key: -_hlIHNhbXBsZSBub25jZQ=="), BadKey},
		{handshake("Sec-WebSocket-Key: " + key + ", " + key), BadKey},
		{handshake("Sec-WebSocket-Version"), BadVersion},
		{handshake("Sec-WebSocket-Version: 013"), BadVersion},
		{handshake("sec-websocket-version: 13"), VersionDuplicate},
		{handshake("Origin: a", "origin: a"), OriginDuplicate},
		{handshake("Sec-WebSocket-Protocol:"), BadProtocol},
		{handshake("Sec-WebSocket-Protocol: , ,"), BadProtocol},
		{handshake("Sec-WebSocket-Protocol: a b"), BadProtocol},
		{handshake("Sec-WebSocket-Protocol: a", "sec-websocket-protocol: \xe9"), BadProtocol},
		{handshake("Sec-WebSocket-Extensions: a;"), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: ;a"), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a=b"), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a;b="), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a;b=\"\""), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a;b=\"c"), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a;b=\"c\\"), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a;b=\"c d\""), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a b"), BadExtensions},
		{handshake("Sec-WebSocket-Extensions: a", "sec-websocket-extensions: ="), BadExtensions},
	} {
		h := parse(t, tc.wire)
		if got := h.CheckUpgrade(); got != tc.want {
			t.Errorf("%q:\n got %v\nwant %v", tc.wire, got, tc.want)
		}
		if !h.WantsUpgrade() {
			t.Errorf("%q: does not want an upgrade", tc.wire)
		}
	}
}

func TestWantsUpgrade(t *testing.T) {
	for wire, want := range map[string]bool{
		get(): false,
		get("Upgrade: h2c\r\n", "Connection: Upgrade\r\n"): false,
		get("Upgrade: websockets\r\n"):                     false,
		get("Connection: Upgrade\r\n"):                     false,
		get("Upgrade: websocket\r\n"):                      true,
		get("Sec-WebSocket-Key: x\r\n"):                    true,
		get("Sec-WebSocket-Version: 8\r\n"):                true,
	} {
		if got := parse(t, wire).WantsUpgrade(); got != want {
			t.Errorf("%q: got %v, want %v", wire, got, want)
		}
	}
}

func TestProtocolsAndExtensionsKeepOrder(t *testing.T) {
	h := parse(t, handshake(
		"Sec-WebSocket-Protocol: b ,a", "Sec-WebSocket-Extensions: x; y=\"1\" ,z",
		"sec-websocket-protocol: , c,", "sec-websocket-extensions: ,x;w"))
	var got []string
	for protocol := range h.Protocols {
		got = append(got, string(protocol))
	}
	for offer := range h.Extensions {
		got = append(got, string(offer))
	}
	if want := "[b a c x; y=\"1\" z x;w]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	for range h.Protocols {
		break // a range that ends early must end the walk
	}
	for range h.Extensions {
		break
	}
}

func TestValidHost(t *testing.T) {
	for host, want := range map[string]bool{
		"example.com": true, "EXAMPLE.com:8080": true, "a_b~c-d": true, "127.0.0.1:1": true, "h:": true,
		"h:65535": true, "[::1]": true, "[::1]:8080": true, "[1:2:3:4:5:6:7.8.9.10]": true,

		"": false, ":80": false, "a b": false, "a,b": false, "u@h": false, "h/p": false, "h%41": false,
		"h:80a": false, "h:65536": false, "h:000080": false, "h:-1": false, "a:1:2": false, "[::1": false,
		"::1": false, "[::1]a": false, "[]": false, "[": false, "]": false, "[fe80::1%25en0]": false, "[v1.a]": false,
	} {
		if got := validHost([]byte(host)); got != want {
			t.Errorf("validHost(%q) = %v, want %v", host, got, want)
		}
	}
}

// FuzzIPv6 compares validIPv6 with the standard library.
func FuzzIPv6(f *testing.F) {
	for _, s := range []string{
		"", ":", "::", ":::", "::1", "1::", "1:", ":1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1::2::3", "0:0:0::0:0:0:0:0", "1::3:4:5:6:7:8", "1:2:3:4:5:6:7::", "12345::", "g::", "::1.2.3.4", "::1.2.3.256", "::01.2.3.4",
		"::1.2.3", "::1.2.3.4.5", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "fe80::1%en0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, err := netip.ParseAddr(s)
		want := err == nil && addr.Is6() && addr.Zone() == ""
		if got := validIPv6([]byte(s)); got != want {
			t.Errorf("validIPv6(%q) = %v, want %v", s, got, want)
		}
	})
}

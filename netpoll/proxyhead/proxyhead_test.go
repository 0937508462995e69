package proxyhead

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// header2 is a header of version 2.
func header2(version, family byte, rest string) string {
	return signature2 + string([]byte{version, family, byte(len(rest) >> 8), byte(len(rest))}) + rest
}

const (
	addresses4 = "\xc0\x00\x02\x01\xc0\x00\x02\x02\xdc\x04\x01\xbb"
	addresses6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xdc\x04\x01\xbb"
	mapped6 = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x02\xdc\x04\x01\xbb"
)

var cases = []struct {
	name, header string
	client       string // empty: none
	err          error
}{
	{"TCP4", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", "192.0.2.1:56324", nil},
	{"TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", "[2001:db8::1]:56324", nil},
	{"mapped", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n", "192.0.2.1:1", nil},
	{"longest", "PROXY TCP6 " + strings.Repeat("ffff:", 7) + "ffff " + strings.Repeat("ffff:", 7) + "ffff 65535 65535\r\n", "[" + strings.Repeat("ffff:", 7) + "ffff]:65535", nil},
	{"UNKNOWN", "PROXY UNKNOWN\r\n", "", nil},
	{"UNKNOWN with addresses", "PROXY UNKNOWN " + strings.Repeat("ffff:", 7) + "ffff " + strings.Repeat("ffff:", 7) + "ffff 65535 65535\r\n", "", nil},
	{"lower case", "PROXY tcp4 192.0.2.1 192.0.2.2 56324 443\r\n", "", ErrTransport},
	{"UDP4", "PROXY UDP4 192.0.2.1 192.0.2.2 56324 443\r\n", "", ErrTransport},
	{"too few", "PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n", "", ErrMalformed},
	{"too many", "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 1\r\n", "", ErrMalformed},
	{"two spaces", "PROXY TCP4  192.0.2.1 192.0.2.2 56324 443\r\n", "", ErrMalformed},
	{"nothing", "PROXY \r\n", "", ErrMalformed},
	{"other family", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "", ErrMalformed},
	{"zone", "PROXY TCP6 fe80::1%a fe80::2%a 1 2\r\n", "", ErrMalformed},
	{"leading zero", "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", "", ErrMalformed},
	{"port with a zero", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "", ErrMalformed},
	{"port with a sign", "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n", "", ErrMalformed},
	{"large port", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "", ErrMalformed},
	{"bad destination", "PROXY TCP4 192.0.2.1 here 1 2\r\n", "", ErrMalformed},
	{"bare LF", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", "", ErrMalformed},
	{"no end", "PROXY UNKNOWN " + strings.Repeat("x", most1), "", ErrTooLong},
	{"end too late", "PROXY UNKNOWN " + strings.Repeat("x", most1-len("PROXY UNKNOWN \r\n")+1) + "\r\n", "", ErrTooLong},

	{"2, TCP4", header2(0x21, 0x11, addresses4), "192.0.2.1:56324", nil},
	{"2, TCP6", header2(0x21, 0x21, addresses6), "[2001:db8::1]:56324", nil},
	{"2, mapped", header2(0x21, 0x21, mapped6), "192.0.2.1:56324", nil},
	{"2, extensions", header2(0x21, 0x11, addresses4+"\x03\x00\x04abcd"), "192.0.2.1:56324", nil},
	{"2, LOCAL", header2(0x20, 0x00, ""), "", nil},
	{"2, LOCAL with addresses", header2(0x20, 0x11, addresses4), "", nil},
	{"2, not told", header2(0x21, 0x00, "whatever"), "", nil},
	{"2, Unix", header2(0x21, 0x31, strings.Repeat("\x00", 216)), "", nil},
	{"2, UDP", header2(0x21, 0x12, addresses4), "", ErrTransport},
	{"2, odd family", header2(0x21, 0x41, addresses4), "", ErrTransport},
	{"2, other version", header2(0x31, 0x11, addresses4), "", ErrMalformed},
	{"2, other command", header2(0x22, 0x11, addresses4), "", ErrMalformed},
	{"2, short", header2(0x21, 0x11, addresses4[1:]), "", ErrMalformed},
	{"2, short IPv6", header2(0x21, 0x21, addresses4), "", ErrMalformed},
	{"2, longest", header2(0x21, 0x11, addresses4+strings.Repeat("x", MaxBytes-fixed2-len(addresses4))), "192.0.2.1:56324", nil},
	{"2, too long", header2(0x21, 0x11, addresses4+strings.Repeat("x", MaxBytes-fixed2-len(addresses4)+1)), "", ErrTooLong},

	{"a request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", ErrMissing},
	{"a request like it", "PROXYX / HTTP/1.1\r\n", "", ErrMissing},
	{"a TLS hello", "\x16\x03\x01\x02\x00", "", ErrMissing},
	{"other signature", "\r\n\r\n\x00\r\nQUIT\r", "", ErrMissing},
}

// TestParse parses each header at every place where it can be cut, and with bytes
// behind it. As long as it is not complete there is nothing, or already the error.
func TestParse(t *testing.T) {
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			for n := range len(tc.header) {
				size, client, err := Parse([]byte(tc.header[:n]))
				if size != 0 || client.IsValid() || err != nil && err != tc.err {
					t.Fatalf("after %d bytes: %d, %v, %v", n, size, client, err)
				}
			}
			for _, behind := range []string{"", "GET / HTTP/1.1\r\n", strings.Repeat("\n", 5000)} {
				size, client, err := Parse([]byte(tc.header + behind))
				if tc.err != nil {
					if size != 0 || client.IsValid() || !errors.Is(err, tc.err) {
						t.Errorf("%d, %v, %v; want %v", size, client, err, tc.err)
					}
					continue
				}
				want, _ := netip.ParseAddrPort(tc.client)
				if size != len(tc.header) || client != want || err != nil {
					t.Errorf("%d, %v, %v; want %d, %q", size, client, err, len(tc.header), tc.client)
				}
			}
		})
	}
}

// FuzzParse: whatever comes, the outcome is the same however it is cut, a header
// is never longer than the limit, and no more than that is asked for.
func FuzzParse(f *testing.F) {
	for _, tc := range cases {
		f.Add([]byte(tc.header))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		size, client, err := Parse(b)
		switch {
		case size < 0 || size > min(len(b), MaxBytes) || err != nil && (size != 0 || client.IsValid()):
			t.Fatalf("%d, %v, %v", size, client, err)
		case size == 0 && err == nil && len(b) >= MaxBytes:
			t.Fatalf("wants more than %d bytes", len(b))
		case client.Addr().Zone() != "" || client.Addr().Is4In6():
			t.Fatalf("client %v", client)
		}
		for n := range len(b) {
			s, c, e := Parse(b[:n])
			switch {
			case s == 0 && e == nil: // more
			case s != size || c != client || e != err:
				t.Fatalf("%d of %d bytes: %d, %v, %v; all of them: %d, %v, %v", n, len(b), s, c, e, size, client, err)
			}
		}
	})
}

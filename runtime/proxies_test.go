package runtime

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// parseHead returns the head of a request with lines of fields.
func parseHead(t testing.TB, lines ...string) (h *wshead.Head, ok bool) {
	t.Helper()
	raw := []byte("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n")
	h = new(wshead.Head)
	size, refusal := new(wshead.Parser).Parse(raw, &wshead.Limits{}, h)
	return h, refusal == nil && size == len(raw)
}

func prefixesOf(texts ...string) (ps []netip.Prefix) {
	for _, s := range texts {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

func TestCaller(t *testing.T) {
	trusted, err := newProxies(prefixesOf("127.0.0.1/32", "10.0.0.0/8", "fd00::/8", "::ffff:192.0.2.0/120"))
	if err != nil {
		t.Fatal(err)
	}
	const proxy, stranger = "127.0.0.1:5", "198.51.100.7:5"
	for _, tc := range []struct {
		name, peer string
		lines      []string
		want       string // scheme and address
	}{
		{"no fields", proxy, nil, "ws 127.0.0.1:5"},
		{"untrusted", stranger, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https"}, "ws 198.51.100.7:5"},
		{"untrusted, forwarded", stranger, []string{"Forwarded: for=9.9.9.9;proto=https"}, "ws 198.51.100.7:5"},
		{"one", proxy, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https"}, "wss 9.9.9.9:0"},
		{"wss", proxy, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: WSS"}, "wss 9.9.9.9:0"},
		{"http", proxy, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: http"}, "ws 9.9.9.9:0"},
		{"odd scheme", proxy, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: gopher"}, "ws 9.9.9.9:0"},
		{"scheme only", proxy, []string{"X-Forwarded-Proto: https"}, "wss 127.0.0.1:5"},
		{"address only", proxy, []string{"x-forwarded-for:9.9.9.9"}, "ws 9.9.9.9:0"},
		{"port", proxy, []string{"X-Forwarded-For: 9.9.9.9:77"}, "ws 9.9.9.9:77"},
		{"IPv6", proxy, []string{"X-Forwarded-For: 2001:db8::1"}, "ws [2001:db8::1]:0"},
		{"IPv6 in brackets", proxy, []string{"X-Forwarded-For: [2001:db8::1]"}, "ws [2001:db8::1]:0"},
		{"IPv6 and port", proxy, []string{"X-Forwarded-For: [2001:db8::1]:77"}, "ws [2001:db8::1]:77"},
		{"mapped", proxy, []string{"X-Forwarded-For: ::ffff:9.9.9.9"}, "ws 9.9.9.9:0"},
		{"made up in front", proxy, []string{"X-Forwarded-For: 1.1.1.1, 9.9.9.9"}, "ws 9.9.9.9:0"},
		{"made up in a line before", proxy, []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 9.9.9.9"}, "ws 9.9.9.9:0"},
		{"through two", proxy, []string{"X-Forwarded-For: 1.1.1.1,9.9.9.9 , 10.1.1.1"}, "ws 9.9.9.9:0"},
		{"mapped prefix", proxy, []string{"X-Forwarded-For: 9.9.9.9, 192.0.2.9"}, "ws 9.9.9.9:0"},
		{"proxies only", proxy, []string{"X-Forwarded-For: 10.0.0.1, 10.0.0.2"}, "ws 10.0.0.1:0"},
		{"unknown", proxy, []string{"X-Forwarded-For: 9.9.9.9, unknown"}, "ws 127.0.0.1:5"},
		{"unknown behind a proxy", proxy, []string{"X-Forwarded-For: 9.9.9.9, unknown, 10.0.0.1"}, "ws 10.0.0.1:0"},
		{"empty", proxy, []string{"X-Forwarded-For:"}, "ws 127.0.0.1:5"},
		{"trailing comma", proxy, []string{"X-Forwarded-For: 9.9.9.9,"}, "ws 127.0.0.1:5"},
		{"zone", proxy, []string{"X-Forwarded-For: fe80::1%eth0"}, "ws 127.0.0.1:5"},
		{"half a bracket", proxy, []string{"X-Forwarded-For: [2001:db8::1"}, "ws 127.0.0.1:5"},
		{"no address", proxy, []string{"X-Forwarded-For: 999.9.9.9"}, "ws 127.0.0.1:5"},
		{"long", proxy, []string{"X-Forwarded-For: " + strings.Repeat("1", 5000)}, "ws 127.0.0.1:5"},
		{"schemes appended", proxy, []string{"X-Forwarded-For: 9.9.9.9, 10.0.0.1", "X-Forwarded-Proto: https, http"}, "wss 9.9.9.9:0"},
		{"scheme made up", proxy, []string{"X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https, http"}, "ws 9.9.9.9:0"},
		{"scheme for all", proxy, []string{"X-Forwarded-For: 9.9.9.9, 10.0.0.1", "X-Forwarded-Proto: https"}, "wss 9.9.9.9:0"},

		{"forwarded", proxy, []string{"Forwarded: for=9.9.9.9;proto=https;by=10.0.0.1"}, "wss 9.9.9.9:0"},
		{"forwarded, capitals", proxy, []string{"forwarded: Proto=HTTPS ; FOR=9.9.9.9"}, "wss 9.9.9.9:0"},
		{"forwarded, quoted", proxy, []string{`Forwarded: for="[2001:db8::1]:77"`}, "ws [2001:db8::1]:77"},
		{"forwarded, made up in front", proxy, []string{`Forwarded: for=1.1.1.1;proto=https, for=9.9.9.9;proto=http`}, "ws 9.9.9.9:0"},
		{"forwarded, two lines", proxy, []string{`Forwarded: for=9.9.9.9;proto=https`, `Forwarded: for=10.0.0.1;proto=http`}, "wss 9.9.9.9:0"},
		{"forwarded, a comma in quotes", proxy, []string{`Forwarded: for="1.1.1.1, for=2.2.2.2", for=9.9.9.9`}, "ws 9.9.9.9:0"},
		{"forwarded, hidden", proxy, []string{`Forwarded: for=9.9.9.9, for=_secret;proto=https`}, "wss 127.0.0.1:5"},
		{"forwarded, scheme only", proxy, []string{`Forwarded: proto=https`}, "wss 127.0.0.1:5"},
		{"forwarded, no end of quotes", proxy, []string{`Forwarded: for=9.9.9.9, for="1.1.1.1`}, "ws 127.0.0.1:5"},
		{"forwarded, escape", proxy, []string{`Forwarded: for="9.9.9\.9"`}, "ws 127.0.0.1:5"},
		{"forwarded, no value", proxy, []string{`Forwarded: for`}, "ws 127.0.0.1:5"},
		{"forwarded, behind quotes", proxy, []string{`Forwarded: for="9.9.9.9"x`}, "ws 127.0.0.1:5"},
		{"forwarded, a space in a name", proxy, []string{`Forwarded: f or=9.9.9.9`}, "ws 127.0.0.1:5"},
		{"both", proxy, []string{"X-Forwarded-For: 9.9.9.9", "Forwarded: for=1.1.1.1;proto=https"}, "ws 9.9.9.9:0"},
		{"both, scheme only", proxy, []string{"X-Forwarded-Proto: http", "Forwarded: for=1.1.1.1;proto=https"}, "ws 127.0.0.1:5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			head, ok := parseHead(t, tc.lines...)
			if !ok {
				t.Fatal("no head")
			}
			got := trusted.caller(netip.MustParseAddrPort(tc.peer), head)
			scheme := "ws "
			if got.secure {
				scheme = "wss "
			}
			if s := scheme + got.peer.String(); s != tc.want {
				t.Errorf("got %s, want %s", s, tc.want)
			}
		})
	}
}

func TestBadProxies(t *testing.T) {
	for _, p := range []netip.Prefix{{}, netip.PrefixFrom(netip.MustParseAddr("::ffff:0.0.0.0"), 95), netip.PrefixFrom(netip.MustParseAddr("10.0.0.1"), 33)} {
		if _, err := newProxies([]netip.Prefix{p}); err == nil {
			t.Errorf("%v is a trusted proxy", p)
		}
	}
}

// FuzzCaller: whatever fields say, what comes of them is the peer or an address
// that one of them names, and to one that is not trusted nobody listens.
func FuzzCaller(f *testing.F) {
	f.Add("1.1.1.1, 10.0.0.1", "https", `for="[::1]:5";proto=https, for=_x`)
	f.Fuzz(func(t *testing.T, list, schemes, forwarded string) {
		p := proxies(prefixesOf("10.0.0.0/8"))
		peer, stranger := netip.MustParseAddrPort("10.0.0.9:1"), netip.MustParseAddrPort("11.0.0.9:1")
		for _, lines := range [][]string{
			{"X-Forwarded-For: " + list, "X-Forwarded-Proto: " + schemes, "Forwarded: " + forwarded},
			{"Forwarded: " + forwarded},
		} {
			head, ok := parseHead(t, lines...)
			if !ok {
				return
			}
			if got := p.caller(stranger, head); got != (caller{peer: stranger}) {
				t.Errorf("a stranger becomes %v", got)
			}
			got := p.caller(peer, head).peer
			named := func(h hop) bool { return h.from == got }
			if got != peer && !slices.ContainsFunc(forwardedHops(head), named) || got.Addr().Zone() != "" || !got.IsValid() {
				t.Errorf("the caller is %v", got)
			}
		}
	})
}

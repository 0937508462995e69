package runtime

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// proxies are the addresses of those whose word about a client counts. Set by
// New, never changed.
type proxies []netip.Prefix

func (p proxies) trust(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// A caller is who a handshake comes from, as far as is known.
type caller struct {
	peer   netip.AddrPort // port 0: nobody told
	secure bool           // over TLS, up to a proxy
}

// A hop is one entry of what proxies tell: whom one of them was connected from.
type hop struct {
	from   netip.AddrPort // not valid: it does not say
	scheme []byte
}

// caller returns who is behind peer, which for all but trusted proxies is peer
// itself. Each proxy appends whom it was connected from, so that the last entry
// is the word of the nearest one, and what clients make up comes first: from the
// back, the first address that is no trusted proxy's is the client's. If an entry
// names none, nobody knows what is before it.
//
// Where there is X-Forwarded-For or X-Forwarded-Proto, Forwarded (RFC 7239) is not
// looked at: most proxies know only the former, and pass on what a client says
// in the latter.
func (p proxies) caller(peer netip.AddrPort, head *wshead.Head) caller {
	c := caller{peer: peer}
	if len(p) == 0 || !p.trust(peer.Addr()) {
		return c
	}
	hops := forwardedHops(head)
	at := len(hops)
	for at > 0 && hops[at-1].from.IsValid() {
		at--
		if c.peer = hops[at].from; !p.trust(c.peer.Addr()) {
			break
		}
	}
	if at < len(hops) {
		c.secure = isSecure(hops[at].scheme)
	} else if at > 0 {
		c.secure = isSecure(hops[at-1].scheme) // of one that does not say whom
	}
	return c
}

func isSecure(scheme []byte) bool {
	return equalFold(scheme, "https") || equalFold(scheme, "wss")
}

func equalFold(b []byte, s string) bool { return strings.EqualFold(view(b), s) }

// forwardedHops returns what the fields of head tell, in their order.
func forwardedHops(head *wshead.Head) (hops []hop) {
	var schemes [][]byte
	var forwarded []byte
	for _, f := range head.Fields {
		switch {
		case equalFold(f.Name, "x-forwarded-for"):
			for node := range bytes.SplitSeq(f.Value, []byte(",")) {
				hops = append(hops, hop{from: parseNode(node)})
			}
		case equalFold(f.Name, "x-forwarded-proto"):
			for scheme := range bytes.SplitSeq(f.Value, []byte(",")) {
				schemes = append(schemes, bytes.TrimSpace(scheme))
			}
		case equalFold(f.Name, "forwarded"):
			forwarded = append(append(forwarded, f.Value...), ',')
		}
	}
	if hops == nil && schemes == nil {
		return parseForwarded(forwarded)
	}
	if hops == nil {
		hops = []hop{{}} // who it is was not told
	}
	// A proxy either appends its scheme, as it does with the address, or puts it
	// in place of all others: then it is every hop's.
	for i := range hops {
		if behind := len(hops) - i; len(schemes) > 0 {
			hops[i].scheme = schemes[max(len(schemes)-behind, 0)]
		}
	}
	return hops
}

// parseForwarded parses the value of a Forwarded field (RFC 7239, section 4). If
// it is malformed it tells nothing at all.
func parseForwarded(b []byte) (hops []hop) {
	var h hop
	empty := true
	for b = trimLeft(b); len(b) > 0; b = trimLeft(b) {
		if b[0] == ',' || b[0] == ';' {
			if b[0] == ',' && !empty {
				hops = append(hops, h)
				h, empty = hop{}, true
			}
			b = b[1:]
			continue
		}
		name, value, rest, ok := cutPair(b)
		if !ok {
			return nil
		}
		switch {
		case equalFold(name, "for"):
			h.from = parseNode(value)
		case equalFold(name, "proto"):
			h.scheme = value
		}
		b, empty = rest, false
	}
	if !empty {
		hops = append(hops, h)
	}
	return hops
}

// cutPair cuts name=value off the front of b, the quotes off the value, and makes
// sure that an end follows.
func cutPair(b []byte) (name, value, rest []byte, ok bool) {
	equals := bytes.IndexByte(b, '=')
	if equals <= 0 || !wshead.IsToken(b[:equals]) {
		return nil, nil, nil, false
	}
	name, rest = b[:equals], b[equals+1:]
	if len(rest) > 0 && rest[0] == '"' {
		end := bytes.IndexByte(rest[1:], '"')
		if end < 0 || bytes.IndexByte(rest[1:][:end], '\\') >= 0 { // nothing that we look for has to be escaped
			return nil, nil, nil, false
		}
		value, rest = rest[1:][:end], trimLeft(rest[1:][end+1:])
	} else {
		end := bytes.IndexAny(rest, ",;")
		if end < 0 {
			end = len(rest)
		}
		value, rest = bytes.TrimRight(rest[:end], " \t"), rest[end:]
	}
	return name, value, rest, len(rest) == 0 || rest[0] == ',' || rest[0] == ';'
}

func trimLeft(b []byte) []byte { return bytes.TrimLeft(b, " \t") }

// parseNode returns the address of an entry, with its port if it has one. What is
// no address, such as "unknown", is not valid.
func parseNode(b []byte) netip.AddrPort {
	const longest = len("[0000:0000:0000:0000:0000:ffff:255.255.255.255]:65535")
	b = bytes.TrimSpace(b)
	if len(b) > longest || bytes.IndexByte(b, '%') >= 0 { // a zone is of no use here, and would be kept
		return netip.AddrPort{}
	}
	s := string(b)
	if at, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	if inner, isBracketed := strings.CutPrefix(s, "["); isBracketed {
		s, isBracketed = strings.CutSuffix(inner, "]")
		if !isBracketed {
			return netip.AddrPort{}
		}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Unmap(), 0)
}

// newProxies checks the prefixes of a Config.
func newProxies(prefixes []netip.Prefix) (p proxies, err error) {
	for _, prefix := range prefixes {
		a, bits := prefix.Addr(), prefix.Bits()
		switch {
		case !prefix.IsValid():
			return nil, configError("a trusted proxy has no valid address")
		case a.Is4In6() && bits < 96:
			return nil, configError("trusted proxies %v: write the IPv4 addresses among them as such", prefix)
		case a.Is4In6():
			prefix = netip.PrefixFrom(a.Unmap(), bits-96)
		}
		p = append(p, prefix)
	}
	return p, nil
}

package wshead

import "bytes"

// splitTarget fills h.Path and h.Query from h.Target, and returns the authority
// of an absolute target, nil for the other forms (RFC 9112, section 3.2).
func (h *Head) splitTarget() (authority []byte, refusal *Refusal) {
	rest := h.Target
	switch {
	case rest[0] == '/':
	case len(rest) == 1 && rest[0] == '*' && string(h.Method) == "OPTIONS":
		h.Path = rest
		return nil, nil
	default:
		if authority, rest = cutAuthority(rest); authority == nil {
			return nil, BadTarget
		}
	}
	h.Path = rest
	if i := bytes.IndexByte(rest, '?'); i >= 0 {
		h.Path, h.Query = rest[:i:i], rest[i+1:]
	}
	if authority != nil && len(h.Path) == 0 {
		// RFC 9110, 4.2.3: no path means "/". The target has one to show.
		i := bytes.IndexByte(h.Target, '/')
		h.Path = h.Target[i : i+1 : i+1]
	}
	if !validPath(h.Path) || !all(h.Query, targetByte) {
		return nil, BadTarget
	}
	return authority, nil
}

// cutAuthority splits "scheme://authority[/path][?query]" behind the authority.
// It returns a nil authority if target is anything else.
func cutAuthority(target []byte) (authority, rest []byte) {
	i := bytes.IndexByte(target, ':')
	if i < 0 || !bytes.HasPrefix(target[i:], []byte("://")) {
		return nil, nil
	}
	switch scheme := target[:i]; {
	case equalFold(scheme, "http"), equalFold(scheme, "https"):
	case equalFold(scheme, "ws"), equalFold(scheme, "wss"):
	default:
		return nil, nil
	}
	rest = target[i+len("://"):]
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	return rest[:end:end], rest[end:]
}

// validPath reports whether p is made of pathByte, and has two hexadecimal
// digits after each '%'. What they stand for is the router's to ask.
func validPath(p []byte) bool {
	for i := 0; i < len(p); i++ {
		if p[i] == '%' {
			if len(p)-i < 3 || !all(p[i+1:i+3], hexByte) {
				return false
			}
			i += 2
		} else if classes[p[i]]&pathByte == 0 {
			return false
		}
	}
	return true
}

// Hostname returns h.Host without its port; an IPv6 address keeps its brackets.
// It is a view, as sent: compare it ignoring the case of ASCII letters.
func (h *Head) Hostname() []byte {
	name, _ := cutPort(h.Host)
	return name
}

// validHost reports whether b is uri-host [ ":" port ] of RFC 9110, section 7.2,
// with a name, an IPv4 address or a bracketed IPv6 address, and a port to 65535.
func validHost(b []byte) bool {
	host, port := cutPort(b)
	if !validPort(port) || len(host) == 0 {
		return false
	}
	if last := len(host) - 1; host[0] == '[' {
		return host[last] == ']' && validIPv6(host[1:last])
	}
	return all(host, hostByte)
}

// cutPort splits b before the colon that is not inside brackets.
func cutPort(b []byte) (host, port []byte) {
	i := bytes.LastIndexByte(b, ':')
	if i < 0 || bytes.IndexByte(b[i:], ']') >= 0 {
		return b, nil
	}
	return b[:i:i], b[i:]
}

// validPort reports whether p is empty or a colon and a port; RFC 3986, 3.2.3
// lets the digits be missing.
func validPort(p []byte) bool {
	if len(p) <= 1 {
		return true
	}
	n, ok := decimal(p[1:], 5)
	return ok && n <= 65535
}

// decimal returns the number that b spells in 1 to digits digits.
func decimal(b []byte, digits int) (n int, ok bool) {
	if len(b) == 0 || len(b) > digits || !all(b, digitByte) {
		return 0, false
	}
	for _, c := range b {
		n = n*10 + int(c-'0')
	}
	return n, true
}

// validIPv6 reports whether b is an IPv6 address without a zone (RFC 4291, 2.2).
func validIPv6(b []byte) bool {
	groups, gap := 0, false
	if bytes.HasPrefix(b, []byte("::")) {
		gap, b = true, b[2:]
	}
	for len(b) > 0 {
		n := bytes.IndexByte(b, ':')
		if n < 0 {
			n = len(b)
		}
		if n == len(b) && bytes.IndexByte(b, '.') >= 0 { // the last 32 bits as IPv4
			if !validIPv4(b) {
				return false
			}
			groups += 2
			break
		}
		if n == 0 || n > 4 || !all(b[:n], hexByte) {
			return false
		}
		groups++
		switch b = b[n:]; {
		case len(b) == 0:
		case len(b) == 1:
			return false // a lone colon at the end
		case b[1] != ':':
			b = b[1:]
		case gap:
			return false // a second "::"
		default:
			gap, b = true, b[2:]
		}
	}
	if gap {
		return groups < 8 // "::" stands for one group at least
	}
	return groups == 8
}

// validIPv4 reports whether b is four decimal bytes without leading zeros.
func validIPv4(b []byte) bool {
	for i := range 4 {
		part, rest, more := bytes.Cut(b, []byte("."))
		n, ok := decimal(part, 3)
		if !ok || n > 255 || len(part) > 1 && part[0] == '0' || more != (i < 3) {
			return false
		}
		b = rest
	}
	return true
}

package wsdeflate

// What an extension and its parameters are called (RFC 7692, section 7).
const (
	extensionName        = "permessage-deflate"
	serverNoTakeoverName = "server_no_context_takeover"
	clientNoTakeoverName = "client_no_context_takeover"
	serverBitsName       = "server_max_window_bits"
	clientBitsName       = "client_max_window_bits"
)

// An offer is a client's, checked. Bits are 0 where the parameter is missing;
// a client_max_window_bits without a value is 15, which is what it means.
type offer struct {
	serverNoTakeover, clientNoTakeover bool
	serverBits, clientBits             int
}

// parseOffer reads one element of Sec-WebSocket-Extensions and reports whether
// it is a permessage-deflate that obeys section 7.1:
//
//	offer     = token *( ";" parameter )
//	parameter = token [ "=" ( token / quoted token ) ]
func parseOffer(b []byte) (o offer, ok bool) {
	name, b := cutToken(skipSpace(b))
	if !equalFold(name, extensionName) {
		return offer{}, false
	}
	for b = skipSpace(b); len(b) > 0; b = skipSpace(b) {
		if b[0] != ';' {
			return offer{}, false
		}
		if b, ok = o.parameter(skipSpace(b[1:])); !ok {
			return offer{}, false
		}
	}
	return o, true
}

// parameter reads the parameter at the front of b into o, and returns what
// follows it.
func (o *offer) parameter(b []byte) (rest []byte, ok bool) {
	name, b := cutToken(b)
	rest = skipSpace(b)
	var text [3]byte // holds every legal value, and one byte to see that it is longer
	value := text[:0]
	hasValue := len(rest) > 0 && rest[0] == '='
	if hasValue {
		if value, rest, ok = cutValue(value, skipSpace(rest[1:])); !ok {
			return nil, false
		}
	}
	switch {
	case equalFold(name, serverNoTakeoverName):
		ok = setFlag(&o.serverNoTakeover, hasValue)
	case equalFold(name, clientNoTakeoverName):
		ok = setFlag(&o.clientNoTakeover, hasValue)
	case equalFold(name, serverBitsName):
		ok = setBits(&o.serverBits, windowBits(value))
	case equalFold(name, clientBitsName) && !hasValue:
		ok = setBits(&o.clientBits, maxWindowBits)
	case equalFold(name, clientBitsName):
		ok = setBits(&o.clientBits, windowBits(value))
	default:
		ok = false
	}
	return rest, ok
}

// setFlag sets a parameter that must not have a value nor come twice.
func setFlag(flag *bool, hasValue bool) bool {
	if *flag || hasValue {
		return false
	}
	*flag = true
	return true
}

// setBits sets a parameter that must be legal and must not come twice.
func setBits(to *int, bits int) bool {
	if *to != 0 || bits == 0 {
		return false
	}
	*to = bits
	return true
}

// windowBits returns the number from 8 to 15 that value is, or 0. Leading zeros
// are illegal (section 7.1.2.1).
func windowBits(value []byte) int {
	switch {
	case len(value) == 1 && (value[0] == '8' || value[0] == '9'):
		return int(value[0] - '0')
	case len(value) == 2 && value[0] == '1' && '0' <= value[1] && value[1] <= '5':
		return 10 + int(value[1]-'0')
	}
	return 0
}

// cutValue cuts a token, or a quoted string that is one without its backslashes
// (RFC 6455, section 9.1), from the front of b, and appends to dst as much of it
// as dst has room for.
func cutValue(dst, b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		token, rest := cutToken(b)
		n := copy(dst[:cap(dst)], token)
		return dst[:n], rest, len(token) > 0
	}
	for i := 1; i < len(b); i++ {
		if b[i] == '"' {
			return dst, b[i+1:], i > 1
		}
		if b[i] == '\\' {
			i++
		}
		if i == len(b) || !isToken(b[i]) {
			return nil, nil, false
		}
		if len(dst) < cap(dst) {
			dst = append(dst, b[i])
		}
	}
	return nil, nil, false
}

// cutToken cuts a token, perhaps empty, from the front of b.
func cutToken(b []byte) (token, rest []byte) {
	n := 0
	for n < len(b) && isToken(b[n]) {
		n++
	}
	return b[:n], b[n:]
}

// isToken reports whether c may be part of a token (RFC 9110, section 5.6.2).
func isToken(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return '0' <= c && c <= '9' || 'a' <= lower(c) && lower(c) <= 'z'
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// lower maps ASCII capitals to small letters and leaves every other byte alone.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

// equalFold reports whether b is s, which is in small letters, ignoring the
// case of ASCII letters.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if lower(c) != s[i] {
			return false
		}
	}
	return true
}

package wshead

// A class is a set of bytes, one bit in the table of all 256.
type class uint8

const (
	tokenByte  class = 1 << iota // RFC 9110, 5.6.2: methods, field names, protocols
	valueByte                    // RFC 9110, 5.5: field values, with obs-text
	targetByte                   // what a target may hold: visible ASCII but "#<>
	pathByte                     // what its path may hold
	hostByte                     // what a registered name or an IPv4 address may hold
	base64Byte                   // RFC 4648, 4: standard alphabet without padding
	hexByte                      // RFC 3986, 2.1
	digitByte
)

// classes says which sets a byte belongs to. Set here, never changed.
//
// The target is wider than RFC 3986 by what browsers leave as it is (the URL
// standard's query keeps ^`{|}\, its path keeps ^|[]); a fragment or a quote is
// something that no client sends. The host is narrower: a comma or a percent
// sign is legal in a registered name, but in practice only confuses routing.
var classes = func() (t [256]class) {
	add := func(c class, bytes string) {
		for _, b := range []byte(bytes) {
			t[b] |= c
		}
	}
	const (
		digits  = "0123456789"
		hexes   = "abcdefABCDEF"
		letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	)
	add(digitByte, digits)
	add(hexByte, digits+hexes)
	add(base64Byte, digits+letters+"+/")
	add(hostByte, digits+letters+"-._~")
	add(tokenByte, digits+letters+"!#$%&'*+-.^_`|~")
	add(pathByte, digits+letters+"-._~!$&'()*+,;=:@/[]^|")
	add(targetByte, digits+letters+"-._~!$&'()*+,;=:@/[]^|?%{}`\\")
	add(valueByte, "\t")
	for b := 0x20; b <= 0xff; b++ {
		if b != 0x7f {
			t[b] |= valueByte
		}
	}
	return t
}()

// all reports whether every byte of b is in c. The empty b is.
func all(b []byte, c class) bool {
	for _, x := range b {
		if classes[x]&c == 0 {
			return false
		}
	}
	return true
}

// IsToken reports whether b is a token of RFC 9110, section 5.6.2.
func IsToken(b []byte) bool {
	return len(b) > 0 && all(b, tokenByte)
}

// trimSpace returns b without optional white space (spaces, tabs) at its ends.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b[:len(b):len(b)]
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// lower maps ASCII capitals to small letters and leaves every other byte alone.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}

// equalFold reports whether b is s, ignoring the case of ASCII letters and of
// nothing else: no byte above 0x7f ever equals a letter.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if c != s[i] && lower(c) != lower(s[i]) {
			return false
		}
	}
	return true
}

// cutElement returns the first element of a comma-separated list, trimmed and
// perhaps empty (RFC 9110, 5.6.1.2), and what follows its comma.
func cutElement(list []byte) (element, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trimSpace(list[:i]), list[i+1:]
		}
	}
	return trimSpace(list), nil
}

// listHas reports whether a comma-separated list has element, ignoring case.
func listHas(list []byte, element string) bool {
	for len(list) > 0 {
		var e []byte
		if e, list = cutElement(list); equalFold(e, element) {
			return true
		}
	}
	return false
}

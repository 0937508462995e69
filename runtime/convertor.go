package runtime

import "strconv"

// A convertor says what a parameter of a pattern matches. The order is that of
// precedence: what matches less comes first.
type convertor uint8

const (
	literal convertor = iota // no parameter

	// convertInt is 1*DIGIT, with a value below 2^63, so that every guest has a
	// type for it.
	convertInt

	// convertUUID is 32 HEXDIG in groups of 8, 4, 4, 4 and 12; the "-" between
	// two groups may be missing.
	convertUUID

	// convertFloat is 1*DIGIT [ "." 1*DIGIT ].
	convertFloat

	// convertText is one segment that is not empty.
	convertText

	// convertRest is all that is left of the path, and that may be nothing.
	convertRest
)

// convertors are the names of those that a pattern can have. Never changed.
var convertors = map[string]convertor{
	"int": convertInt, "uuid": convertUUID, "float": convertFloat, "str": convertText, "path": convertRest,
}

// accepts reports whether a percent-decoded value is one of k's.
func (k convertor) accepts(value string) bool {
	switch k {
	case convertInt:
		_, err := strconv.ParseInt(value, 10, 64)
		return err == nil && digits(value) == len(value)
	case convertUUID:
		return isUUID(value)
	case convertFloat:
		return isDecimal(value)
	case convertText:
		return value != ""
	}
	return true
}

// digits returns how many decimal digits s begins with.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

func isDecimal(s string) bool {
	whole := digits(s)
	if whole == 0 || whole == len(s) {
		return whole > 0
	}
	fraction := s[whole+1:]
	return s[whole] == '.' && fraction != "" && digits(fraction) == len(fraction)
}

func isUUID(s string) bool {
	for i, group := range [...]int{8, 4, 4, 4, 12} {
		if i > 0 && s != "" && s[0] == '-' {
			s = s[1:]
		}
		if len(s) < group || !isHex(s[:group]) {
			return false
		}
		s = s[group:]
	}
	return s == ""
}

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

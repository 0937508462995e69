package wherry

import (
	"strings"
	"unicode/utf8"
)

// splitList splits what is separated by commas, without the blanks around it and
// without what is empty.
func splitList(list string) (items []string) {
	for list != "" {
		item, rest, _ := strings.Cut(list, ",")
		if item = strings.Trim(item, " \t"); item != "" {
			items = append(items, item)
		}
		list = rest
	}
	return items
}

// eachQuery calls f for every parameter of a query, decoded.
func eachQuery(query string, f func(name, value string)) {
	for query != "" {
		pair, rest, _ := strings.Cut(query, "&")
		if pair != "" {
			name, value, _ := strings.Cut(pair, "=")
			f(unescape(name), unescape(value))
		}
		query = rest
	}
}

// unescape decodes %XX, and + for a blank. A % without two hexadecimal digits stays.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			b = append(b, byte(hexDigit(s[i+1])<<4|hexDigit(s[i+2])))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

// hexDigit returns the value of a hexadecimal digit, -1 if c is none.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// eachCookie calls f for every cookie of a header field.
func eachCookie(line string, f func(name, value string)) {
	for line != "" {
		pair, rest, _ := strings.Cut(line, ";")
		if name, value, ok := strings.Cut(pair, "="); ok {
			f(strings.Trim(name, " \t"), strings.Trim(value, " \t"))
		}
		line = rest
	}
}

// lower returns s with its ASCII letters in lower case.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// equalFold compares in any case of ASCII.
func equalFold(a, b string) bool { return len(a) == len(b) && lower(a) == lower(b) }

// cutText returns the most of s that has at most limit bytes and does not end in
// the middle of a character.
func cutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// validText returns s with U+FFFD for each byte that is not UTF-8.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

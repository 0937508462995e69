package wherry

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects can be within each other.
const maxDepth = 64

// ErrJSON is the answer to text that is no JSON, or deeper than 64 levels.
var ErrJSON = errors.New("malformed json")

// An Object is a JSON object, its keys in their order.
type Object []Member

// A Member is a key and its value.
type Member struct {
	Key   string
	Value any
}

// Get returns the value of the last member with that key.
func (o Object) Get(key string) (value any, ok bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].Key == key {
			return o[i].Value, true
		}
	}
	return nil, false
}

// ParseJSON returns the value of a JSON text: nil, bool, int64, float64 for numbers
// that are no integer of 64 bits, string, []any or [Object]. The error is [ErrJSON].
// Nothing of the value refers to b.
func ParseJSON(b []byte) (value any, err error) {
	p := parser{b: b}
	value, ok := p.whole()
	if p.skip(); !ok || p.at != len(b) {
		return nil, ErrJSON
	}
	return value, nil
}

// A parser reads JSON (RFC 8259) from b on. Its methods report false for what is
// malformed. It does not call itself for what is nested: a host counts the stack of
// recursion, and nobody who sends brackets is to use that up.
type parser struct {
	b    []byte
	at   int
	open []container
}

// A container is an array or an object whose end has not been read.
type container struct {
	end     byte // what closes it
	items   []any
	members Object // the value of the last is not there yet
}

// skip steps over blanks.
func (p *parser) skip() {
	for p.at < len(p.b) {
		switch p.b[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// take steps over c, if that comes next behind blanks.
func (p *parser) take(c byte) bool {
	p.skip()
	if p.at < len(p.b) && p.b[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word steps over a literal.
func (p *parser) word(w string) bool {
	if len(p.b)-p.at < len(w) || string(p.b[p.at:p.at+len(w)]) != w {
		return false
	}
	p.at += len(w)
	return true
}

// whole reads a value with all that is in it.
func (p *parser) whole() (any, bool) {
	for {
		value, complete, ok := p.begin()
		for ok && complete {
			if len(p.open) == 0 {
				return value, true
			}
			value, complete, ok = p.put(value)
		}
		if !ok {
			return nil, false
		}
	}
}

// begin reads a value that is complete, or the beginning of a container.
func (p *parser) begin() (value any, complete, ok bool) {
	p.skip()
	if p.at == len(p.b) {
		return nil, false, false
	}
	switch c := p.b[p.at]; c {
	case 'n':
		return nil, true, p.word("null")
	case 't':
		return true, true, p.word("true")
	case 'f':
		return false, true, p.word("false")
	case '"':
		value, ok = p.string()
		return value, true, ok
	case '[', '{':
		p.at++
		if len(p.open) == maxDepth {
			return nil, false, false
		}
		if c == '[' {
			if p.take(']') {
				return []any{}, true, true
			}
			p.open = append(p.open, container{end: ']'})
			return nil, false, true
		}
		if p.take('}') {
			return Object{}, true, true
		}
		p.open = append(p.open, container{end: '}'})
		return nil, false, p.key()
	}
	value, ok = p.number()
	return value, true, ok
}

// put adds a value to the innermost container, and returns that if it ends there.
func (p *parser) put(value any) (outer any, complete, ok bool) {
	c := &p.open[len(p.open)-1]
	if c.end == '}' {
		c.members[len(c.members)-1].Value = value
	} else {
		c.items = append(c.items, value)
	}
	switch {
	case p.take(','):
		return nil, false, c.end == ']' || p.key()
	case !p.take(c.end):
		return nil, false, false
	}
	if outer = any(c.items); c.end == '}' {
		outer = c.members
	}
	*c = container{}
	p.open = p.open[:len(p.open)-1]
	return outer, true, true
}

// key reads the key of the innermost container's next member, and the colon.
func (p *parser) key() bool {
	p.skip()
	if p.at == len(p.b) || p.b[p.at] != '"' {
		return false
	}
	key, ok := p.string()
	c := &p.open[len(p.open)-1]
	c.members = append(c.members, Member{Key: key})
	return ok && p.take(':')
}

// number reads a number: an integer if it is written as one and fits.
func (p *parser) number() (any, bool) {
	start := p.at
	p.take('-')
	n := p.digits(p.at)
	if n == 0 || n > 1 && p.b[p.at] == '0' {
		return nil, false
	}
	integer := true
	p.at += n
	if p.at < len(p.b) && p.b[p.at] == '.' {
		integer = false
		n = p.digits(p.at + 1)
		if n == 0 {
			return nil, false
		}
		p.at += 1 + n
	}
	if p.at < len(p.b) && p.b[p.at]|0x20 == 'e' {
		integer = false
		p.at++
		if p.at < len(p.b) && (p.b[p.at] == '-' || p.b[p.at] == '+') {
			p.at++
		}
		if n = p.digits(p.at); n == 0 {
			return nil, false
		}
		p.at += n
	}
	text := string(p.b[start:p.at])
	if integer {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, true
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// digits returns how many decimal digits there are from at on.
func (p *parser) digits(at int) (n int) {
	for at+n < len(p.b) && p.b[at+n] >= '0' && p.b[at+n] <= '9' {
		n++
	}
	return n
}

// string reads a string in its quotes.
func (p *parser) string() (string, bool) {
	p.at++
	start := p.at
	var built []byte // nil as long as nothing is escaped
	for p.at < len(p.b) {
		switch c := p.b[p.at]; {
		case c == '"':
			s := p.b[start:p.at]
			p.at++
			if !utf8.Valid(s) {
				return "", false
			}
			return string(append(built, s...)), true
		case c < ' ':
			return "", false
		case c == '\\':
			if !utf8.Valid(p.b[start:p.at]) {
				return "", false
			}
			built = append(built, p.b[start:p.at]...)
			var ok bool
			if built, ok = p.escape(built); !ok {
				return "", false
			}
			start = p.at
		default:
			p.at++
		}
	}
	return "", false
}

// escape reads what follows a backslash, which it is at, and appends it to dst.
func (p *parser) escape(dst []byte) ([]byte, bool) {
	if p.at+1 >= len(p.b) {
		return dst, false
	}
	c := p.b[p.at+1]
	p.at += 2
	switch c {
	case '"', '\\', '/':
		return append(dst, c), true
	case 'b':
		return append(dst, '\b'), true
	case 'f':
		return append(dst, '\f'), true
	case 'n':
		return append(dst, '\n'), true
	case 'r':
		return append(dst, '\r'), true
	case 't':
		return append(dst, '\t'), true
	case 'u':
		r, ok := p.hex4()
		if utf16.IsSurrogate(r) && p.word(`\u`) {
			low, isHex := p.hex4()
			if pair := utf16.DecodeRune(r, low); isHex && pair != utf8.RuneError {
				return utf8.AppendRune(dst, pair), true
			}
			p.at -= 6 // it is a character of its own, or malformed
			if isHex {
				return utf8.AppendRune(dst, utf8.RuneError), true
			}
			return dst, false
		}
		return utf8.AppendRune(dst, r), ok // half a pair becomes U+FFFD
	}
	return dst, false
}

// hex4 reads four hexadecimal digits. It steps over four bytes, if there are so many.
func (p *parser) hex4() (r rune, ok bool) {
	if len(p.b)-p.at < 4 {
		return 0, false
	}
	for _, c := range p.b[p.at : p.at+4] {
		d := hexDigit(c)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	p.at += 4
	return r, true
}

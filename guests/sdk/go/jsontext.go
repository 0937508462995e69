package wherry

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Eight bytes at a time: a byte in each byte of a word.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// special returns a word whose lowest bit that is set is the highest of the first byte
// of w that is not the same in JSON: a control character, a quote or a backslash. It
// returns 0 if there is none.
func special(w uint64) uint64 {
	// Taking away sets the high bit of what was too small. What it borrows changes only
	// bytes behind that.
	return ((w - ' '*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) &^ w & highs
}

// plainRun returns where a byte comes that is not the same in JSON, from at on.
func plainRun(t []byte, at int) int {
	found := special(binary.LittleEndian.Uint64(t[at:]))
	for found == 0 {
		at += 8
		found = special(binary.LittleEndian.Uint64(t[at:]))
	}
	return at + bits.TrailingZeros64(found)>>3
}

// quoted reads a string, its opening quote is behind it. It returns where it is over,
// -1 if it is malformed.
func (p *parser) quoted(at int) (s string, end int) {
	t := p.text
	end = plainRun(t, at)
	if t[end] != '"' {
		return p.escaped(at, end)
	}
	return unsafe.String(&t[at], end-at), end + 1
}

// escaped reads the rest of a string that begins at start, from at on. What escapes
// stand for is shorter than they are, so it is written in place of them.
func (p *parser) escaped(start, at int) (s string, end int) {
	t, to := p.text, at
	for {
		w := binary.LittleEndian.Uint64(t[at:])
		found := special(w)
		size := bits.TrailingZeros64(found) >> 3
		// Of what is overwritten only that many bytes have been read.
		mask := uint64(1)<<(8*size) - 1
		binary.LittleEndian.PutUint64(t[to:], w&mask|binary.LittleEndian.Uint64(t[to:])&^mask)
		to += size
		at += size
		if found == 0 {
			continue
		}
		if t[at] == '\\' {
			if c := unescaped[t[at+1]]; c != 0 {
				t[to] = c
				to++
				at += 2
				continue
			}
			if to, at = unescapeRune(t, to, at); at >= 0 {
				continue
			}
			return "", -1
		}
		if t[at] == '"' {
			return unsafe.String(&t[start], to-start), at + 1
		}
		return "", -1
	}
}

// unescaped is what an escape of one character stands for, 0 if it is none.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescapeRune reads an escape of four digits, or the two of a pair of surrogates, and
// writes what it stands for at to. The end is -1 if it is malformed.
func unescapeRune(t []byte, to, at int) (behind, end int) {
	r := hex4(t, at)
	if r < 0 {
		return to, -1
	}
	at += 6
	if utf16.IsSurrogate(r) {
		low := hex4(t, at)
		if low < 0 && t[at] == '\\' && t[at+1] == 'u' {
			return to, -1
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError { // which stands for half a pair
			at += 6
		}
	}
	return to + utf8.EncodeRune(t[to:at], r), at
}

// hex4 returns what \u and four hexadecimal digits say, or -1.
func hex4(t []byte, at int) rune {
	if t[at] == '\\' && t[at+1] == 'u' {
		return rune(hexDigits[t[at+2]])<<12 | rune(hexDigits[t[at+3]])<<8 | rune(hexDigits[t[at+4]])<<4 | rune(hexDigits[t[at+5]])
	}
	return -1
}

// hexDigits are the values of hexadecimal digits, -1 for any other byte.
var hexDigits = func() (values [256]int8) {
	for c := range values {
		values[c] = int8(hexDigit(byte(c)))
	}
	return values
}()

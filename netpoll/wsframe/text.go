package wsframe

import "unicode/utf8"

// A runeState is how much of a UTF-8 character has come. Apart from runeStart
// and runeInvalid each state names what must follow; RFC 3629, section 4, lists
// the byte ranges.
//
//	runeStart ─ C2..DF ─────────────▶ need1 ─ 80..BF ─▶ runeStart
//	          ─ E1..EC, EE, EF ─────▶ need2 ─ 80..BF ─▶ need1
//	          ─ E0 ─▶ needE0 ─ A0..BF ────────────────▶ need1   no overlong forms
//	          ─ ED ─▶ needED ─ 80..9F ────────────────▶ need1   no surrogates
//	          ─ F1..F3 ─────────────▶ need3 ─ 80..BF ─▶ need2
//	          ─ F0 ─▶ needF0 ─ 90..BF ────────────────▶ need2   no overlong forms
//	          ─ F4 ─▶ needF4 ─ 80..8F ────────────────▶ need2   no more than 10FFFF
//	          ─ anything else: runeInvalid, for good
type runeState uint8

const (
	runeStart runeState = iota
	need1
	need2
	need3
	needE0
	needED
	needF0
	needF4
	runeInvalid
)

// next returns the state after one more byte.
func (s runeState) next(c byte) runeState {
	switch s {
	case runeStart:
		return lead(c)
	case need1:
		return follow(c, 0x80, 0xbf, runeStart)
	case need2:
		return follow(c, 0x80, 0xbf, need1)
	case need3:
		return follow(c, 0x80, 0xbf, need2)
	case needE0:
		return follow(c, 0xa0, 0xbf, need1)
	case needED:
		return follow(c, 0x80, 0x9f, need1)
	case needF0:
		return follow(c, 0x90, 0xbf, need2)
	case needF4:
		return follow(c, 0x80, 0x8f, need2)
	}
	return runeInvalid
}

// lead returns the state after the first byte of a character.
func lead(c byte) runeState {
	switch {
	case c < 0x80:
		return runeStart
	case c < 0xc2:
		return runeInvalid
	case c < 0xe0:
		return need1
	case c == 0xe0:
		return needE0
	case c == 0xed:
		return needED
	case c < 0xf0:
		return need2
	case c == 0xf0:
		return needF0
	case c < 0xf4:
		return need3
	case c == 0xf4:
		return needF4
	}
	return runeInvalid
}

// follow returns then if c lies between low and high, both included.
func follow(c, low, high byte, then runeState) runeState {
	if low <= c && c <= high {
		return then
	}
	return runeInvalid
}

// over returns the state after all of p.
func (s runeState) over(p []byte) runeState {
	for s != runeStart && len(p) > 0 {
		s, p = s.next(p[0]), p[1:]
	}
	if len(p) == 0 || s == runeInvalid {
		return s
	}
	// The standard library is faster than next but knows only whole
	// characters: give it all but the one that p may end in.
	cut := len(p) - openBytes(p)
	if !utf8.Valid(p[:cut]) {
		return runeInvalid
	}
	for _, c := range p[cut:] {
		s = s.next(c)
	}
	return s
}

// openBytes reports how many bytes at the end of p belong to a character that
// p does not hold completely, if they belong to one at all.
func openBytes(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if c := p[len(p)-n]; utf8.RuneStart(c) {
			if utf8.FullRune(p[len(p)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

// textBlockBytes is how far one unmasking runs before text is checked: a
// multiple of 4, so that the key fits every block, and small enough that one
// character outside ASCII costs little and finds its bytes in the cache.
const textBlockBytes = 1024

// unmaskText is unmask for text that is in state s before src; it returns the
// state behind it. ASCII is recognised while unmasking and not looked at again.
func unmaskText(dst, src []byte, key uint32, s runeState) runeState {
	for len(src) > 0 && s != runeInvalid {
		n := min(len(src), textBlockBytes)
		if ascii := unmask(dst, src[:n], key); !ascii || s != runeStart {
			s = s.over(dst[:n])
		}
		dst, src = dst[n:], src[n:]
	}
	return s
}

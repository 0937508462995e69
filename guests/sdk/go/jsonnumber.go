package wherry

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// leading returns how many decimal digits w begins with, its lowest byte first, and
// the number that they are.
func leading(w uint64) (n uint64, size int) {
	w ^= '0' * ones
	// A byte over 9 has its high bit set by the sum, or had it. What it carries changes
	// only bytes behind it.
	other := (w + 0x76*ones | w) & highs
	size = bits.TrailingZeros64(other) >> 3 // 8 if there is none
	w <<= 64 - 8*uint(size)                 // zeros in front
	// Neighbours are put together: to 99, to 9999, to all.
	w = w*10 + w>>8
	w = (w&0x000000ff000000ff*(100+1000000<<32) + w>>16&0x000000ff000000ff*(1+10000<<32)) >> 32
	return w, size
}

// number reads any number: an integer if it is written as one and fits. It returns
// where it is over, -1 if it is malformed.
func (p *parser) number(to *box, start int) (end int) {
	t, at := p.text, start
	negative := t[at] == '-'
	if negative {
		at++
	}
	first := at
	mantissa, at := decimals(t, 0, at)
	whole := at - first
	if whole == 0 || whole > 1 && t[first] == '0' {
		return -1
	}
	fraction, exponent := 0, false
	if t[at] == '.' {
		mantissa, end = decimals(t, mantissa, at+1)
		fraction = end - at - 1
		if at = end; fraction == 0 {
			return -1
		}
	}
	if t[at]|0x20 == 'e' {
		exponent = true
		if at++; t[at] == '-' || t[at] == '+' {
			at++
		}
		_, end = decimals(t, 0, at)
		if end == at {
			return -1
		}
		at = end
	}
	const exact = 15 // digits that a float has for sure
	switch {
	case exponent || whole+fraction > exact && fraction > 0 || whole > 18:
		return p.rare(to, start, at, fraction == 0 && !exponent)
	case fraction == 0:
		if negative {
			mantissa = -mantissa
		}
		p.putInt(to, int64(mantissa))
	default:
		f := float64(mantissa) / powers[fraction] // both are exact, so the quotient is rounded once
		if negative {
			f = -f
		}
		p.putFloat(to, f)
	}
	return at
}

// powers are those of ten.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// scales are those that a word of digits can have.
var scales = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// decimals reads digits that follow those of n. With more than 19 it overflows.
func decimals(t []byte, n uint64, at int) (uint64, int) {
	for {
		more, size := leading(binary.LittleEndian.Uint64(t[at:]))
		n = n*scales[size] + more
		at += size
		if size < 8 {
			return n, at
		}
	}
}

// rare reads a number that has a correct form and an exponent, or many digits.
func (p *parser) rare(to *box, start, end int, integer bool) int {
	text := string(p.text[start:end])
	if integer {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			p.putInt(to, n)
			return end
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return -1
	}
	p.putFloat(to, f)
	return end
}

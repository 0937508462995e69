package wherry

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// appendInt appends n.
func appendInt(dst []byte, n int64) []byte {
	if uint64(n) < 10 {
		return append(dst, '0'+byte(n))
	}
	if -1e8 < n && n < 1e8 {
		if n < 0 {
			dst = append(dst, '-')
			n = -n
		}
		return appendDigits(dst, uint64(n))
	}
	return strconv.AppendInt(dst, n, 10)
}

// appendDigits appends a number of at most eight digits, without a loop.
func appendDigits(dst []byte, n uint64) []byte {
	w := spread(n)
	skip := bits.TrailingZeros64(w|1<<56) &^ 7 // zeros in front
	return appendWord(dst, (w|'0'*ones)>>(skip&63), 8-skip>>3)
}

// appendWord appends the first bytes of a word.
func appendWord(dst []byte, w uint64, size int) []byte {
	at := len(dst)
	if cap(dst)-at >= 8 {
		binary.LittleEndian.PutUint64(dst[at:at+8], w)
		return dst[:at+size]
	}
	return appendWord(slices.Grow(dst, 8), w, size)
}

// spread returns the eight digits of n, the first in the lowest byte.
func spread(n uint64) uint64 {
	// By halves: two numbers of four digits, four of two, eight of one. The products are
	// quotients, exact for numbers that small.
	high := n / 10000
	w := high | (n-high*10000)<<32
	high = w * 5243 >> 19 & (0x7f + 0x7f<<32)
	w = high | (w-high*100)<<16
	high = w * 103 >> 10 & (0x0f + 0x0f<<16 + 0x0f<<32 + 0x0f<<48)
	return high | (w-high*10)<<8
}

// appendFloat appends the shortest number that reads back as f, with an exponent
// only where it is very large or very small.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	abs := math.Abs(f)
	if bits == 64 && abs >= 1e-6 && abs < 1e7 {
		if out, ok := appendShort(dst, f); ok {
			return out, nil
		}
	}
	switch {
	case math.IsNaN(f):
		return dst, &JSONTypeError{"NaN"}
	case math.IsInf(f, 0):
		return dst, &JSONTypeError{"Inf"}
	}
	format := byte('f')
	if abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits), nil
}

// appendShort appends f, which is less than 10^7, if it has at most six decimals. With
// at most 15 digits no two numbers are the same float, so there is no other that is as
// short.
func appendShort(dst []byte, f float64) ([]byte, bool) {
	const scale = 1e6
	abs := math.Abs(f)
	scaled := uint64(abs*scale + 0.5)
	if float64(scaled)/scale != abs {
		return dst, false
	}
	if f < 0 {
		dst = append(dst, '-')
	}
	whole := scaled / scale
	dst = appendDigits(dst, whole)
	if scaled -= whole * scale; scaled == 0 {
		return dst, true
	}
	w := spread(scale+scaled) >> 8 // a digit that the point replaces, and six
	return appendWord(dst, (w|'0'*ones)&^0xff|'.', 8-bits.LeadingZeros64(w)>>3), true
}

// appendString appends s in quotes. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = appendText(dst, s, ',')
	return dst[:len(dst)-1]
}

// appendText appends s in quotes, and next.
func appendText(dst []byte, s string, next byte) []byte {
	at, size := len(dst), len(s)
	if cap(dst)-at >= size+11 { // a word more than needed
		to, from := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), at+1), unsafe.Pointer(unsafe.StringData(s))
		seen, escape := uint64(0), uint64(0) // the highs of bytes that are not ASCII, or stand escaped
		if size >= 8 {
			for i := 0; i < size-8; i += 8 {
				w := *(*uint64)(unsafe.Add(from, i))
				escape |= special(w)
				seen |= w
				*(*uint64)(unsafe.Add(to, i)) = w
			}
			w := *(*uint64)(unsafe.Add(from, size-8)) // it overlaps the one before
			escape |= special(w)
			seen |= w
			*(*uint64)(unsafe.Add(to, size-8)) = w
		} else {
			w := uint64(0)
			if size >= 4 { // two halves, which overlap
				w = uint64(*(*uint32)(from)) | uint64(*(*uint32)(unsafe.Add(from, size-4)))<<(8*(size-4)&63)
			} else if size != 0 {
				w = uint64(s[0]) | uint64(s[size/2])<<(8*(size/2)&63) | uint64(s[size-1])<<(8*(size-1)&63)
			}
			escape = special(w | ' '*ones<<(8*size&63))
			seen = w
			*(*uint64)(to) = w
		}
		if (seen|escape)&highs == 0 || escape == 0 && utf8.ValidString(s) {
			dst = dst[:at+size+3]
			dst[at], dst[at+size+1], dst[at+size+2] = '"', '"', next
			return dst
		}
	}
	return append(appendEscaped(slices.Grow(dst, size+11), s), next)
}

// appendEscaped does what appendString does where not every byte of s is plain ASCII.
func appendEscaped(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	dst = append(dst, '"')
	for start := 0; ; start++ {
		at := start
		for at < len(s) && escapes[s[at]].size == 0 {
			at++
		}
		dst = append(dst, s[start:at]...)
		if start = at; start == len(s) {
			return append(dst, '"')
		}
		e := &escapes[s[start]]
		dst = appendWord(dst, e.word, e.size)
	}
}

// escapes are what stands for the bytes that do not stand for themselves; the size is
// 0 of those that do.
var escapes = func() (all [256]struct {
	word uint64
	size int
}) {
	const hex = "0123456789abcdef"
	put := func(c byte, text string) {
		all[c].word = 0
		for i := range len(text) {
			all[c].word |= uint64(text[i]) << (8 * i)
		}
		all[c].size = len(text)
	}
	for c := range byte(' ') {
		put(c, `\u00`+string([]byte{hex[c>>4], hex[c&15]}))
	}
	for _, c := range []byte(`"\`) {
		put(c, string([]byte{'\\', c}))
	}
	for escape, c := range unescaped {
		if c != 0 && c < ' ' {
			put(c, string([]byte{'\\', byte(escape)}))
		}
	}
	return all
}()

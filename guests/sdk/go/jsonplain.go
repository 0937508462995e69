package wherry

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
)

// plain reads items, or members, whose keys and values are strings without escapes,
// numbers of few digits, null, true and false, as long as there are such, without
// blanks, and room for them; what begins there too, but not what ends.
//
// It calls little and goes straight on where it can, because that is what is cheap; so
// it is long.
func (p *parser) plain(at int) int {
	t := p.text
	for p.due = dueSlot; ; at++ {
		var to *box
		if !p.isObject {
			n := len(p.items)
			if n == cap(p.items) {
				return at
			}
			p.items = p.items[:n+1]
			to = boxOf(&p.items[n])
		} else {
			size := plainSize(t, at+1)
			end, n := at+1+size, len(p.members)
			if t[at] != '"' || t[end] != '"' || t[end+1] != ':' || n == cap(p.members) {
				return at
			}
			p.members = p.members[:n+1]
			m := &p.members[n]
			m.Key = unsafe.String(&t[at+1], size)
			to = boxOf(&m.Value)
			at = end + 2
		}
		p.due = dueValue
		w := binary.LittleEndian.Uint64(t[at:])
		if byte(w) != '"' {
			negative := (w&0xff ^ '-' - 1) >> 63 // 1 or 0
			w >>= 8 * negative
			zero := (w&0xff ^ '0' - 1) >> 63
			n, size := leading(w)
			next := t[at+int(negative)+size]
			// What most numbers are comes first, and twice: a branch less is worth it.
			if next == ',' && uint(size-1) < 7 && zero*uint64(size-1) == 0 {
				i := len(p.ints)
				if i == cap(p.ints) {
					return at
				}
				p.ints = p.ints[:i+1]
				p.ints[i] = int64((n ^ -negative) + negative)
				*to = box{kindInt, unsafe.Pointer(&p.ints[i])}
				at += size + int(negative)
				p.due = dueSlot
				if !p.isObject {
					at = p.integers(at+1) - 1
				}
				continue
			}
			if uint(size-1) >= 7 || zero*uint64(size-1) != 0 || next-'0' < 10 || next|0x20 == 'e' {
				if size != 0 || negative != 0 {
					return at
				}
				end := p.word(to, w, at)
				if end < 0 {
					return at
				}
				if at = end; p.due == dueSlot {
					continue
				}
				if t[at] != ',' {
					return at
				}
				p.due = dueSlot
				continue
			}
			if next != '.' {
				i := len(p.ints)
				if i == cap(p.ints) {
					return at
				}
				p.ints = p.ints[:i+1]
				p.ints[i] = int64((n ^ -negative) + negative)
				*to = box{kindInt, unsafe.Pointer(&p.ints[i])}
				at += size + int(negative)
				p.due = dueEnd
				if t[at] != ',' {
					return at
				}
				p.due = dueSlot
				continue
			}
			start := at + size + int(negative) + 1
			fraction, decimals := leading(binary.LittleEndian.Uint64(t[start:]))
			i := len(p.floats)
			if uint(decimals-1) >= 7 || t[start+decimals]|0x20 == 'e' || i == cap(p.floats) {
				return at
			}
			f := float64(n*scales[decimals]+fraction) / powers[decimals] // rounded once: see number
			p.floats = p.floats[:i+1]
			p.floats[i] = math.Float64frombits(math.Float64bits(f) | negative<<63)
			*to = box{kindFloat, unsafe.Pointer(&p.floats[i])}
			at = start + decimals
		} else {
			size := plainSize(t, at+1)
			end, i := at+1+size, len(p.strings)
			if t[end] != '"' || i == cap(p.strings) {
				return at
			}
			p.strings = p.strings[:i+1]
			p.strings[i] = unsafe.String(&t[at+1], size)
			*to = box{kindString, unsafe.Pointer(&p.strings[i])}
			at = end + 1
		}
		p.due = dueEnd
		if t[at] != ',' {
			return at
		}
		p.due = dueSlot
	}
}

// word reads what w, which is at, begins with: a literal, an empty container, or the
// beginning of one, which is made the innermost. It returns where that ends, or -1 for
// anything else.
func (p *parser) word(to *box, w uint64, at int) int {
	p.due = dueEnd
	switch {
	case w&0xffffffff == 'n'|'u'<<8|'l'<<16|'l'<<24:
		*to.any() = nil
		return at + 4
	case w&0xffffffff == 't'|'r'<<8|'u'<<16|'e'<<24:
		*to.any() = true
		return at + 4
	case w&0xffffffffff == 'f'|'a'<<8|'l'<<16|'s'<<24|'e'<<32:
		*to.any() = false
		return at + 5
	case p.depth == maxDepth:
	case w&0xffff == '['|']'<<8:
		*to.any() = emptyArray
		return at + 2
	case w&0xffff == '{'|'}'<<8:
		*to.any() = emptyObject
		return at + 2
	case byte(w)|0x20 == '{' && byte(w>>8) > ' ': // or [
		p.enter(byte(w) == '{')
		return at
	}
	p.due = dueValue
	return -1
}

// integers reads items that are short integers, with the comma behind each, as long as
// there are such and room for them.
func (p *parser) integers(at int) int {
	t, items, ints := p.text, p.items, p.ints
	for len(items) < cap(items) && len(ints) < cap(ints) {
		w := binary.LittleEndian.Uint64(t[at:])
		negative := (w&0xff ^ '-' - 1) >> 63 // 1 or 0
		w >>= 8 * negative
		zero := (w&0xff ^ '0' - 1) >> 63
		n, size := leading(w)
		if t[at+int(negative)+size] != ',' || uint(size-1) >= 7 || zero*uint64(size-1) != 0 {
			break
		}
		at += size + int(negative) + 1
		items, ints = items[:len(items)+1], ints[:len(ints)+1]
		number := &ints[len(ints)-1]
		*number = int64((n ^ -negative) + negative)
		*boxOf(&items[len(items)-1]) = box{kindInt, unsafe.Pointer(number)}
	}
	p.items, p.ints = p.items[:len(items)], p.ints[:len(ints)]
	return at
}

// plainSize returns how many bytes there are from at on that are the same in JSON.
func plainSize(t []byte, at int) int {
	found := special(binary.LittleEndian.Uint64(t[at:]))
	size := bits.TrailingZeros64(found) >> 3
	if found == 0 {
		size = plainRun(t, at+8) - at
	}
	return size
}

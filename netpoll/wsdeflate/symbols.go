package wsdeflate

import "encoding/binary"

// A code is the two tables that a block's symbols are decoded with.
type code struct {
	lit   *[literalEntries]entry
	dist  *[distanceEntries]entry
	roots roots
}

// A fixedTables is the fixed code's tables.
type fixedTables struct {
	lit   [literalEntries]entry
	dist  [distanceEntries]entry
	roots roots
}

// fixedCode decodes blocks that bring no code. Set here, never changed.
var fixedCode = makeFixedCode()

func makeFixedCode() *fixedTables {
	t := new(fixedTables)
	t.roots.lit, _ = buildTable(t.lit[:], literalRootBits, fixedLiteralLengths[:], literalSymbols[:])
	t.roots.dist, _ = buildTable(t.dist[:], distanceRootBits, fixedDistanceLengths[:], distanceSymbols[:])
	return t
}

// openCode returns the code of the open block.
func (f *Inflater) openCode() code {
	if f.fixed {
		return code{&fixedCode.lit, &fixedCode.dist, fixedCode.roots}
	}
	return code{&f.lit, &f.dist, f.roots}
}

// find returns the entry for the code at the front of bits.
func find(t []entry, root uint, bits uint64) entry {
	e := t[bits&(1<<root-1)]
	if e.is(linkEntry) {
		e = t[uint64(e.value())+bits>>root&(1<<e.extra()-1)]
	}
	return e
}

// symbols inflates as much of a block as there are bits and room for.
func (f *Inflater) symbols(dst []byte) (at outcome) {
	c := f.openCode()
	for at == goOn && f.phase == inSymbols {
		if f.length > 0 {
			at = f.copyMatch(dst)
			continue
		}
		f.inBulk(dst, &c)
		if f.length == 0 {
			at = f.symbol(dst, &c)
		}
	}
	return at
}

// symbol takes one literal, match or end of block. A match is taken as a whole
// or not at all: its 48 bits fit in what the reader holds.
func (f *Inflater) symbol(dst []byte, c *code) outcome {
	f.r.has(48)
	e := find(c.lit[:], c.roots.lit, f.r.bits)
	size := e.size()
	switch {
	case size+e.extra() > f.r.count:
		return starved
	case e.is(badEntry):
		return corrupt
	case e.is(endEntry):
		f.r.drop(size)
		return f.endBlock()
	case e.is(literalEntry):
		if f.size == len(dst) {
			return full
		}
		f.r.drop(size)
		dst[f.size] = byte(e.value())
		f.size++
		return goOn
	}
	d := find(c.dist[:], c.roots.dist, f.r.bits>>(size+e.extra()))
	switch {
	case size+e.extra()+d.size()+d.extra() > f.r.count:
		return starved
	case d.is(badEntry):
		return corrupt
	}
	f.r.drop(size)
	f.length = e.value() + int(f.r.take(e.extra()))
	f.r.drop(d.size())
	f.distance = d.value() + int(f.r.take(d.extra()))
	if f.distance > f.size+f.window.have() {
		return corrupt
	}
	return goOn
}

// copyMatch copies the open match, first from the window, then from the message
// itself. A match may overlap what it makes: it is repeated then.
func (f *Inflater) copyMatch(dst []byte) outcome {
	to := dst[:min(f.size+f.length, len(dst))]
	from := f.size
	if back := f.distance - f.size; back > 0 && from < len(to) {
		f.size += f.window.copyFrom(to[f.size:], back)
	}
	for f.size < len(to) {
		f.size += copy(to[f.size:], to[f.size-f.distance:f.size])
	}
	if f.length -= f.size - from; f.length > 0 {
		return full
	}
	return goOn
}

// bulkRoom is how many bytes of room inBulk needs: the longest match, and what
// copying in eights writes behind it.
const bulkRoom = maxMatch + 8

// inBulk takes symbols as long as there are bits and room for any symbol, so
// that nothing has to be checked in between. It stops in front of what symbol
// knows better: the end of a block, an error, a match in the window.
func (f *Inflater) inBulk(dst []byte, c *code) {
	bits, count, in, size := f.r.bits, f.r.count, f.r.in, f.size
	litMask, distMask := uint64(1)<<c.roots.lit-1, uint64(1)<<c.roots.dist-1
	for len(in) >= 8 && len(dst)-size >= bulkRoom {
		if count < 48 {
			bits |= binary.LittleEndian.Uint64(in) << count
			in = in[(63-count)>>3:]
			count |= 56
		}
		e := c.lit[bits&litMask&(literalEntries-1)]
		if e.is(linkEntry) {
			e = c.lit[(uint64(e.value())+bits>>c.roots.lit&(1<<e.extra()-1))&(literalEntries-1)]
		}
		if e.is(literalEntry) {
			bits >>= e.size()
			count -= e.size()
			dst[size] = byte(e.value())
			size++
			continue
		}
		if e.is(endEntry | badEntry) {
			break
		}
		after := bits >> e.size()
		length := e.value() + int(after&(1<<e.extra()-1))
		after >>= e.extra()
		d := c.dist[after&distMask&(distanceEntries-1)]
		if d.is(linkEntry) {
			d = c.dist[(uint64(d.value())+after>>c.roots.dist&(1<<d.extra()-1))&(distanceEntries-1)]
		}
		after >>= d.size()
		distance := d.value() + int(after&(1<<d.extra()-1))
		if d.is(badEntry) || distance > size {
			break
		}
		bits = after >> d.extra()
		count -= e.size() + e.extra() + d.size() + d.extra()
		copyInBulk(dst, size, distance, length)
		size += length
	}
	f.r.bits, f.r.count, f.r.in, f.size = bits, count, in, size
}

// copyInBulk copies length bytes from distance before dst[at:], and perhaps 7
// more, of which the next symbol is written over.
func copyInBulk(dst []byte, at, distance, length int) {
	if distance < 8 {
		for end := at + length; at < end; {
			at += copy(dst[at:end], dst[at-distance:at])
		}
		return
	}
	for end := at + length; at < end; at += 8 {
		v := binary.LittleEndian.Uint64(dst[at-distance:])
		binary.LittleEndian.PutUint64(dst[at:], v)
	}
}

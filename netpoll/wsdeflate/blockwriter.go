package wsdeflate

import (
	"encoding/binary"
	"math/bits"
)

// blockBytes is how much of a message one block holds, at most: enough for a
// code of its own to pay, and few enough for a stored block.
const blockBytes = 32 << 10

// A block is what the search made of some bytes: sequences, and how often they
// need each symbol.
type block struct {
	sequences [blockBytes/minFound + 1]sequence
	count     int // of sequences
	lit       [maxLiterals]uint16
	dist      [maxDistances]uint16

	dynamic header
}

// A sequence is literals and a match behind them. The last of a block has none.
type sequence struct {
	literals uint16 // how many
	length   uint16 // bytes of the match, or 0
	distance uint16 // how far back it lies; 32768 is the highest bit
}

func (b *block) reset() {
	b.count = 0
	clear(b.lit[:])
	clear(b.dist[:])
	b.lit[endOfBlock] = 1
}

// add adds a sequence.
func (b *block) add(literals []byte, length, distance int) {
	for _, c := range literals {
		b.lit[c]++
	}
	b.sequences[b.count] = sequence{uint16(len(literals)), uint16(length), uint16(distance)}
	b.count++
	if length > 0 {
		b.lit[lengthSymbol[length-minMatch]]++
		b.dist[distanceSymbol(distance)]++
	}
}

// lengthSymbol is the symbol for each length of a match, from minMatch on.
var lengthSymbol = makeLengthSymbol()

func makeLengthSymbol() (s [maxMatch - minMatch + 1]uint16) {
	for i, c := range lengthCodes {
		for n := int(c.base); n <= maxMatch; n++ {
			s[n-minMatch] = uint16(endOfBlock + 1 + i)
		}
	}
	return s
}

// distanceSymbol returns the symbol for a distance. There are two symbols for
// each power of 2.
func distanceSymbol(distance int) uint {
	v := uint(distance - 1)
	if v < 2 {
		return v
	}
	n := uint(bits.Len(v)) - 2
	return 2*n + v>>n
}

// write writes the block, of which src is the bytes, in the form that is the
// shortest: as they are, in the fixed code, or in a code of its own. It writes
// nothing and returns false if that makes w longer than end bytes.
func (b *block) write(w *bitWriter, src []byte, end int) bool {
	extra := b.extraBits()
	storedBits := 3 + 7 + 32 + 8*len(src)
	fixedBits := 3 + extra + cost(fixedWrite.lit[:], b.lit[:]) + cost(fixedWrite.dist[:], b.dist[:])
	dynamicBits := fixedBits
	if fixedBits > leastHeaderBits {
		dynamicBits = 3 + extra + b.dynamic.build(b)
	}
	least := min(storedBits, fixedBits, dynamicBits)
	if least > 8*(end-len(w.buf)) {
		return false
	}
	w.reserve(least)
	switch least {
	case fixedBits:
		w.write(0b010, 3)
		b.writeSequences(w, src, fixedWrite)
	case dynamicBits:
		w.write(0b100, 3)
		b.dynamic.write(w)
		b.writeSequences(w, src, &b.dynamic.code)
	default:
		w.stored(src)
	}
	return true
}

// leastHeaderBits is what fixed blocks take that a code of their own could not
// make shorter: its header alone takes as much.
const leastHeaderBits = 40 * 8

// extraBits returns how many bits follow the codes of matches.
func (b *block) extraBits() (n int) {
	for i, c := range lengthCodes {
		n += int(c.extra) * int(b.lit[endOfBlock+1+i])
	}
	for i, c := range distanceCodes {
		n += int(c.extra) * int(b.dist[i])
	}
	return n
}

// stored writes a stored block.
func (w *bitWriter) stored(src []byte) {
	w.write(0b000, 3)
	w.pad()
	w.write(uint32(len(src)), 16)
	w.write(uint32(^uint16(len(src))), 16)
	w.buf = append(w.buf, src...)
}

// writeSequences writes the block's symbols. Room for all of them, and for 8
// bytes more, is reserved.
func (b *block) writeSequences(w *bitWriter, src []byte, c *writeCode) {
	buf := w.buf[:cap(w.buf)]
	at, acc, count := len(w.buf), w.bits, w.count
	for _, s := range b.sequences[:b.count] {
		for _, x := range src[:s.literals] {
			if count >= 48 { // 15 more must fit
				binary.LittleEndian.PutUint64(buf[at:], acc)
				at += 6
				acc >>= 48
				count -= 48
			}
			p := c.lit[x]
			acc |= uint64(p.bits) << count
			count += uint(p.size)
		}
		// A match takes 48 at most.
		binary.LittleEndian.PutUint64(buf[at:], acc)
		at += int(count >> 3)
		acc >>= count &^ 7
		count &= 7
		src = src[int(s.literals)+int(s.length):]
		if s.length > 0 {
			m, n := c.match(s)
			acc |= m << count
			count += n
		}
	}
	binary.LittleEndian.PutUint64(buf[at:], acc)
	at += int(count >> 3)
	w.buf, w.bits, w.count = buf[:at], acc>>(count&^7), count&7
	end := c.lit[endOfBlock]
	w.write(uint32(end.bits), uint(end.size))
}

// match returns the bits of a match and how many they are.
func (c *writeCode) match(s sequence) (v uint64, n uint) {
	symbol := lengthSymbol[s.length-minMatch]
	p, l := c.lit[symbol], lengthCodes[symbol-endOfBlock-1]
	v = uint64(p.bits) | uint64(s.length-l.base)<<p.size
	n = uint(p.size) + uint(l.extra)

	i := distanceSymbol(int(s.distance))
	q, d := c.dist[i], distanceCodes[i]
	v |= (uint64(q.bits) | uint64(s.distance-d.base)<<q.size) << n
	return v, n + uint(q.size) + uint(d.extra)
}

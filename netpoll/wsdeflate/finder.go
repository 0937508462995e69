package wsdeflate

import (
	"encoding/binary"
	"math/bits"
)

const (
	// hashBits makes a table of 64 KiB: half of a core's fastest cache would
	// fit 8192 places, but then twice as many matches are lost.
	hashBits = 14

	// minFound is the shortest match that is looked for, in bytes. Those of 3
	// save next to nothing.
	minFound = 4

	maxReach = 1 << maxWindowBits // how far back any match lies, in bytes
)

// A finder finds what repeats. It remembers where four bytes were last seen by
// their hash, as a position that never comes again: what an earlier buffer left
// behind is too far back to count, and nothing has to be cleared between them.
type finder struct {
	base  uint32 // position of the buffer's first byte, 1 or more
	size  uint32 // bytes of the buffer
	reach uint32 // how far back a match may lie, in bytes

	head [1 << hashBits]uint32 // position where bytes of that hash were last
	prev []uint32              // by position: where bytes of the same hash were before; not for Fastest
}

func (f *finder) init(l Level) {
	f.base = 1
	if l > Fastest {
		f.prev = make([]uint32, maxReach)
	}
}

// begin turns to another buffer, of size bytes.
func (f *finder) begin(size int) {
	f.base += f.size
	f.size = uint32(size)
	if f.base > 1<<32-1-f.size {
		clear(f.head[:])
		f.base = 1
	}
}

func load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }

func hash(v uint32) uint32 { return v * 0x9e3779b1 >> (32 - hashBits) }

// insert remembers the positions of buf[from:to], as far as four bytes begin
// there.
func (f *finder) insert(buf []byte, from, to int) {
	for i := max(from, to-int(f.reach)); i < min(to, len(buf)-minFound+1); i++ {
		f.put(load32(buf, i), i)
	}
}

// put remembers that v is at i, and returns the position where it may have been
// last.
func (f *finder) put(v uint32, i int) uint32 {
	place := &f.head[hash(v)]
	last := *place
	at := f.base + uint32(i)
	*place = at
	if f.prev != nil {
		f.prev[at%maxReach] = last
	}
	return last
}

// distance is how far position last lies before i, or 0 if that is too far or
// in an earlier buffer.
func (f *finder) distance(i int, last uint32) int {
	d := f.base + uint32(i) - last
	if d > uint32(i) || d > f.reach {
		return 0
	}
	return int(d)
}

// searchFast cuts buf[from:] into literals and matches. Where it finds nothing
// for long it looks at ever fewer positions.
func (f *finder) searchFast(b *block, buf []byte, from int) {
	const patience = 5 // misses, as a power of 2, before a position is skipped
	literals, i := from, from
	for i+minFound <= len(buf) {
		v := load32(buf, i)
		d := f.distance(i, f.put(v, i))
		if d == 0 || load32(buf, i-d) != v {
			i += 1 + (i-literals)>>patience
			continue
		}
		for i > literals && i > d && buf[i-1] == buf[i-d-1] {
			i-- // it began where nobody looked
		}
		n := matchLength(buf, i, d)
		b.add(buf[literals:i], n, d)
		i += n
		literals = i
		if i+minFound <= len(buf) {
			f.put(load32(buf, i-2), i-2)
		}
	}
	b.add(buf[literals:], 0, 0)
}

// searchWell is searchFast, but looks at every position, at several places for
// each, and takes a match only if the next position does not have a longer one.
func (f *finder) searchWell(b *block, buf []byte, from int, e effort) {
	literals, i := from, from
	length, dist := 0, 0 // of the match at i-1 that still waits for a better one
	for i+minFound <= len(buf) {
		last := f.put(load32(buf, i), i)
		n, d := 0, 0
		if length < e.enough {
			n, d = f.longest(buf, i, last, length, e)
		}
		if length == 0 || n > length {
			length, dist = n, d
			i++
			continue
		}
		start := i - 1
		b.add(buf[literals:start], length, dist)
		literals = start + length
		f.insert(buf, i+1, literals)
		i = literals
		length = 0
	}
	if length > 0 {
		start := i - 1
		b.add(buf[literals:start], length, dist)
		literals = start + length
	}
	b.add(buf[literals:], 0, 0)
}

// longest returns the longest match at i that is longer than min, starting at
// position last and going back from there; or 0.
func (f *finder) longest(buf []byte, i int, last uint32, min int, e effort) (length, dist int) {
	v := load32(buf, i)
	length = min
	for range e.depth {
		d := f.distance(i, last)
		if d <= dist {
			break
		}
		if load32(buf, i-d) == v {
			if n := matchLength(buf, i, d); n > length {
				length, dist = n, d
				if n >= e.enough {
					break
				}
			}
		}
		last = f.prev[last%maxReach]
	}
	if dist == 0 {
		return 0, 0
	}
	return length, dist
}

// matchLength returns how many bytes at i are the same as those d before, of
// which minFound are known to be, and no more than a match may have.
func matchLength(buf []byte, i, d int) int {
	a := buf[i:min(i+maxMatch, len(buf))]
	b := buf[i-d:][:len(a)]
	n := minFound
	for ; n+8 <= len(a); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
	}
	for n < len(a) && a[n] == b[n] {
		n++
	}
	return n
}

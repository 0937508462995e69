package wsdeflate

// Limits of DEFLATE's alphabets (RFC 1951, section 3.2).
const (
	maxLiterals  = 286 // literals, the end of a block, and lengths
	maxDistances = 30
	maxCodeBits  = 15

	endOfBlock = 256 // the symbol
)

// An entry is what a decode table says about the bits that index it.
//
//	31        16 15  13 12      8 7     4 3       0
//	├─ value ────┼──────┼─ extra ─┼─ kind ┼─ size ──┤
//
// Size is that of the code, in bits; extra is how many more bits follow it, to
// be added to value: the base of a length or a distance. For a link, value is
// where the second table begins and extra how many bits index it.
type entry uint32

const (
	literalEntry entry = 1 << 4 // value is the byte
	endEntry     entry = 1 << 5 // the block ends
	linkEntry    entry = 1 << 6 // the code is longer than the root table's index
	badEntry     entry = 1 << 7 // no code begins like this
)

func (e entry) size() uint      { return uint(e & 15) }
func (e entry) extra() uint     { return uint(e >> 8 & 31) }
func (e entry) value() int      { return int(e >> 16) }
func (e entry) is(k entry) bool { return e&k != 0 }

func makeEntry(value, extra int) entry { return entry(value)<<16 | entry(extra)<<8 }

// Root tables are indexed by this many bits at most, and both parts together
// take this many entries at most: more than the worst code needs, which is 1332
// and 402.
const (
	literalRootBits  = 10
	distanceRootBits = 8
	literalEntries   = 2048
	distanceEntries  = 512
)

// buildTable makes t decode the canonical code that gives symbol i a code of
// lengths[i] bits, 0 for none; symbols[i] is i's entry but for its size. It
// returns how many bits index the root table, rootMax at most, and whether the
// code is legal: complete, empty, or a single code of one bit.
//
// A short code makes a small table, so that what a block costs to begin is in
// proportion to what it took to send.
func buildTable(t []entry, rootMax int, lengths []uint8, symbols []entry) (root uint, ok bool) {
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	longest, ok := checkCode(&count)
	if !ok {
		return 0, false
	}
	var sorted [maxLiterals + 2]uint16
	used := sortByLength(&sorted, &count, lengths)

	root = uint(min(max(longest, 1), rootMax))
	if used < 2 {
		t[0], t[1] = badEntry|1, badEntry|1
	}
	b := tableBuilder{t: t, root: root, longest: uint(longest), next: 1 << root, prefix: -1}
	order := sorted[:used]
	for n := uint(1); n <= uint(longest); n++ {
		for ; count[n] > 0; count[n]-- {
			if !b.add(symbols[order[0]]|entry(n), n, &count) {
				return 0, false
			}
			order = order[1:]
		}
		if n < root { // one more bit of index: it makes no difference to what is there
			copy(t[1<<n:2<<n], t[:1<<n])
		}
	}
	return root, true
}

// checkCode returns the longest code's bits, and whether the code is legal.
func checkCode(count *[maxCodeBits + 1]int) (longest int, ok bool) {
	left := 1
	for n := 1; n <= maxCodeBits; n++ {
		if left = left<<1 - count[n]; left < 0 {
			return 0, false // more codes than there are
		}
		if count[n] > 0 {
			longest = n
		}
	}
	return longest, left == 0 || longest == 0 || longest == 1
}

// sortByLength lists the symbols that have a code in canonical order, and
// returns how many there are.
func sortByLength(sorted *[maxLiterals + 2]uint16, count *[maxCodeBits + 1]int, lengths []uint8) int {
	var at [maxCodeBits + 2]int
	for n := 1; n <= maxCodeBits; n++ {
		at[n+1] = at[n] + count[n]
	}
	for symbol, n := range lengths {
		if n != 0 {
			sorted[at[n]] = uint16(symbol)
			at[n]++
		}
	}
	return at[maxCodeBits]
}

// A tableBuilder fills a table, one code after the other in canonical order.
// While codes of n bits come, the root table has 1<<n entries; those that have
// no code yet hold nothing of use, and will be written over.
type tableBuilder struct {
	t       []entry
	root    uint
	longest uint // bits of the longest code
	code    uint // the next code, its first bit lowest, as the stream has it

	prefix  int  // root bits of the open second table, -1 for none
	start   int  // where that begins
	subBits uint // how many bits index it
	next    int  // where the next one will begin
}

// add enters e for the next code, which is size bits long. Count holds how many
// codes of each size are still to come, this one included.
func (b *tableBuilder) add(e entry, size uint, count *[maxCodeBits + 1]int) bool {
	if size <= b.root {
		b.t[b.code] = e
		b.step(size)
		return true
	}
	if prefix := int(b.code & (1<<b.root - 1)); prefix != b.prefix && !b.open(prefix, size, count) {
		return false
	}
	sub := b.t[b.start : b.start+1<<b.subBits]
	for i := b.code >> b.root; i < uint(len(sub)); i += 1 << (size - b.root) {
		sub[i] = e
	}
	b.step(size)
	return true
}

// open begins the second table for codes that start with prefix, the shortest
// of them size bits long. It is as large as the longest of them needs.
func (b *tableBuilder) open(prefix int, size uint, count *[maxCodeBits + 1]int) bool {
	bits := size - b.root
	for left := 1<<bits - count[size]; left > 0 && b.root+bits < b.longest; {
		bits++
		left = left<<1 - count[b.root+bits]
	}
	b.prefix, b.start, b.subBits = prefix, b.next, bits
	if b.next += 1 << bits; b.next > len(b.t) {
		return false
	}
	b.t[prefix] = makeEntry(b.start, int(bits)) | linkEntry
	return true
}

// step moves on to the code behind one of size bits: it adds one at the last
// bit, which is the highest, and carries downwards.
func (b *tableBuilder) step(size uint) {
	bit := uint(1) << (size - 1)
	for b.code&bit != 0 {
		bit >>= 1
	}
	if bit == 0 {
		b.code = 0
		return
	}
	b.code = b.code&(bit-1) | bit
}

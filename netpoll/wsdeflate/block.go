package wsdeflate

// An outcome is how one step of the state machine ended.
type outcome uint8

const (
	goOn    outcome = iota // another step can follow
	starved                // there are too few bits for it
	full                   // there is a byte and no room for it
	corrupt                // the stream is not DEFLATE
)

// run takes steps until it cannot.
func (f *Inflater) run(dst []byte) (at outcome) {
	for at == goOn {
		switch f.phase {
		case atHeader:
			at = f.header()
		case atSize:
			at = f.storedSize()
		case inStored:
			at = f.stored(dst)
		case atCounts:
			at = f.counts()
		case inLengthCode:
			at = f.lengthCode()
		case inLengths:
			at = f.codeLengths()
		case inSymbols:
			at = f.symbols(dst)
		}
	}
	return at
}

// header begins a block.
func (f *Inflater) header() outcome {
	if !f.r.has(3) {
		return starved
	}
	f.final, f.closed = f.r.take(1) != 0, false
	switch f.r.take(2) {
	case 0:
		f.r.align()
		f.phase = atSize
	case 1:
		f.fixed = true
		f.phase = inSymbols
	case 2:
		f.fixed = false
		f.phase = atCounts
	default:
		return corrupt
	}
	return goOn
}

// endBlock leaves a block. Behind a final one another stream begins, with the
// next byte (RFC 7692, section 7.2.3.4).
func (f *Inflater) endBlock() outcome {
	if f.final {
		f.r.align()
		f.closed = true
	}
	f.phase = atHeader
	return goOn
}

// storedSize reads the length of a stored block, which is sent twice.
func (f *Inflater) storedSize() outcome {
	if !f.r.has(32) {
		return starved
	}
	n, inverse := f.r.take(16), f.r.take(16)
	if n != inverse^0xffff {
		return corrupt
	}
	f.length = int(n)
	f.phase = inStored
	return goOn
}

// stored copies the bytes of a stored block.
func (f *Inflater) stored(dst []byte) outcome {
	if f.length == 0 {
		return f.endBlock()
	}
	room := dst[f.size:]
	if len(room) == 0 {
		return full
	}
	n := f.r.copyBytes(room[:min(f.length, len(room))])
	f.size += n
	f.length -= n
	if n == 0 {
		return starved
	}
	return goOn
}

// A lengthCode is the header of a block with a code of its own: as far as it has
// come (RFC 1951, section 3.2.7).
type lengthCode struct {
	lit, dist int  // how many lengths of codes it has
	own       int  // and how many of the code that they are sent in
	have      int  // how many have come of those that come now
	root      uint // index bits of that code's table, which is in Inflater.dist
	lengths   [maxLiterals + maxDistances]uint8
}

// counts reads how much header will come.
func (f *Inflater) counts() outcome {
	if !f.r.has(14) {
		return starved
	}
	c := &f.code
	c.lit, c.dist, c.own = 257+int(f.r.take(5)), 1+int(f.r.take(5)), 4+int(f.r.take(4))
	c.have = 0
	if c.lit > maxLiterals || c.dist > maxDistances {
		return corrupt
	}
	clear(c.lengths[:lengthCodeSymbols])
	f.phase = inLengthCode
	return goOn
}

// lengthCode reads the code that code lengths are sent in.
func (f *Inflater) lengthCode() outcome {
	c := &f.code
	for ; c.have < c.own; c.have++ {
		if !f.r.has(3) {
			return starved
		}
		c.lengths[lengthCodeOrder[c.have]] = uint8(f.r.take(3))
	}
	root, ok := buildTable(f.dist[:], distanceRootBits, c.lengths[:lengthCodeSymbols], lengthSymbols[:])
	if !ok {
		return corrupt
	}
	c.root = root
	c.have = 0
	f.phase = inLengths
	return goOn
}

// codeLengths reads the lengths of the block's codes.
func (f *Inflater) codeLengths() outcome {
	c := &f.code
	for c.have < c.lit+c.dist {
		f.r.has(16)
		e := f.dist[f.r.bits&(1<<c.root-1)]
		if e.size()+e.extra() > f.r.count {
			return starved
		}
		if e.is(badEntry) {
			return corrupt
		}
		f.r.drop(e.size())
		if !c.add(e.value(), int(f.r.take(e.extra()))) {
			return corrupt
		}
	}
	return f.buildTables()
}

// add enters one length, or what a symbol with an extra number repeats.
func (c *lengthCode) add(symbol, extra int) bool {
	n, times := uint8(0), 1
	switch symbol {
	default:
		n = uint8(symbol)
	case repeatPrevious:
		if c.have == 0 {
			return false
		}
		n, times = c.lengths[c.have-1], 3+extra
	case repeatZero:
		times = 3 + extra
	case repeatZeroLong:
		times = 11 + extra
	}
	if times > c.lit+c.dist-c.have {
		return false
	}
	for range times {
		c.lengths[c.have] = n
		c.have++
	}
	return true
}

// buildTables ends the block's header. A block that cannot end is corrupt.
func (f *Inflater) buildTables() outcome {
	c := &f.code
	lit, dist := c.lengths[:c.lit], c.lengths[c.lit:c.lit+c.dist]
	var ok1, ok2 bool
	f.roots.lit, ok1 = buildTable(f.lit[:], literalRootBits, lit, literalSymbols[:])
	f.roots.dist, ok2 = buildTable(f.dist[:], distanceRootBits, dist, distanceSymbols[:])
	if !ok1 || !ok2 || lit[endOfBlock] == 0 {
		return corrupt
	}
	f.phase = inSymbols
	return goOn
}

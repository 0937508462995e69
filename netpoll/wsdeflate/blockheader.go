package wsdeflate

// A header is what a block with a code of its own begins with: the sizes of the
// code's symbols, run-length encoded, in yet another code (RFC 1951, section
// 3.2.7).
type header struct {
	code writeCode

	lit, dist int // symbols whose sizes are sent
	runs      [maxLiterals + maxDistances]run
	count     int // of runs
	own       int // sizes of the header's own code that are sent
	ownCode   [lengthCodeSymbols]prefix
}

// A run is one size, or one that is repeated.
type run struct{ symbol, extra uint8 }

// build makes the best code for b and its header, and returns how many bits
// header and symbols take, without what follows codes.
func (h *header) build(b *block) (bits int) {
	bits = optimize(h.code.lit[:maxLiterals], b.lit[:], maxCodeBits)
	bits += optimize(h.code.dist[:maxDistances], b.dist[:], maxCodeBits)
	h.lit = used(h.code.lit[:maxLiterals], endOfBlock+1)
	h.dist = used(h.code.dist[:maxDistances], 1)

	var often [lengthCodeSymbols]uint16
	h.findRuns()
	for _, r := range h.runs[:h.count] {
		often[r.symbol]++
	}
	bits += optimize(h.ownCode[:], often[:], 7)
	h.own = lengthCodeSymbols
	for h.own > 4 && h.ownCode[lengthCodeOrder[h.own-1]].size == 0 {
		h.own--
	}
	bits += 5 + 5 + 4 + 3*h.own
	bits += 2*int(often[repeatPrevious]) + 3*int(often[repeatZero]) + 7*int(often[repeatZeroLong])
	return bits
}

// used returns how many symbols there are up to the last with a code, and at
// least least.
func used(c []prefix, least int) int {
	n := len(c)
	for n > least && c[n-1].size == 0 {
		n--
	}
	return n
}

// findRuns lists the sizes as runs, of both codes together.
func (h *header) findRuns() {
	var sizes [maxLiterals + maxDistances]uint8
	for i, p := range h.code.lit[:h.lit] {
		sizes[i] = p.size
	}
	for i, p := range h.code.dist[:h.dist] {
		sizes[h.lit+i] = p.size
	}
	h.count = 0
	for s := sizes[:h.lit+h.dist]; len(s) > 0; {
		n := 1
		for n < len(s) && s[n] == s[0] {
			n++
		}
		h.addRun(s[0], n)
		s = s[n:]
	}
}

// addRun adds size n times.
func (h *header) addRun(size uint8, n int) {
	push := func(symbol uint8, extra int) {
		h.runs[h.count] = run{symbol, uint8(extra)}
		h.count++
	}
	if size != 0 {
		push(size, 0)
		n--
	}
	for n > 0 {
		switch {
		case size == 0 && n >= 11:
			k := min(n, 138)
			push(repeatZeroLong, k-11)
			n -= k
		case size == 0 && n >= 3:
			push(repeatZero, n-3)
			n = 0
		case size != 0 && n >= 3:
			k := min(n, 6)
			push(repeatPrevious, k-3)
			n -= k
		default:
			push(size, 0)
			n--
		}
	}
}

// write writes the header behind the block's first 3 bits.
func (h *header) write(w *bitWriter) {
	w.write(uint32(h.lit-257), 5)
	w.write(uint32(h.dist-1), 5)
	w.write(uint32(h.own-4), 4)
	for _, symbol := range lengthCodeOrder[:h.own] {
		w.write(uint32(h.ownCode[symbol].size), 3)
	}
	for _, r := range h.runs[:h.count] {
		p := h.ownCode[r.symbol]
		w.write(uint32(p.bits), uint(p.size))
		switch r.symbol {
		case repeatPrevious:
			w.write(uint32(r.extra), 2)
		case repeatZero:
			w.write(uint32(r.extra), 3)
		case repeatZeroLong:
			w.write(uint32(r.extra), 7)
		}
	}
}

package wsdeflate

// lengthCodes and distanceCodes are the two alphabets of RFC 1951, section
// 3.2.5: the smallest value that a symbol stands for, and how many bits follow
// to add to it. Set here, never changed.
var (
	lengthCodes   = makeLengthCodes()
	distanceCodes = makeDistanceCodes()
)

type valueCode struct {
	base  uint16
	extra uint8 // bits
}

func makeLengthCodes() (c [maxLiterals - endOfBlock - 1]valueCode) {
	base := minMatch
	for i := range c {
		extra := max(i/4-1, 0)
		c[i] = valueCode{uint16(base), uint8(extra)}
		base += 1 << extra
	}
	c[len(c)-1] = valueCode{maxMatch, 0} // the last symbol breaks the pattern
	return c
}

func makeDistanceCodes() (c [maxDistances]valueCode) {
	base := 1
	for i := range c {
		extra := max(i/2-1, 0)
		c[i] = valueCode{uint16(base), uint8(extra)}
		base += 1 << extra
	}
	return c
}

const (
	minMatch = 3   // bytes that the shortest match copies
	maxMatch = 258 // and the longest
)

// The entries of each symbol but for its size.
var (
	literalSymbols  = makeLiteralSymbols()
	distanceSymbols = makeDistanceSymbols()
	lengthSymbols   = makeLengthSymbols() // of the code that code lengths are sent in
)

func makeLiteralSymbols() (s [maxLiterals + 2]entry) {
	for i := range s {
		switch {
		case i < endOfBlock:
			s[i] = makeEntry(i, 0) | literalEntry
		case i == endOfBlock:
			s[i] = endEntry
		case i < maxLiterals:
			c := lengthCodes[i-endOfBlock-1]
			s[i] = makeEntry(int(c.base), int(c.extra))
		default:
			s[i] = badEntry // they have codes, but only to make the fixed code complete
		}
	}
	return s
}

func makeDistanceSymbols() (s [maxDistances + 2]entry) {
	for i := range s {
		s[i] = badEntry
		if i < maxDistances {
			s[i] = makeEntry(int(distanceCodes[i].base), int(distanceCodes[i].extra))
		}
	}
	return s
}

func makeLengthSymbols() (s [lengthCodeSymbols]entry) {
	for i := range s {
		s[i] = makeEntry(i, 0)
	}
	s[repeatPrevious] = makeEntry(repeatPrevious, 2)
	s[repeatZero] = makeEntry(repeatZero, 3)
	s[repeatZeroLong] = makeEntry(repeatZeroLong, 7)
	return s
}

// Code lengths are themselves sent in a code (RFC 1951, section 3.2.7): 0 to 15
// stand for themselves, the others repeat.
const (
	lengthCodeSymbols = 19
	repeatPrevious    = 16 // 3 to 6 times
	repeatZero        = 17 // 3 to 10 times
	repeatZeroLong    = 18 // 11 to 138 times
)

// lengthCodeOrder is the order in which that code's own lengths are sent.
var lengthCodeOrder = [lengthCodeSymbols]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// fixedLiteralLengths and fixedDistanceLengths are the code of RFC 1951, section
// 3.2.6, which is not sent.
var (
	fixedLiteralLengths  = makeFixedLiteralLengths()
	fixedDistanceLengths = makeFixedDistanceLengths()
)

func makeFixedLiteralLengths() (n [maxLiterals + 2]uint8) {
	for i := range n {
		switch {
		case i < 144:
			n[i] = 8
		case i < 256:
			n[i] = 9
		case i < 280:
			n[i] = 7
		default:
			n[i] = 8
		}
	}
	return n
}

func makeFixedDistanceLengths() (n [maxDistances + 2]uint8) {
	for i := range n {
		n[i] = 5
	}
	return n
}

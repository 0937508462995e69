package wshead

// Limits bounds one request head. A field that is zero or negative takes the
// default in parentheses.
type Limits struct {
	HeadBytes   int // the whole head with its blank line (16384; never over 1 MiB)
	LineBytes   int // one line without its CRLF (8192)
	TargetBytes int // the request target (8000)
	Fields      int // field lines (100; never over 65535)
}

func (l *Limits) withDefaults() Limits {
	or := func(n, def, most int) int {
		if n <= 0 {
			return def
		}
		return min(n, most)
	}
	const most = 1 << 20 // a Parser counts in 32 bits
	return Limits{
		HeadBytes:   or(l.HeadBytes, 16384, most),
		LineBytes:   or(l.LineBytes, 8192, most),
		TargetBytes: or(l.TargetBytes, 8000, most),
		Fields:      or(l.Fields, 100, 1<<16-1),
	}
}

// A Parser is how far the scan of one head has come. The zero value is ready.
// It holds offsets only, so the bytes may move between calls.
type Parser struct {
	at     uint32 // bytes judged so far
	line   uint32 // where the current line begins
	mark   uint32 // where the current part (method, target, name, ...) begins
	fields uint16 // field lines begun
	part   part
}

// A part is what the next byte belongs to.
//
//	start ─▶ method ─▶ target ─▶ version ─▶ lineEnd ─▶ lineStart ─▶ name ─▶ value ─┐
//	  └▶ emptyEnd ─▲                           ▲           └▶ headEnd ─▶ complete  │
//	                                           └───────────────────────────────────┘
type part uint8

const (
	start     part = iota // nothing has come yet
	emptyEnd              // LF of the one empty line that may come first
	method                // up to the first space
	target                // up to the second space
	version               // up to CR
	lineEnd               // LF
	lineStart             // a name, or the CR of the blank line
	name                  // up to the colon
	value                 // up to CR
	headEnd               // LF of the blank line
	complete
)

// A run is a part that is many bytes long: what it is made of, and how long it
// may be where it has a limit of its own besides those of its line.
type run struct {
	class   class
	most    uint32
	tooLong *Refusal
}

// runs lists the parts that are runs; for all others class is 0. Never changed.
var runs = [complete + 1]run{
	method:  {tokenByte, methodBytes, UnknownMethod},
	target:  {targetByte, noLimit, nil},
	version: {targetByte, versionBytes, BadHTTPVersion},
	name:    {tokenByte, noLimit, nil},
	value:   {valueByte, noLimit, nil},
}

const (
	methodBytes  = 32 // longer than any registered method
	versionBytes = 8  // HTTP/1.1
	noLimit      = 1<<32 - 1
)

// Parse looks at b, all bytes received so far on a connection, and goes on
// where the last call stopped. Size 0 and a nil refusal mean "more, please".
//
// Otherwise the head is complete: size is its length in bytes with the blank
// line, h is filled with views into b, valid as long as b's bytes are, and p is
// ready for another head. A refusal is final: answer it, close the connection,
// ignore the rest. In both other cases what h holds means nothing.
//
// The result does not depend on how the bytes were cut into calls. Budget: 0
// allocations once h.Fields has grown (TestParseBudget), and every byte is
// looked at once if the head came whole, twice at most if it did not.
func (p *Parser) Parse(b []byte, lim *Limits, h *Head) (size int, refusal *Refusal) {
	limits := lim.withDefaults()
	resumed := p.at > 0
	if refusal = p.scan(b, &limits, h); refusal != nil || p.part != complete {
		return 0, refusal
	}
	size = int(p.at)
	*p = Parser{}
	if resumed {
		// The lines of earlier calls left no views, so walk them again.
		return p.Parse(b[:size], lim, h)
	}
	if refusal = h.finish(); refusal != nil {
		return 0, refusal
	}
	return size, nil
}

// scan moves p forward until the head is complete, hopeless, or b is used up.
func (p *Parser) scan(b []byte, lim *Limits, h *Head) *Refusal {
	h.reset()
	b = b[:min(len(b), lim.HeadBytes)]
	for p.part != complete {
		if refusal := p.skip(b, lim); refusal != nil {
			return refusal
		}
		if int(p.at) == lim.HeadBytes {
			return HeadTooLarge
		}
		if int(p.at) == len(b) {
			return nil
		}
		if refusal := p.step(b, lim, h); refusal != nil {
			return refusal
		}
	}
	return nil
}

// skip moves p over the bytes that its part may be made of. It checks lengths
// before anything else looks at the byte behind them, so that whole and cut
// heads are refused for the same reason: the one that came first.
func (p *Parser) skip(b []byte, lim *Limits) *Refusal {
	r := &runs[p.part]
	if r.class == 0 {
		return nil
	}
	i, end := uint64(p.at), min(uint64(len(b)), uint64(p.mark)+uint64(r.most)+1)
	for i < end && classes[b[i]]&r.class != 0 {
		i++
	}
	p.at = uint32(i)
	if int(p.at-p.line) > lim.LineBytes {
		return LineTooLong
	}
	if p.at-p.mark > r.most {
		return r.tooLong
	}
	return nil
}

// step judges the byte that ends a part, b[p.at], and goes on to the next part.
func (p *Parser) step(b []byte, lim *Limits, h *Head) *Refusal {
	c, ended := b[p.at], b[p.mark:p.at:p.at]
	next := p.part + 1
	switch p.part {
	case start:
		// RFC 9112, 2.2: one empty line before the request line is skipped.
		if c != '\r' {
			p.part = method
			return nil // c is the method's first byte
		}
	case emptyEnd:
		if c != '\n' {
			return BadLineEnd
		}
		p.line = p.at + 1
		h.Lead = int(p.line)
	case method:
		if c != ' ' || len(ended) == 0 {
			return refuseMethodByte(p.at, c)
		}
		switch string(ended) {
		case "PRI": // RFC 9113, 3.4: the connection preface of HTTP/2
			return BadHTTPMajor
		case "CONNECT": // never a proxy
			return MethodNotAllowed
		}
		h.Method = ended
	case target:
		if c != ' ' || len(ended) == 0 {
			return BadTarget
		}
		// Measured when it ends; a line that never does is LineTooLong.
		if len(ended) > lim.TargetBytes {
			return TargetTooLong
		}
		h.Target = ended
	case version:
		minor, refusal := parseVersion(ended, c)
		if refusal != nil {
			return refusal
		}
		h.Minor = minor
	case lineEnd:
		if c != '\n' {
			return BadLineEnd
		}
		p.line = p.at + 1
	case lineStart:
		return p.startLine(c, lim)
	case name:
		if c != ':' || len(ended) == 0 {
			return refuseNameByte(c)
		}
	case value:
		if c != '\r' {
			return refuseValueByte(c)
		}
		h.Fields = append(h.Fields, Field{b[p.line : p.mark-1 : p.mark-1], trimSpace(ended)})
		next = lineEnd
	case headEnd:
		if c != '\n' {
			return BadLineEnd
		}
	}
	p.part = next
	p.at++
	p.mark = p.at
	return nil
}

// startLine judges the first byte of a line behind the request line.
func (p *Parser) startLine(c byte, lim *Limits) *Refusal {
	switch c {
	case '\r':
		p.part = headEnd
		p.at++
		return nil
	case ' ', '\t':
		return ObsFold
	}
	if int(p.fields) == lim.Fields {
		return TooManyFields
	}
	p.fields++
	p.part = name
	return nil // c is the name's first byte
}

// parseVersion reads "HTTP/1.x" (RFC 9112, 2.3), which end must end.
func parseVersion(v []byte, end byte) (minor int, refusal *Refusal) {
	const major, dot, last = 5, 6, 7 // offsets in HTTP/1.1
	if len(v) != versionBytes || string(v[:major]) != "HTTP/" || v[dot] != '.' ||
		classes[v[major]]&classes[v[last]]&digitByte == 0 {
		return 0, BadHTTPVersion
	}
	switch {
	case end == '\n':
		return 0, BadLineEnd
	case end != '\r':
		return 0, BadHTTPVersion
	case v[major] != '1':
		return 0, BadHTTPMajor
	}
	return int(v[last] - '0'), nil
}

// refuseMethodByte says what is wrong with c, the byte that ends a method.
func refuseMethodByte(at uint32, c byte) *Refusal {
	const tlsHandshake = 0x16 // RFC 8446, 5.1: the first byte of a ClientHello
	if at == 0 && c == tlsHandshake {
		return TLSHello
	}
	return BadMethod
}

// refuseNameByte says what is wrong with c, the byte that ends a field name.
func refuseNameByte(c byte) *Refusal {
	switch c {
	case ' ', '\t':
		return SpaceInName
	case '\n':
		return BadLineEnd
	}
	return BadFieldName
}

// refuseValueByte says what is wrong with c, the byte that ends a field value.
func refuseValueByte(c byte) *Refusal {
	if c == '\n' {
		return BadLineEnd
	}
	return BadFieldValue
}

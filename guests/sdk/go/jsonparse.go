package wherry

import (
	"encoding/binary"
	"sync/atomic"
)

// A parser reads JSON (RFC 8259). It does not call itself for what is nested: a host
// counts the stack of recursion, and nobody who sends brackets is to use that up.
//
// A host counts instructions too, and Go's compiler for WebAssembly makes a branch
// that is taken, a call and an allocation cost about 100, 150 and 3000 of them. So
// bytes are looked at eight at a time and without loops, values are allocated many
// at a time ([slabs]), and where the text ends is not asked: zeros follow it, which no
// value begins or goes on with.
type parser struct {
	text    []byte                       // a copy, and zeros; strings refer to it
	size    int                          // without the zeros
	items   []any                        // of arrays that are open, one array behind the other
	members Object                       // of objects that are open; the value of the last is not there yet
	most    struct{ items, members int } // that there were where one ended
	due     int
	container
	outer [maxDepth]container // what it is in, the outermost first
	depth int
	end   int // where the text is over for the parser; -1 until its value is complete
	slabs
}

// A container is an array or an object whose end has not been read.
type container struct {
	isObject bool // it has members, not items
	start    int  // where those begin
}

// zeros is how many there are behind a text: a word, and what plain is ahead.
const zeros = 16

// spareParser is a parser that nobody uses.
var spareParser atomic.Pointer[parser]

// What is kept of a parser between two texts.
const keptItems, keptMembers = 1024, 512

// forget drops what is of one text. What no text has reached is nil already, and to
// clear it would be dear while garbage is collected.
func (p *parser) forget() {
	clear(p.items[:max(p.most.items, len(p.items))])
	clear(p.members[:max(p.most.members, len(p.members))])
	p.items, p.members = p.items[:0], p.members[:0]
	if cap(p.items) > keptItems {
		p.items = nil
	}
	if cap(p.members) > keptMembers {
		p.members = nil
	}
	p.text, p.depth, p.most.items, p.most.members = nil, 0, 0, 0
	p.slabs.forget()
}

// What is due next in a text.
const (
	dueSlot  = iota // an item, or a key
	dueValue        // the value of the slot that was made last
	dueEnd          // what follows a value: a comma or an end
)

// parse reads a text that is UTF-8.
func (p *parser) parse(b []byte) (value any, ok bool) {
	p.begin(b)
	for at := 0; at >= 0; {
		switch p.due {
		case dueSlot:
			at = p.slot(at)
		case dueValue:
			at = p.value(at)
		case dueEnd:
			at = p.after(at)
		}
		if p.due == dueSlot && at >= 0 {
			at = p.plain(at)
		}
	}
	return p.items[:1][0], p.end == p.size
}

// begin takes a copy of a text.
func (p *parser) begin(b []byte) {
	f := new(first)
	if len(b) <= len(f.text)-zeros {
		p.text = f.text[:len(b)+zeros]
	} else {
		p.text = make([]byte, len(b)+zeros)
	}
	copy(p.text, b)
	p.size, p.end = len(b), -1
	p.slabs.begin(f)
	p.isObject, p.due = false, dueValue
	p.items = append(p.items, nil)
}

// slot makes the slot of an item, or of a member whose key it reads.
func (p *parser) slot(at int) int {
	p.due = dueValue
	if !p.isObject {
		p.items = append(p.items, nil)
		return at
	}
	t := p.text
	if t[at] <= ' ' {
		at = blanks(t, at)
	}
	if t[at] != '"' {
		return -1
	}
	key, at := p.quoted(at + 1)
	if at < 0 {
		return -1
	}
	p.members = append(p.members, Member{Key: key})
	if t[at] <= ' ' {
		at = blanks(t, at)
	}
	if t[at] != ':' {
		return -1
	}
	return at + 1
}

// last returns the slot that was made last.
func (p *parser) last() *box {
	if p.isObject {
		return boxOf(&p.members[len(p.members)-1].Value)
	}
	return boxOf(&p.items[len(p.items)-1])
}

// value reads the value of the last slot, or its beginning.
func (p *parser) value(at int) int {
	t := p.text
	if t[at] <= ' ' {
		at = blanks(t, at)
	}
	p.due = dueEnd
	switch c := t[at]; {
	case c == '[' || c == '{':
		return p.open(at)
	case c == '"':
		text, at := p.quoted(at + 1)
		p.putString(p.last(), text)
		return at
	case c == '-' || c-'0' < 10:
		return p.number(p.last(), at)
	}
	return p.word(p.last(), binary.LittleEndian.Uint64(t[at:]), at)
}

// open reads the beginning of an array or an object, and its end if it is empty.
func (p *parser) open(at int) int {
	if p.depth == maxDepth {
		return -1
	}
	t, c := p.text, p.text[at]
	if at++; t[at] <= ' ' {
		at = blanks(t, at)
	}
	if t[at] == c+2 { // the brackets of a pair are two apart
		*p.last().any() = emptyArray
		if c == '{' {
			*p.last().any() = emptyObject
		}
		return at + 1
	}
	p.enter(c == '{')
	return at
}

// enter makes a container the innermost.
func (p *parser) enter(isObject bool) {
	p.outer[p.depth&(maxDepth-1)] = p.container
	p.depth++
	p.isObject, p.start, p.due = isObject, len(p.items), dueSlot
	if isObject {
		p.start = len(p.members)
	}
}

// after reads what follows a complete value: ends, and a comma.
func (p *parser) after(at int) int {
	t := p.text
	for {
		c := t[at]
		if c <= ' ' {
			at = blanks(t, at)
			c = t[at]
		}
		if p.depth == 0 {
			p.end = at
			return -1
		}
		at++
		if c == ',' {
			p.due = dueSlot
			return at
		}
		if p.isObject {
			if c != '}' {
				return -1
			}
			p.most.members = max(p.most.members, len(p.members))
			members := p.members[p.start:]
			p.members = p.members[:p.start]
			p.depth--
			p.container = p.outer[p.depth&(maxDepth-1)]
			p.putObject(p.last(), members)
		} else {
			if c != ']' {
				return -1
			}
			p.most.items = max(p.most.items, len(p.items))
			items := p.items[p.start:]
			p.items = p.items[:p.start]
			p.depth--
			p.container = p.outer[p.depth&(maxDepth-1)]
			p.putArray(p.last(), items)
		}
	}
}

// blanks returns where something else than a blank comes, from at on.
func blanks(t []byte, at int) int {
	for t[at] == ' ' || t[at] == '\n' || t[at] == '\r' || t[at] == '\t' {
		at++
	}
	return at
}

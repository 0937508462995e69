package wsdeflate

import (
	"unicode/utf8"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// Progress is why [Inflater.Inflate] returned.
type Progress uint8

const (
	NeedInput Progress = iota // all of src is used, and the message goes on
	NeedRoom                  // dst is full; call again with the same bytes in a larger one
	Done                      // the message is complete
)

// A phase is what the next bits of a message are (RFC 1951, section 3.2.3).
//
//	            ┌────────────────── the block ends ◀───────────┐
//	            ▼                                              │
//	start ─▶ atHeader ─┬─ stored ──▶ atSize ──▶ inStored ──────┤
//	                   ├─ fixed ───────────────▶ inSymbols ────┘
//	                   └─ dynamic ─▶ atCounts ──▶ inLengthCode ──▶ inLengths ──▶ inSymbols
//
//	atHeader ── the message ends there ──▶ ended ◀── error ── any phase
type phase uint8

const (
	ended        phase = iota // nothing is next: Start begins a message
	atHeader                  // a block's first 3 bits
	atSize                    // how long a stored block is
	inStored                  // its bytes
	atCounts                  // how many code lengths of each kind will come
	inLengthCode              // the code that they come in
	inLengths                 // the code lengths
	inSymbols                 // literals, and matches to copy
)

// tail is what every sender leaves out at a message's end and every receiver
// puts back (RFC 7692, section 7.2.2). Never changed.
var tail = [...]byte{0x00, 0x00, 0xff, 0xff}

// textStep is how many bytes of text are inflated before they are checked: so
// few that they are still in the cache.
const textStep = 16 << 10

// An Inflater inflates one message after the other, each in as many pieces as
// it comes in. It takes 11 KiB and holds no history of its own, so one serves
// all of a loop's connections for messages that come whole; a connection in the
// middle of a message borrows another.
//
// Start makes it ready. An Inflater must not be copied.
type Inflater struct {
	r       bitReader
	window  *Window // of the connection, or nil
	limit   int     // bytes that the message may inflate to
	size    int     // bytes that it has inflated to so far
	valid   int     // of them, those that are known to be UTF-8; for text
	text    bool
	tailing bool   // the message's own bytes are used up
	rest    []byte // of tail, once it has begun

	phase  phase
	final  bool // the block at hand says that it is the last
	closed bool // the block before said so: the message may end without its tail
	fixed  bool // the block at hand is in the fixed code

	length   int // bytes of the open match or stored block still to be copied
	distance int // how far back the match lies

	code  lengthCode // of the open block's header
	lit   [literalEntries]entry
	dist  [distanceEntries]entry
	roots roots
}

// roots says how many bits index the tables lit and dist.
type roots struct{ lit, dist uint }

// Start begins a message, which may inflate to limit bytes at most and refer to
// what w holds. W is nil, or the connection's own. Text is checked for UTF-8.
func (f *Inflater) Start(w *Window, limit int, text bool) {
	f.r = bitReader{}
	f.window, f.limit, f.text = w, max(limit, 0), text
	f.size, f.valid, f.length = 0, 0, 0
	f.tailing, f.final, f.closed = false, false, false
	f.rest = nil
	f.phase = atHeader
}

// Size returns how many bytes the message has inflated to so far.
func (f *Inflater) Size() int { return f.size }

// Inflate goes on with the message: it takes payload from src and puts what it
// inflates to in dst, behind the first Size bytes. Those must be what earlier
// calls put there, though dst may be elsewhere now: matches are copied from
// them. Of dst's other bytes it may change any; those up to the new Size count.
//
// Last says that src ends the message. All of src is taken, unless the call
// returns NeedRoom: then src[used:] comes first in the next call. Room is wanted
// only when there is a byte to put there, so dst never has to be longer than
// the message nor than the limit.
//
// The outcome depends on the bytes alone, not on how they are cut nor on the
// length of dst. An error is [ErrTooBig], [ErrInvalidUTF8] or [ErrCorrupt],
// whichever the bytes deserve first, and ends the message.
//
// Budget: 0 allocations but for the window's growth (TestInflateBudget).
func (f *Inflater) Inflate(dst, src []byte, last bool) (used int, at Progress, err error) {
	if f.phase == ended {
		return 0, Done, ErrCorrupt
	}
	f.r.in = src
	if f.tailing {
		f.r.in = f.rest
	}
	at, bad := f.inflate(dst)
	if bad == nil && at == NeedInput && last {
		at, bad = f.finish(dst)
	}
	used = len(src)
	if f.tailing {
		f.rest = f.r.in
	} else {
		used -= len(f.r.in)
	}
	f.r.in = nil
	if bad != nil {
		f.phase = ended
		return used, at, bad
	}
	return used, at, nil
}

// finish inflates what every message ends in, and ends it.
func (f *Inflater) finish(dst []byte) (Progress, *wsframe.Error) {
	if !f.tailing && !(f.closed && f.atBoundary()) {
		f.tailing = true
		f.r.in = tail[:]
		if at, bad := f.inflate(dst); bad != nil || at == NeedRoom {
			return at, bad
		}
	}
	switch {
	case !f.atBoundary():
		return Done, ErrCorrupt
	case f.text && f.valid < f.size:
		return Done, ErrInvalidUTF8
	}
	f.window.Remember(dst[:f.size])
	f.phase = ended
	return Done, nil
}

// atBoundary reports whether a message may end here: no block is open, and no
// bits are left over.
func (f *Inflater) atBoundary() bool { return f.phase == atHeader && f.r.count == 0 }

// inflate takes what there is to take, and sees to the limit and to text.
func (f *Inflater) inflate(dst []byte) (Progress, *wsframe.Error) {
	room := dst[:max(min(len(dst), f.limit), f.size)]
	for {
		step := room
		if f.text {
			step = room[:min(len(room), f.size+textStep)]
		}
		at := f.run(step)
		switch {
		case f.text && !f.checkText(step):
			return NeedInput, ErrInvalidUTF8
		case at == corrupt:
			return NeedInput, ErrCorrupt
		case at == starved:
			return NeedInput, nil
		case len(step) < len(room):
			continue
		case f.size >= f.limit:
			return NeedRoom, ErrTooBig
		}
		return NeedRoom, nil
	}
}

// checkText reports whether what has come can still become UTF-8.
func (f *Inflater) checkText(dst []byte) bool {
	p := dst[f.valid:f.size]
	p = p[:len(p)-openBytes(p)]
	f.valid += len(p)
	return utf8.Valid(p)
}

// openBytes reports how many bytes at the end of p begin a character that p does
// not hold completely but that can still be completed.
func openBytes(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

package wsframe

import "github.com/gobwas/ws"

// MaxSpill is the most bytes that a connection must keep between two calls of
// [Reader.Next]: a control frame, header and all, but for its last byte.
const MaxSpill = 2 + 4 + ws.MaxControlFramePayloadSize - 1

// MaxMessageFrames bounds the frames of one message. The message limit counts
// payload only, so without it empty fragments could go on for ever.
const MaxMessageFrames = 1 << 16

// A phase is where a Reader stands in its stream. The package comment draws
// how they follow each other; only open, piece and end change it.
type phase uint8

const (
	betweenMessages phase = iota // a header is next, and it may start a message
	betweenFrames                // a header is next, and it may continue a message
	inFrame                      // payload of a data frame is next
	ended                        // a close frame or an error came: nothing is next
)

// A Reader is the receiving half of one connection. The zero value is ready
// for use with a limit of 0, which lets only empty messages in.
//
// A Reader is a plain value: to start over, assign a new one.
type Reader struct {
	limit  uint64 // largest message in bytes, over all its frames
	size   uint64 // payload that the open message's headers announced, in bytes
	rest   uint64 // of it, the bytes of the open frame that are still to come
	key    uint32 // mask of the open frame, rotated for its next byte
	frames uint32 // headers that the open message has had

	phase      phase
	op         ws.OpCode // of the open message
	text       runeState // where the open message's text stands; owned by Copy
	fresh      bool      // the open message has not been handed out at all yet
	fin        bool      // the open frame is its message's last
	compressed bool      // the open message came with RSV1
	deflate    bool      // RSV1 is legal; set by AllowCompressed
}

// NewReader returns a Reader for messages of at most limit bytes.
func NewReader(limit int) Reader {
	var r Reader
	r.SetLimit(limit)
	return r
}

// SetLimit sets the size of the largest message, in bytes of payload over all
// its frames, from the next header on. A negative limit is 0.
func (r *Reader) SetLimit(limit int) { r.limit = uint64(max(limit, 0)) }

// AllowCompressed lets messages start with RSV1 from now on, for a connection
// that agreed on permessage-deflate (RFC 7692). The limit then bounds what is
// received; bounding and checking what it inflates to is the caller's part.
func (r *Reader) AllowCompressed() { r.deflate = true }

// Next finds the item at the front of b, fills it and reports how many bytes
// of b it takes. It may write to b, within those: control payload is unmasked
// in place.
//
// With More it takes nothing and wants the same bytes again with others behind
// them; b is then at most [MaxSpill] bytes long. An error is an [*Error]. After
// it, or after Close, every call returns [ErrEnded].
//
// Budget: 0 allocations, no pass over data payload (TestBudget).
func (r *Reader) Next(b []byte, it *Item) (int, error) {
	switch {
	case r.phase == ended:
		return 0, ErrEnded
	case len(b) == 0:
		it.Kind = More
		return 0, nil
	case r.phase == inFrame:
		return r.piece(b, it), nil
	}
	h, size, bad := parseHeader(b, r.situation())
	switch {
	case bad != nil:
		return 0, r.end(bad)
	case size == 0:
		it.Kind = More
		return 0, nil
	case h.op().IsControl():
		return r.control(h, b, size, it)
	case h.fin() && r.phase == betweenMessages && h.length <= uint64(len(b)-size):
		return size + message(h, b[size:], it), nil
	}
	if bad := r.open(h); bad != nil {
		return 0, r.end(bad)
	}
	return size + r.piece(b[size:], it), nil
}

// AtRest reports whether r stands between two messages, where it is no different
// from a new one with the same limit and the same rules.
func (r *Reader) AtRest() bool { return r.phase == betweenMessages }

// situation is what the next header is judged by.
func (r *Reader) situation() situation {
	s := situation{room: r.limit, deflate: r.deflate}
	if r.phase == betweenFrames {
		s.fragmented = true
		s.room -= min(r.size, s.room) // SetLimit may have gone below size
	}
	return s
}

// message fills it with the one frame that is a whole message, and reports the
// payload's size in bytes. It leaves no trace in the Reader.
func message(h header, b []byte, it *Item) int {
	it.Kind = Message
	it.Op = h.op()
	it.First, it.Final = true, true
	it.Compressed = h.compressed()
	it.FrameRest = 0
	it.key = h.key
	it.Payload = b[:h.length:h.length]
	return int(h.length)
}

// open enters a data frame, which starts a message or continues one.
func (r *Reader) open(h header) *Error {
	if r.phase == betweenMessages {
		r.op, r.compressed = h.op(), h.compressed()
		r.fresh = true
		r.size, r.frames = 0, 0
	}
	if r.frames++; r.frames > MaxMessageFrames {
		return ErrTooManyFrames
	}
	r.size += h.length
	r.rest, r.key, r.fin = h.length, h.key, h.fin()
	r.phase = inFrame
	return nil
}

// piece fills it with as much of the open frame as b holds, leaves the frame
// if that is all, and reports the piece's size in bytes. The piece is empty
// only right behind a header, where it says that a frame has begun.
func (r *Reader) piece(b []byte, it *Item) int {
	n := min(r.rest, uint64(len(b)))
	it.Kind = Part
	it.Op = r.op
	it.Compressed = r.compressed
	it.key = r.key
	it.Payload = b[:n:n]

	r.rest -= n
	r.key = rotate(r.key, int(n))
	it.FrameRest = int(r.rest)
	it.First, r.fresh = r.fresh, false
	it.Final = r.rest == 0 && r.fin
	switch {
	case it.Final:
		r.phase = betweenMessages
	case r.rest == 0:
		r.phase = betweenFrames
	}
	return int(n)
}

// control fills it with a ping, pong or close frame and reports the frame's
// size in bytes. Control frames are never cut: an incomplete one is More.
func (r *Reader) control(h header, b []byte, size int, it *Item) (int, error) {
	end := size + int(h.length)
	if len(b) < end {
		it.Kind = More
		return 0, nil
	}
	it.Op = h.op()
	it.key = 0
	it.Payload = b[size:end:end]
	unmask(it.Payload, it.Payload, h.key)
	switch it.Op {
	case ws.OpPing:
		it.Kind = Ping
	case ws.OpPong:
		it.Kind = Pong
	default:
		it.Kind = Close
		var bad *Error
		it.Code, it.Reason, bad = parseClose(it.Payload)
		if r.end(bad) != nil {
			return 0, bad
		}
	}
	return end, nil
}

// end lets nothing follow, and returns why: nil after a close frame.
func (r *Reader) end(bad *Error) *Error {
	r.phase = ended
	return bad
}

// Copy writes the plain payload of a Message or a Part to the front of dst,
// which must hold len(it.Payload) bytes and be either that memory or disjoint
// from it. What it points to must still be what Next saw.
//
// For text it checks UTF-8 on the way and returns [ErrInvalidUTF8] once what
// came can no longer become valid, or ends inside a character. The check runs
// on from Part to Part, so every Part must be copied once, in order, the empty
// ones too.
//
// Budget: 0 allocations, 1 pass over ASCII and binary payload (TestBudget).
func (r *Reader) Copy(dst []byte, it *Item) error {
	if it.Op != ws.OpText || it.Compressed {
		unmask(dst, it.Payload, it.key)
		return nil
	}
	s := r.text
	if it.First {
		s = runeStart
	}
	s = unmaskText(dst, it.Payload, it.key, s)
	if s == runeInvalid || it.Final && s != runeStart {
		return r.end(ErrInvalidUTF8)
	}
	r.text = s
	return nil
}

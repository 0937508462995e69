package wsframe

import "github.com/gobwas/ws"

// An ItemKind says what [Reader.Next] found.
type ItemKind uint8

const (
	More    ItemKind = iota // b ends inside a header or a control frame: keep it
	Message                 // a whole message in one frame
	Part                    // the next piece of a message
	Ping                    // to be answered with a pong of the same payload
	Pong                    // an answer to our ping, or unsolicited
	Close                   // the last item: the peer sends no more
)

func (k ItemKind) String() string {
	switch k {
	case More:
		return "more"
	case Message:
		return "message"
	case Part:
		return "part"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	case Close:
		return "close"
	}
	return "unknown"
}

// An Item is one step of a connection's input. The caller owns it and reuses
// it; [Reader.Next] sets the fields that its Kind speaks of and leaves the
// others as they were. Payload and Reason are views into the bytes given to
// Next and live as long as those.
type Item struct {
	Kind ItemKind

	// Of every item but More: the opcode, text or binary also for the later
	// frames of a message.
	Op ws.OpCode

	// Of Message and Part. Both are true for a Message. Between them a
	// message is Parts, some of which may be empty.
	First, Final bool

	// Of Message and Part: the payload is compressed (RFC 7692), so Copy does
	// not look for UTF-8 in it. Only after [Reader.AllowCompressed].
	Compressed bool

	// Of Close: the peer's code, or ws.StatusNoStatusRcvd if it gave none.
	Code ws.StatusCode

	// key is the mask of Payload, rotated so that its low byte masks the
	// first byte; 0 where Payload is not masked.
	key uint32

	// Of every item but More. For Message and Part it is still masked and
	// [Reader.Copy] reads it; for control frames it is plain.
	Payload []byte

	// Of Message and Part: bytes of this frame's payload that were not in b.
	// They are the very next bytes of the connection; wherever the caller
	// reads them to, Next takes them from there.
	FrameRest int

	// Of Close: UTF-8, the part of Payload behind the code.
	Reason []byte
}

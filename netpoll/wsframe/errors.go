package wsframe

import "github.com/gobwas/ws"

// An Error says why a connection must be failed (RFC 6455, section 7.1.7).
// All errors of this package are sentinels of this type, to be compared with ==.
type Error struct {
	Code   ws.StatusCode // for the close frame that answers
	Reason string        // for people; short ASCII that fits a close frame
}

func (e *Error) Error() string { return "wsframe: " + e.Reason }

// What a frame header can do wrong.
var (
	ErrReservedBits      = &Error{ws.StatusProtocolError, "reserved bit set"}
	ErrReservedOpCode    = &Error{ws.StatusProtocolError, "reserved opcode"}
	ErrFragmentedControl = &Error{ws.StatusProtocolError, "fragmented control frame"}
	ErrStrayContinuation = &Error{ws.StatusProtocolError, "continuation without a message"}
	ErrInterleaved       = &Error{ws.StatusProtocolError, "message inside a fragmented message"}
	ErrUnmasked          = &Error{ws.StatusProtocolError, "frame not masked"}
	ErrOversizedControl  = &Error{ws.StatusProtocolError, "control frame over 125 bytes"}
	ErrLongLength        = &Error{ws.StatusProtocolError, "length not in its shortest form"}
	ErrLengthOverflow    = &Error{ws.StatusProtocolError, "length over 63 bits"}
)

// What a message can do wrong.
var (
	ErrTooBig        = &Error{ws.StatusMessageTooBig, "message too big"}
	ErrTooManyFrames = &Error{ws.StatusPolicyViolation, "message in too many frames"}
	ErrInvalidUTF8   = &Error{ws.StatusInvalidFramePayloadData, "text is not UTF-8"}
)

// What a close frame can do wrong.
var (
	ErrCloseLength = &Error{ws.StatusProtocolError, "close frame of one byte"}
	ErrCloseCode   = &Error{ws.StatusProtocolError, "illegal close code"}
	ErrCloseReason = &Error{ws.StatusInvalidFramePayloadData, "close reason is not UTF-8"}
)

// ErrEnded reports a call of [Reader.Next] after a close frame or an error.
// What follows a close frame is not data (section 5.5.1): drop it unread.
var ErrEnded = &Error{ws.StatusProtocolError, "bytes after the end"}

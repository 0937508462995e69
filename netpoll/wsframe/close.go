package wsframe

import (
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// MaxReasonBytes is the longest close reason: a control payload but for the
// two bytes of the code (RFC 6455, section 5.5.1).
const MaxReasonBytes = ws.MaxControlFramePayloadSize - 2

// Receivable reports whether a client may send code in a close frame: those
// that RFC 6455, section 7.4, and the IANA registry define for the wire, and
// those left to libraries and applications.
func Receivable(code ws.StatusCode) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	}
	return code >= 3000 && code <= 4999
}

// Sendable reports whether a server may send code in a close frame. It takes
// the number as a guest gives it, so that nothing is cut off before the check.
func Sendable(code uint32) bool {
	// 7.4.1: 1010 is how a client says that the server lacks an extension.
	return code <= 4999 && code != uint32(ws.StatusMandatoryExt) && Receivable(ws.StatusCode(code))
}

// parseClose splits the body of a close frame (RFC 6455, section 5.5.1), which
// is empty or at least two bytes long. The reason is a view into body.
func parseClose(body []byte) (code ws.StatusCode, reason []byte, bad *Error) {
	if len(body) == 0 {
		return ws.StatusNoStatusRcvd, nil, nil
	}
	code = ws.StatusCode(body[0])<<8 | ws.StatusCode(body[1])
	reason = body[2:]
	switch {
	case !Receivable(code):
		return 0, nil, ErrCloseCode
	case !utf8.Valid(reason):
		return 0, nil, ErrCloseReason
	}
	return code, reason, nil
}

// AppendClose appends a close frame to dst and returns the longer slice.
//
// With ws.StatusNoStatusRcvd the frame is empty and reason is ignored. Any
// other code is sent as it is: the caller has checked it with [Sendable], or
// echoes a [Close] item. A reason over [MaxReasonBytes] is cut in front of the
// character that does not fit; it must be UTF-8.
func AppendClose[R string | []byte](dst []byte, code ws.StatusCode, reason R) []byte {
	if code == ws.StatusNoStatusRcvd {
		return AppendHeader(dst, ws.OpClose, true, 0)
	}
	n := len(reason)
	if n > MaxReasonBytes {
		n = MaxReasonBytes
		for n > 0 && !utf8.RuneStart(reason[n]) {
			n--
		}
	}
	dst = AppendHeader(dst, ws.OpClose, true, 2+n)
	dst = append(dst, byte(code>>8), byte(code))
	return append(dst, reason[:n]...)
}

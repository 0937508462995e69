package wshead

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"strconv"
)

// AcceptBytes is the length of what AppendAcceptKey appends.
const AcceptBytes = 28

// guid is the constant of RFC 6455, section 1.3.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// AppendAcceptKey appends the Sec-WebSocket-Accept for a key of 24 bytes that
// CheckUpgrade has passed: AcceptBytes bytes. It does not allocate if dst has room.
func AppendAcceptKey(dst, key []byte) []byte {
	var buf [24 + len(guid)]byte
	n := copy(buf[:24], key)
	n += copy(buf[n:], guid)
	sum := sha1.Sum(buf[:n])
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// AppendSwitch appends the 101 response that ends the handshake. AcceptKey is
// what AppendAcceptKey made; protocol is one that the client offered, or empty
// for none; extra is any number of "Name: value\r\n" lines that are valid and
// not Forbidden. It does not allocate if dst has room.
func AppendSwitch(dst, acceptKey, protocol, extra []byte) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = append(dst, acceptKey...)
	dst = append(dst, "\r\n"...)
	if len(protocol) > 0 {
		dst = append(dst, "Sec-WebSocket-Protocol: "...)
		dst = append(dst, protocol...)
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, extra...)
	return append(dst, "\r\n"...)
}

// AppendRefusal appends the whole response that r is, with its sentence as the
// body. Extra is as for AppendSwitch, such as a Retry-After; close behind it.
func AppendRefusal(dst []byte, r *Refusal, extra []byte) []byte {
	dst = appendStatus(dst, r.Status, len(r.Text)+len("\n"))
	dst = append(dst, "Content-Type: text/plain; charset=utf-8\r\n"...)
	dst = append(dst, r.Fields...)
	dst = append(dst, extra...)
	dst = append(dst, "\r\n"...)
	dst = append(dst, r.Text...)
	return append(dst, '\n')
}

// AppendResponse appends a whole response that is not 101, such as a guest's
// own denial. Status is 200 to 599; extra is as for AppendSwitch; the body may
// be empty. Its length and Connection: close are added: close behind it.
func AppendResponse(dst []byte, status int, extra, body []byte) []byte {
	dst = appendStatus(dst, status, len(body))
	dst = append(dst, extra...)
	dst = append(dst, "\r\n"...)
	return append(dst, body...)
}

// appendStatus appends the status line and the fields that every last response
// on a connection has.
func appendStatus(dst []byte, status, bodyBytes int) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(status)...)
	dst = append(dst, "\r\nConnection: close\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(bodyBytes), 10)
	return append(dst, "\r\n"...)
}

// AppendRetryAfter appends a Retry-After line, for the extra of a 503.
func AppendRetryAfter(dst []byte, seconds int) []byte {
	dst = append(dst, "Retry-After: "...)
	dst = strconv.AppendInt(dst, int64(max(seconds, 0)), 10)
	return append(dst, "\r\n"...)
}

const (
	guestNameBytes  = 256  // longest field name that a guest may send
	guestValueBytes = 8192 // longest field value that a guest may send
)

// ValidFieldName reports whether name, which a guest wants to send, is a token
// of 1 to 256 bytes in lower case. It may still be Forbidden.
func ValidFieldName(name []byte) bool {
	for _, b := range name {
		if 'A' <= b && b <= 'Z' {
			return false
		}
	}
	return len(name) <= guestNameBytes && IsToken(name)
}

// ValidFieldValue reports whether value, which a guest wants to send, is at most
// 8192 bytes without control characters other than tab: it cannot end its line.
// Blanks around it would not be part of it for who reads it (RFC 9110, 5.5).
func ValidFieldValue(value []byte) bool {
	return len(value) <= guestValueBytes && all(value, valueByte) && len(trimSpace(value)) == len(value)
}

// Forbidden reports whether only the host may send the field: those that frame
// the response or make the handshake, and Date.
func Forbidden(name []byte) bool {
	const prefix = "sec-websocket-"
	if len(name) >= len(prefix) && equalFold(name[:len(prefix)], prefix) {
		return true
	}
	switch kindOf(name) {
	case hostField, upgradeField, connectionField, lengthField, encodingField:
		return true
	}
	return equalFold(name, "date")
}

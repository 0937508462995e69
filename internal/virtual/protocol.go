package virtual

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// What a client writes and reads, as bytes. The server's side of it is another
// implementation, in netpoll: neither believes the other.

// DefaultHost is what clients connect to where they do not say.
const DefaultHost = "wherry.test"

// handshakeHead returns the head of a handshake, and the key in it.
func handshakeHead(target string, h Handshake) (head []byte, key string, err error) {
	var nonce [16]byte
	rand.Read(nonce[:])
	key = base64.StdEncoding.EncodeToString(nonce[:])
	fields := http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {key},
	}
	if len(h.Subprotocols) > 0 {
		fields.Set("Sec-WebSocket-Protocol", strings.Join(h.Subprotocols, ", "))
	}
	head, err = appendHead(nil, http.MethodGet, target, h.Host, fields, h.Header)
	return head, key, err
}

// appendHead appends a request's head. Fields in more replace those in fields.
func appendHead(b []byte, method, target, host string, fields, more http.Header) ([]byte, error) {
	if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \r\n") {
		return nil, fmt.Errorf("%.60q is no target; write a path such as /chat?x=1", target)
	}
	if host == "" {
		host = DefaultHost
	}
	b = fmt.Appendf(b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	all := fields.Clone()
	for name, values := range more {
		all[http.CanonicalHeaderKey(name)] = values
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, value := range all[name] {
			if strings.ContainsAny(name+value, "\r\n") {
				return nil, fmt.Errorf("the header field %.60q has a line break in it", name)
			}
			b = fmt.Appendf(b, "%s: %s\r\n", name, value)
		}
	}
	return append(b, "\r\n"...), nil
}

// An answer is what came for a handshake.
type answer struct {
	refused  *Refused
	header   http.Header
	protocol string
}

// parseAnswer reads the answer to a handshake with key from the front of b, and
// returns what is behind it. The error is [io.ErrUnexpectedEOF] if more has to come,
// which it does not if b is the last of it.
func parseAnswer(b []byte, key string, last bool) (a answer, rest []byte, err error) {
	more := io.ErrUnexpectedEOF
	if last {
		more = errors.New("the connection ended before the handshake was answered")
	}
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return answer{}, nil, more
	}
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), &http.Request{Method: http.MethodGet})
	if err != nil {
		return answer{}, nil, err
	}
	defer r.Body.Close()
	if r.Header, err = allFields(b); err != nil {
		return answer{}, nil, err
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength < 0 && !last {
			return answer{}, nil, more
		}
		return answer{refused: &Refused{r.StatusCode, r.Header, body}}, nil, nil
	}
	if got, want := r.Header.Get("Sec-WebSocket-Accept"), acceptKey(key); got != want {
		return answer{}, nil, fmt.Errorf("the server accepts the handshake with the key %q instead of %q", got, want)
	}
	return answer{header: r.Header, protocol: r.Header.Get("Sec-WebSocket-Protocol")}, b[end+len("\r\n\r\n"):], nil
}

// allFields returns the header of the response that b begins with. Package http keeps
// some of it to itself.
func allFields(b []byte) (http.Header, error) {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(b)))
	if _, err := r.ReadLine(); err != nil {
		return nil, err
	}
	h, err := r.ReadMIMEHeader()
	return http.Header(h), err
}

// acceptKey answers a client's key (RFC 6455, section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// A frame is one of the server's.
type frame struct {
	fin     bool
	op      ws.OpCode
	payload []byte
}

// parseFrame reads a frame from the front of b. Size 0 asks for more. A server masks
// nothing, and without extensions there are no reserved bits.
func parseFrame(b []byte) (f frame, size int, err error) {
	if len(b) < 2 {
		return frame{}, 0, nil
	}
	if b[0]&0x70 != 0 || b[1]&0x80 != 0 {
		return frame{}, 0, fmt.Errorf("the server has sent a frame that begins with %x", b[:2])
	}
	head, n := 2, uint64(b[1])
	switch n {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	if len(b) < head {
		return frame{}, 0, nil
	}
	switch head {
	case 4:
		n = uint64(binary.BigEndian.Uint16(b[2:]))
	case 10:
		n = binary.BigEndian.Uint64(b[2:])
	}
	if n > uint64(len(b)-head) {
		return frame{}, 0, nil
	}
	size = head + int(n)
	return frame{b[0]&0x80 != 0, ws.OpCode(b[0] & 0x0f), slices.Clone(b[head:size])}, size, nil
}

// closed says what a close frame says. A client that gets it answers it.
func (f *frame) closed() *Closed {
	if len(f.payload) < 2 {
		return &Closed{Code: codeNone, Clean: true}
	}
	code, reason := binary.BigEndian.Uint16(f.payload), f.payload[2:]
	if !utf8.Valid(reason) {
		return &Closed{Code: codeAbnormal, Reason: "the reason of the server's close frame is not UTF-8"}
	}
	return &Closed{Code: int(code), Reason: string(reason), Clean: true}
}

// frame queues a whole frame, masked as those of clients are.
func (c *Client) frame(op ws.OpCode, payload []byte) {
	var mask [4]byte
	rand.Read(mask[:])
	b := append(c.out, 0x80|byte(op))
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	body := len(b)
	b = append(b, payload...)
	ws.Cipher(b[body:], mask, 0)
	c.out = b
}

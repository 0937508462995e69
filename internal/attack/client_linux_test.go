package attack_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// patience is how long a test waits for what must happen, where nothing says how
// fast that should be.
const patience = 10 * time.Second

// A client is a WebSocket connection that trusts the server in nothing: what it
// reads must be legal.
type client struct {
	net.Conn
	r      *bufio.Reader
	head   *http.Response // the answer to the handshake
	closed bool           // a close frame came
}

// A refusedError is a handshake that was answered with something else than 101.
type refusedError struct {
	*http.Response
	body string
}

func (e *refusedError) Error() string { return "refused with " + e.Status + ": " + e.body }

// errIllegal is what is wrong with bytes that must not be on the wire.
var errIllegal = errors.New("illegal bytes on the wire")

func illegal(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errIllegal, fmt.Sprintf(format, args...))
}

// dial connects to a tenant, with an optional query and header lines.
func (s *server) dial(target, lines string) (*client, error) {
	conn, err := net.DialTimeout("tcp", s.addr, patience)
	if err != nil {
		return nil, err
	}
	c := &client{Conn: conn, r: bufio.NewReaderSize(conn, 4<<10)}
	conn.SetDeadline(time.Now().Add(patience))
	if err := c.handshake(target, lines); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *client) handshake(target, lines string) error {
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n", target, lines); err != nil {
		return err
	}
	head, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return err
	}
	c.head = head
	if head.StatusCode != http.StatusSwitchingProtocols {
		text, err := io.ReadAll(head.Body)
		if err != nil {
			return fmt.Errorf("the body of %s: %w", head.Status, err)
		}
		// One response, and nothing behind it.
		if rest, _ := io.ReadAll(c.r); len(rest) != 0 {
			return illegal("%d bytes behind the response: %.100q", len(rest), rest)
		}
		return &refusedError{head, string(text)}
	}
	if key := head.Header.Get("Sec-WebSocket-Accept"); key != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		return illegal("Sec-WebSocket-Accept: %q", key)
	}
	return nil
}

// request asks a tenant for a page. Whatever it answers is a refusedError.
func (a *arena) request() error {
	conn, err := net.DialTimeout("tcp", a.addr, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", a.tenant); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	head, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(head.Body)
	if err != nil {
		return err
	}
	if rest, _ := io.ReadAll(r); len(rest) != 0 {
		return illegal("%d bytes behind the response: %.100q", len(rest), rest)
	}
	return &refusedError{head, string(text)}
}

// send writes a message in one frame. The mask is zeros.
func (c *client) send(op ws.OpCode, payload []byte) error {
	_, err := c.Write(clientFrame(op, payload))
	return err
}

func clientFrame(op ws.OpCode, payload []byte) []byte {
	b := []byte{0x80 | byte(op)}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// next reads a frame, which must be one that a server may send.
func (c *client) next() (ws.OpCode, []byte, error) {
	h, err := ws.ReadHeader(c.r)
	if err != nil {
		return 0, nil, err
	}
	switch {
	case c.closed:
		return 0, nil, illegal("frame %v behind the close frame", h.OpCode)
	case h.Masked || h.Rsv != 0 || !h.Fin:
		return 0, nil, illegal("frame header %+v", h)
	case h.OpCode != ws.OpText && h.OpCode != ws.OpBinary && !h.OpCode.IsControl():
		return 0, nil, illegal("opcode %v", h.OpCode)
	case h.OpCode.IsControl() && h.Length > 125:
		return 0, nil, illegal("control frame of %d bytes", h.Length)
	case h.Length > 64<<20:
		return 0, nil, illegal("frame of %d bytes", h.Length)
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return 0, nil, err
	}
	switch h.OpCode {
	case ws.OpText:
		if !utf8.Valid(payload) {
			return 0, nil, illegal("text that is not UTF-8: %.40q", payload)
		}
	case ws.OpClose:
		c.closed = true
		if len(payload) > 0 && (len(payload) < 2 || !wsframe.Sendable(uint32(binary.BigEndian.Uint16(payload))) || !utf8.Valid(payload[2:])) {
			return 0, nil, illegal("close frame %q", payload)
		}
	case ws.OpPing:
		if err := c.send(ws.OpPong, payload); err != nil {
			return 0, nil, err
		}
		return c.next()
	}
	return h.OpCode, payload, nil
}

// message reads on to the next message.
func (c *client) message() ([]byte, error) {
	op, payload, err := c.next()
	if err == nil && op == ws.OpClose {
		return nil, closeError(payload)
	}
	return payload, err
}

// A closedError is a close frame in place of a message.
type closedError struct {
	code   ws.StatusCode
	reason string
}

func (e *closedError) Error() string { return fmt.Sprintf("closed with %d %q", e.code, e.reason) }

func closeError(payload []byte) error {
	code, reason := ws.ParseCloseFrameData(payload)
	return &closedError{code, reason}
}

// awaitClose reads on to the close frame, which must come before the deadline, and
// returns its code.
func (c *client) awaitClose(within time.Duration) (ws.StatusCode, error) {
	c.SetReadDeadline(time.Now().Add(within))
	for {
		_, err := c.message()
		var closed *closedError
		if errors.As(err, &closed) {
			return closed.code, nil
		}
		if err != nil {
			return 0, fmt.Errorf("waiting %v for a close frame: %w", within, err)
		}
	}
}

// order encodes an attack for the villain: its letter and its numbers.
func order(letter byte, numbers ...uint32) []byte {
	b := []byte{letter}
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

// tell orders something, and returns the numbers that the villain answers.
func (c *client) tell(letter byte, numbers ...uint32) ([]uint32, error) {
	c.SetDeadline(time.Now().Add(patience))
	if err := c.send(ws.OpBinary, order(letter, numbers...)); err != nil {
		return nil, err
	}
	b, err := c.message()
	if err != nil {
		return nil, fmt.Errorf("the answer to %q: %w", letter, err)
	}
	answer := make([]uint32, len(b)/4)
	for i := range answer {
		answer[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return answer, nil
}

// echoes has a text sent back.
func (c *client) echoes(text string) error {
	c.SetDeadline(time.Now().Add(patience))
	if err := c.send(ws.OpText, []byte(text)); err != nil {
		return err
	}
	got, err := c.message()
	if err == nil && string(got) != text {
		err = fmt.Errorf("sent %.40q, got %.40q", text, got)
	}
	return err
}

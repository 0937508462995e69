package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gobwas/ws"
)

// patience is how long a client waits for anything that must come, unless it is
// given more. It only passes in a case that fails.
const patience = 5 * time.Second

// A client is one TCP connection to the server under test.
type client struct {
	tcp       *net.TCPConn
	r         *bufio.Reader
	delivery  Delivery
	patience  time.Duration
	deflation *deflation // nil unless it was agreed on
}

func dial(addr string, d Delivery) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	return &client{tcp: tcp, r: bufio.NewReaderSize(tcp, 64<<10), delivery: d, patience: patience}, nil
}

// write sends b as the delivery says. That the server has closed is no error: it
// is judged by what it sent.
func (c *client) write(b []byte) error {
	for i, piece := range c.delivery.pieces(b) {
		if i > 0 && c.delivery.Settle != nil {
			c.delivery.Settle()
		}
		c.tcp.SetWriteDeadline(time.Now().Add(c.patience))
		if _, err := c.tcp.Write(piece); err != nil {
			if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
				return nil
			}
			return fmt.Errorf("the server stopped reading: %w", err)
		}
	}
	return nil
}

// reset closes c with a reset instead of an end.
func (c *client) reset() {
	c.tcp.SetLinger(0)
	c.tcp.Close()
}

func (c *client) waitUntil(d time.Duration) { c.tcp.SetReadDeadline(time.Now().Add(d)) }

// A response is the head of an HTTP response, fields in order and names in lower
// case, and its body.
type response struct {
	status int
	fields [][2]string
	body   string
}

// values returns the values of all fields called name.
func (r *response) values(name string) (values []string) {
	for _, f := range r.fields {
		if strings.EqualFold(f[0], name) {
			values = append(values, f[1])
		}
	}
	return values
}

// value joins them, as HTTP allows.
func (r *response) value(name string) string { return strings.Join(r.values(name), ", ") }

// errDropped says that the stream ended where a response should have begun.
var errDropped = errors.New("the server closed without a response")

// response reads one HTTP response.
func (c *client) response() (*response, error) {
	c.waitUntil(c.patience)
	if _, err := c.r.Peek(1); err == io.EOF || errors.Is(err, syscall.ECONNRESET) {
		return nil, errDropped
	}
	line, err := c.line()
	if err != nil {
		return nil, fmt.Errorf("no response: %w", err)
	}
	r := new(response)
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	if r.status, err = strconv.Atoi(code); err != nil || !strings.HasPrefix(version, "HTTP/1.") || reason == "" {
		return nil, fmt.Errorf("%q is no status line with a reason", line)
	}
	for {
		if line, err = c.line(); err != nil {
			return nil, fmt.Errorf("the head is cut: %w", err)
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("%q is no header field", line)
		}
		r.fields = append(r.fields, [2]string{strings.ToLower(name), strings.TrimSpace(value)})
	}
	return r, c.body(r)
}

func (c *client) line() (string, error) {
	line, err := c.r.ReadString('\n')
	if err == nil && !strings.HasSuffix(line, "\r\n") {
		err = fmt.Errorf("%q does not end in CR LF", line)
	}
	return strings.TrimSuffix(line, "\r\n"), err
}

// body reads what follows the head: as many bytes as it says, or all.
func (c *client) body(r *response) error {
	if r.status < 200 || r.status == 204 || r.status == 304 {
		return nil
	}
	var from io.Reader = c.r
	length := r.values("content-length")
	if len(length) > 0 {
		n, err := strconv.Atoi(length[0])
		if err != nil || len(length) > 1 {
			return fmt.Errorf("content length %q", length)
		}
		from = io.LimitReader(c.r, int64(n))
	}
	b, err := io.ReadAll(from)
	r.body = string(b)
	if err != nil {
		return fmt.Errorf("the body is cut: %w", err)
	}
	return nil
}

// upgrade makes a handshake that must succeed. extra is more header lines, each
// with its CRLF. It returns the extensions that the server has agreed to.
func (c *client) upgrade(target, extra string) (extensions string, err error) {
	head := "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + extra + "\r\n"
	if err := c.write([]byte(head)); err != nil {
		return "", err
	}
	r, err := c.response()
	switch {
	case err != nil:
		return "", err
	case r.status != http.StatusSwitchingProtocols:
		return "", fmt.Errorf("the handshake got %d %q", r.status, r.body)
	case extra != "" && r.values("sec-websocket-extensions") == nil:
		return "", errors.New("no extension was agreed on")
	}
	return r.value("sec-websocket-extensions"), nil
}

// frame reads one frame, and makes sure that a server may send it. A compressed
// one is inflated, where that was agreed on.
func (c *client) frame() (ws.Frame, error) {
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		return f, err
	}
	compressed := c.deflation != nil && f.Header.Rsv1() && f.Header.OpCode.IsData()
	if compressed {
		f.Header.Rsv = 0
	}
	if err := ws.CheckHeader(f.Header, ws.StateClientSide); err != nil || !compressed {
		return f, err
	}
	f.Payload, err = c.deflation.inflate(f.Payload)
	return f, err
}

// ended makes sure that the server ends the stream within d, with nothing more
// on it. A reset will do, where it may.
func (c *client) ended(d time.Duration, resetAllowed bool) error {
	c.waitUntil(d)
	switch _, err := c.r.Peek(1); {
	case err == io.EOF, resetAllowed && errors.Is(err, syscall.ECONNRESET):
		return nil
	case err != nil:
		return fmt.Errorf("no end of the stream: %w", err)
	}
	b, _ := c.r.Peek(min(c.r.Buffered(), 40))
	return fmt.Errorf("%q instead of the end of the stream", b)
}

// masked is f as a client sends it.
func masked(f ws.Frame) []byte {
	b, err := ws.CompileFrame(ws.MaskFrame(f))
	if err != nil {
		panic("conformance: " + err.Error()) // only memory is written to
	}
	return b
}

// bye is the close frame that ends a case whose connection is still open.
var bye = masked(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))

// leave makes sure that a connection still works, by ending it properly.
func (c *client) leave() error {
	if err := c.write(bye); err != nil {
		return err
	}
	c.waitUntil(c.patience)
	f, err := c.frame()
	if err != nil || f.Header.OpCode != ws.OpClose {
		return fmt.Errorf("opcode %d (%v) instead of a close frame", f.Header.OpCode, err)
	}
	return c.ended(c.patience, true)
}

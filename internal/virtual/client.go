package virtual

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gobwas/ws"
)

// A Handshake is what a client asks for beside its path.
type Handshake struct {
	Host         string      // ("wherry.test")
	Header       http.Header // further fields, such as Cookie and Origin
	Subprotocols []string    // offered, the preferred one first
}

// A Message is what a client sends or receives.
type Message struct {
	Text bool // text, which is UTF-8, and not bytes
	Data []byte
}

// Refused says that a handshake was refused. It implements error.
type Refused struct {
	Status int
	Header http.Header
	Body   []byte
}

func (e *Refused) Error() string {
	return fmt.Sprintf("the handshake was refused with %d: %.200q", e.Status, e.Body)
}

// Closed says that a connection is over. It implements error.
type Closed struct {
	Code   int    // of the server's close frame; 1005 if it had none, 1006 if there was no close frame
	Reason string // of it
	Clean  bool   // there was a close frame in both directions
}

func (e *Closed) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("closed with %d", e.Code)
	}
	return fmt.Sprintf("closed with %d %q", e.Code, e.Reason)
}

// Codes that no close frame has (RFC 6455, section 7.4.1).
const (
	codeNone     = 1005
	codeAbnormal = 1006
)

// A Client is a WebSocket connection, seen from its client. It answers pings and
// close frames by itself, as every client does.
type Client struct {
	world *World
	wire  *wire // nil: the socket is closed
	peer  string

	out      []byte // to be written
	in       []byte // came, and is not understood yet
	key      string
	answered bool // the handshake was
	protocol string
	header   http.Header
	refused  *Refused
	queue    []Message // received, and not asked for yet
	part     *Message  // of which more fragments are to come
	end      *Closed   // not nil: nothing more comes behind queue
	leaving  bool      // a close frame was sent
	stalled  bool      // it does not read
	pings    int
}

// Dial connects to a target such as "/chat/7?x=1", and returns the client when the
// handshake was answered. A handshake that was refused is a [*Refused]; one that the
// guest has not answered is [ErrNothing], and the client is there nevertheless, so that
// its answer can be waited for: see Opened.
func (w *World) Dial(target string, h Handshake) (*Client, error) {
	c, err := w.Begin(target, h)
	if err != nil {
		return nil, err
	}
	return c, c.Opened()
}

// Begin is Dial without asking for the answer.
func (w *World) Begin(target string, h Handshake) (*Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil, ErrEnded
	}
	head, key, err := handshakeHead(target, h)
	if err != nil {
		return nil, err
	}
	peer := w.address()
	conn, err := w.stepped.Dial(peer)
	if err != nil {
		return nil, err
	}
	c := &Client{world: w, peer: peer.String(), key: key, out: head}
	if c.wire, err = newWire(conn); err != nil {
		conn.Close()
		return nil, err
	}
	w.clients = append(w.clients, c)
	return c, w.settle()
}

// Opened reports whether the handshake was accepted: nil if so, a [*Refused] if not,
// [ErrNothing] if it waits for its answer, and a [*Closed] if the connection broke before
// there was one.
func (c *Client) Opened() error {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	if err := c.world.rest(); err != nil {
		return err
	}
	return c.opened()
}

func (c *Client) opened() error {
	switch {
	case c.refused != nil:
		return c.refused
	case c.answered:
		return nil
	case c.end != nil:
		return c.end
	}
	return ErrNothing
}

// Peer returns the client's address, as the guest knows it.
func (c *Client) Peer() string { return c.peer }

// Protocol returns the subprotocol that was agreed on; empty if none was.
func (c *Client) Protocol() string {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	return c.protocol
}

// Header returns the header of the answer to the handshake.
func (c *Client) Header() http.Header {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	return c.header.Clone()
}

// Pings returns how many pings came. They were answered.
func (c *Client) Pings() int {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	return c.pings
}

// Send sends a message. It is an error if the handshake was not accepted, or the
// connection is over: what [Client.Opened] or [Client.Receive] says then. That the server
// closes it for what was sent, only Receive tells.
func (c *Client) Send(m Message) error {
	op := ws.OpBinary
	if m.Text {
		op = ws.OpText
	}
	return c.sendFrame(op, m.Data)
}

// Close sends a close frame, with 1005 one without a code. The server's answer is what
// Receive returns then.
func (c *Client) Close(code int, reason string) error {
	var body []byte
	if code != codeNone {
		body = ws.NewCloseFrameBody(ws.StatusCode(code), reason)
	}
	if len(body) > ws.MaxControlFramePayloadSize {
		return fmt.Errorf("a reason of %d bytes; there can be %d", len(reason), ws.MaxControlFramePayloadSize-2)
	}
	return c.sendFrame(ws.OpClose, body)
}

func (c *Client) sendFrame(op ws.OpCode, payload []byte) error {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	switch err := c.opened(); {
	case err != nil:
		return err
	case c.end != nil:
		return c.end
	case c.leaving || c.wire == nil:
		return errors.New("the client has closed the connection")
	}
	c.frame(op, payload)
	c.leaving = c.leaving || op == ws.OpClose
	return c.world.settle()
}

// Abort closes the socket without a close frame, as a client that has crashed does.
func (c *Client) Abort() error {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	if c.wire != nil {
		c.wire.write(c.out) // what it sent before
	}
	c.hangUp()
	return c.world.settle()
}

// Stall makes the client stop reading, or go on with it: the server's messages to it
// have to wait then.
func (c *Client) Stall(stalled bool) error {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	c.stalled = stalled
	return c.world.settle()
}

// Receive returns the next message. If there is none, and none will come before time
// passes or a client does something, it returns [ErrNothing] at once. When the
// connection is over it is a [*Closed], behind the last message; if the handshake was
// refused, the [*Refused].
func (c *Client) Receive() (Message, error) {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	if err := c.world.rest(); err != nil {
		return Message{}, err
	}
	switch {
	case len(c.queue) > 0:
		m := c.queue[0]
		c.queue = c.queue[1:]
		return m, nil
	case c.refused != nil:
		return Message{}, c.refused
	case c.end != nil:
		return Message{}, c.end
	}
	return Message{}, ErrNothing
}

// hangUp closes the socket.
func (c *Client) hangUp() {
	if c.wire != nil {
		c.wire.close()
		c.wire = nil
	}
	if c.end == nil && c.refused == nil {
		c.end = &Closed{Code: codeAbnormal}
	}
}

// pump writes and reads what can be, and reports whether that was anything.
func (c *Client) pump() (moved bool) {
	for c.wire != nil && len(c.out) > 0 {
		n, err := c.wire.write(c.out)
		if err != nil {
			c.out = nil // the other end is closed; what it sent before that is still to be read
			break
		}
		if n == 0 {
			break
		}
		c.out, moved = c.out[n:], true
	}
	var b [16 << 10]byte
	for c.wire != nil && !c.stalled {
		n, err := c.wire.read(b[:])
		if n == 0 && err == nil {
			break
		}
		moved = true
		c.in = append(c.in, b[:n]...)
		c.understand(err != nil)
		if err != nil {
			c.hangUp()
		}
	}
	return moved
}

// understand takes what is complete off the front of what came. At the end of the
// stream nothing more comes.
func (c *Client) understand(last bool) {
	if !c.answered && c.refused == nil {
		c.understandHead(last)
	}
	for c.answered && c.end == nil {
		f, size, err := parseFrame(c.in)
		if err != nil {
			c.end = &Closed{Code: codeAbnormal, Reason: err.Error()}
			c.hangUp()
			return
		}
		if size == 0 {
			return
		}
		c.in = c.in[size:]
		c.take(f)
	}
}

// understandHead reads the answer to the handshake.
func (c *Client) understandHead(last bool) {
	a, rest, err := parseAnswer(c.in, c.key, last)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return
	case err != nil:
		c.end = &Closed{Code: codeAbnormal, Reason: err.Error()}
		c.hangUp()
	case a.refused != nil:
		c.refused = a.refused
		c.hangUp()
	default:
		c.answered, c.header, c.protocol, c.in = true, a.header, a.protocol, rest
	}
}

// take does what one frame asks for.
func (c *Client) take(f frame) {
	switch f.op {
	case ws.OpClose:
		c.end = f.closed()
		if !c.leaving {
			c.leaving = true
			c.frame(ws.OpClose, f.payload[:min(len(f.payload), 2)])
		}
	case ws.OpPing:
		c.pings++
		c.frame(ws.OpPong, f.payload)
	case ws.OpText, ws.OpBinary:
		c.part = &Message{Text: f.op == ws.OpText}
	}
	if f.op.IsControl() {
		return
	}
	if c.part == nil {
		c.end = &Closed{Code: codeAbnormal, Reason: "the server has continued a message that it had not begun"}
		return
	}
	c.part.Data = append(c.part.Data, f.payload...)
	if f.fin {
		c.queue = append(c.queue, *c.part)
		c.part = nil
	}
}

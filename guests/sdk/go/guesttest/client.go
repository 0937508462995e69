package guesttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"

	"github.com/seed-c6589352/wherry/internal/virtual"
)

// An Option says more of a handshake or a request than its target.
type Option func(*options)

type options struct {
	host         string
	header       http.Header
	subprotocols []string
}

// Header adds a header field.
func Header(name, value string) Option {
	return func(o *options) { o.header.Add(name, value) }
}

// Cookie adds a cookie, beside those before it.
func Cookie(name, value string) Option {
	return func(o *options) {
		pair := name + "=" + value
		if before := o.header.Get("Cookie"); before != "" {
			pair = before + "; " + pair
		}
		o.header.Set("Cookie", pair)
	}
}

// Subprotocols offers subprotocols, the preferred one first.
func Subprotocols(names ...string) Option {
	return func(o *options) { o.subprotocols = append(o.subprotocols, names...) }
}

// Authority is the host and port to connect to ("wherry.test").
func Authority(host string) Option {
	return func(o *options) { o.host = host }
}

func gather(all []Option) options {
	o := options{header: make(http.Header)}
	for _, option := range all {
		option(&o)
	}
	return o
}

// A Client is a WebSocket connection to the guest, seen from its client. It answers
// pings and close frames by itself.
type Client struct {
	h      *Host
	client *virtual.Client
}

// Dial connects to a target such as "/chat/7?x=1". A handshake that is refused is a
// [*Refused]. One that the guest leaves without an answer is [ErrNothing], and the client
// is returned with it: Opened says what has become of it.
func (h *Host) Dial(target string, more ...Option) (*Client, error) {
	o := gather(more)
	c, err := h.world.Dial(target, virtual.Handshake{Host: o.host, Header: o.header, Subprotocols: o.subprotocols})
	if c == nil {
		return nil, err
	}
	return &Client{h, c}, err
}

// MustDial is Dial for a handshake that is accepted: otherwise the test fails at once.
func (h *Host) MustDial(target string, more ...Option) *Client {
	h.t.Helper()
	c, err := h.Dial(target, more...)
	if err != nil {
		h.t.Fatalf("dial %s: %v", target, err)
	}
	return c
}

// ExpectRefused fails the test if a handshake is not refused with status. It returns
// the response.
func (h *Host) ExpectRefused(status int, target string, more ...Option) *Refused {
	h.t.Helper()
	_, err := h.Dial(target, more...)
	var refused *Refused
	switch {
	case !errors.As(err, &refused):
		h.t.Fatalf("dial %s: got %v; want it refused with %d", target, err, status)
	case refused.Status != status:
		h.t.Fatalf("dial %s: %v; want %d", target, refused, status)
	}
	return refused
}

// Opened returns nil if the handshake was accepted, a [*Refused] if it was refused, and
// [ErrNothing] if it waits for the guest's answer.
func (c *Client) Opened() error { return c.client.Opened() }

// Peer returns the client's address and port, as the guest knows them.
func (c *Client) Peer() string { return c.client.Peer() }

// Protocol returns the subprotocol that the guest has picked; empty if none.
func (c *Client) Protocol() string { return c.client.Protocol() }

// Header returns the header of the response that accepted the handshake.
func (c *Client) Header() http.Header { return c.client.Header() }

// Pings returns how many pings of the server's the client has answered.
func (c *Client) Pings() int { return c.client.Pings() }

// SendText sends a text message. It is an error if the connection is over, or not open
// yet: what Receive or Opened returns then.
func (c *Client) SendText(text string) error {
	return c.client.Send(virtual.Message{Text: true, Data: []byte(text)})
}

// SendBytes sends a binary message.
func (c *Client) SendBytes(b []byte) error { return c.client.Send(virtual.Message{Data: b}) }

// SendJSON sends a value as text, as package json writes it.
func (c *Client) SendJSON(value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.client.Send(virtual.Message{Text: true, Data: b})
}

// Close sends a close frame with a code and a reason; with 1005 one that has neither.
// ExpectClose sees the server's answer.
func (c *Client) Close(code int, reason string) error { return c.client.Close(code, reason) }

// Abort closes the socket without a close frame, as if the client's machine were gone.
func (c *Client) Abort() {
	c.h.t.Helper()
	c.h.check(c.client.Abort())
}

// Stall makes the client stop reading, or go on with it: what it is sent then waits in
// the server.
func (c *Client) Stall(stalled bool) {
	c.h.t.Helper()
	c.h.check(c.client.Stall(stalled))
}

// Receive returns the next message, and whether it is text. It never waits: where there
// is no message, and none will come before time passes or a client sends, it returns
// [ErrNothing]. Behind the last message of a connection that is over it returns a
// [*Closed], and of a handshake that was refused the [*Refused].
func (c *Client) Receive() (data []byte, text bool, err error) {
	m, err := c.client.Receive()
	return m.Data, m.Text, err
}

// A KindError is a message that came as text where bytes were to come, or the other way
// round.
type KindError struct {
	Text bool // it is text
	Data []byte
}

func (e *KindError) Error() string {
	if e.Text {
		return fmt.Sprintf("received text %.100q where bytes were to come", e.Data)
	}
	return fmt.Sprintf("received bytes %.100x where text was to come", e.Data)
}

func (c *Client) receive(text bool) ([]byte, error) {
	m, err := c.client.Receive()
	if err != nil {
		return nil, err
	}
	if m.Text != text {
		return nil, &KindError{m.Text, m.Data}
	}
	return m.Data, nil
}

// ReceiveText is Receive for a text: bytes are a [*KindError].
func (c *Client) ReceiveText() (string, error) {
	b, err := c.receive(true)
	return string(b), err
}

// ReceiveBytes is Receive for bytes: text is a [*KindError].
func (c *Client) ReceiveBytes() ([]byte, error) { return c.receive(false) }

// ReceiveJSON receives a text and decodes it into to, as package json does.
func (c *Client) ReceiveJSON(to any) error {
	b, err := c.receive(true)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}

// ExpectText fails the test at once if the next message is not this text.
func (c *Client) ExpectText(want string) {
	c.h.t.Helper()
	if got, err := c.ReceiveText(); err != nil {
		c.h.t.Fatalf("%v; want text %.200q", err, want)
	} else if got != want {
		c.h.t.Fatalf("received text %.200q; want %.200q", got, want)
	}
}

// ExpectBytes fails the test at once if the next message is not these bytes.
func (c *Client) ExpectBytes(want []byte) {
	c.h.t.Helper()
	if got, err := c.ReceiveBytes(); err != nil {
		c.h.t.Fatalf("%v; want bytes %.100x", err, want)
	} else if !bytes.Equal(got, want) {
		c.h.t.Fatalf("received bytes %.100x; want %.100x", got, want)
	}
}

// ExpectJSON fails the test at once if the next message is not text with the same JSON
// value as want, whatever the order of its keys and its blanks.
func (c *Client) ExpectJSON(want string) {
	c.h.t.Helper()
	got, err := c.ReceiveText()
	if err != nil {
		c.h.t.Fatalf("%v; want JSON %s", err, want)
	}
	same, err := sameJSON(got, want)
	if err != nil {
		c.h.t.Fatalf("received text %.200q; want JSON %s: %v", got, want, err)
	}
	if !same {
		c.h.t.Fatalf("received %s; want %s", got, want)
	}
}

func sameJSON(a, b string) (bool, error) {
	var values [2]any
	for i, text := range []string{a, b} {
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber()
		if err := d.Decode(&values[i]); err != nil {
			return false, err
		}
		if _, err := d.Token(); err != io.EOF {
			return false, errors.New("there is more behind a value")
		}
	}
	return reflect.DeepEqual(values[0], values[1]), nil
}

// ExpectNothing fails the test at once if there is a message, or the connection is over.
func (c *Client) ExpectNothing() {
	c.h.t.Helper()
	data, text, err := c.Receive()
	switch {
	case err == nil && text:
		c.h.t.Fatalf("received text %.200q; want nothing", data)
	case err == nil:
		c.h.t.Fatalf("received bytes %.100x; want nothing", data)
	case !errors.Is(err, ErrNothing):
		c.h.t.Fatalf("%v; want nothing", err)
	}
}

// ExpectClose fails the test at once if what comes next is not the end of the connection
// with this code and reason.
func (c *Client) ExpectClose(code int, reason string) {
	c.h.t.Helper()
	data, _, err := c.Receive()
	var closed *Closed
	switch {
	case err == nil:
		c.h.t.Fatalf("received %.200q; want it closed with %d %q", data, code, reason)
	case !errors.As(err, &closed):
		c.h.t.Fatalf("%v; want it closed with %d %q", err, code, reason)
	case closed.Code != code || closed.Reason != reason:
		c.h.t.Fatalf("%v; want %d %q", closed, code, reason)
	}
}

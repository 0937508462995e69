package wherry

import (
	"strconv"
	"unsafe"

	"github.com/seed-c6589352/wherry/abi"
)

// A Phase is where a connection stands.
//
//	Connecting ──▶ Open ──▶ Closing ──▶ Closed
//	     └────────────────────▲
type Phase uint8

// The phases.
const (
	Connecting Phase = iota // the handshake waits for an answer
	Open                    // messages go both ways
	Closing                 // the guest has closed or denied it
	Closed                  // it is over: in OnDisconnect and afterwards
)

// String returns the phase as errors have it.
func (p Phase) String() string {
	return [...]string{"connecting", "open", "closing", "closed"}[p&3]
}

// A Conn is a connection, from its handshake to its end. A call that its phase does
// not allow makes no command and returns a [*StateError].
type Conn struct {
	// State is the guest's own. It is dropped after OnDisconnect.
	State any

	handle     uint64
	site       *site
	attachment string
	offered    string // subprotocols, while the handshake waits
	phase      Phase
	takes      uint8 // while it is open, the kinds of messages that need no more checks: bit 0 for bytes, bit 1 for text
	met        bool  // OnConnect was due, so OnDisconnect is too
}

// become changes the phase.
func (c *Conn) become(p Phase) {
	c.phase, c.takes = p, 0
	if p == Open {
		c.takes = c.site.takes
	}
}

// ID returns the number by which the host knows c. No other connection has it while
// the instance lives.
func (c *Conn) ID() uint64 { return c.handle }

// Phase returns where c stands.
func (c *Conn) Phase() Phase { return c.phase }

// Route returns the pattern of the route that c came by.
func (c *Conn) Route() string { return c.site.route }

// Request returns the head of the handshake. It is there in OnConnect, OnInvalid and
// OnResume, and in handlers of their errors; afterwards it is empty.
func (c *Conn) Request() *Request {
	if current.conn == c {
		return current
	}
	return &Request{}
}

// refused returns the error of a call that the phase does not allow.
func (c *Conn) refused(operation string) error { return &StateError{operation, c.phase} }

// Accept lets the connection in.
func (c *Conn) Accept() error { return c.AcceptWith("", nil) }

// AcceptWith lets the connection in with one of the subprotocols that it offered, or
// "" for none, and fields for the response. The connection is open at once.
func (c *Conn) AcceptWith(subprotocol string, header Header) error {
	if c.phase != Connecting {
		return c.refused("accept")
	}
	if subprotocol != "" && !c.offers(subprotocol) {
		return &ArgumentError{"accept", "subprotocol " + subprotocol + " was not offered"}
	}
	if n := longField(header); n != 0 {
		return &ArgumentError{"accept", "field name of " + strconv.Itoa(n) + " bytes"}
	}
	c.answer(subprotocol, header)
	return nil
}

// answer accepts.
func (c *Conn) answer(subprotocol string, header Header) {
	c.become(Open)
	c.offered = ""
	command(span(abi.Accept, c.handle, placeFields(subprotocol, header, nil)))
}

// offers reports whether the client offered a subprotocol.
func (c *Conn) offers(subprotocol string) bool {
	offered := c.offered
	if current.conn == c {
		offered = string(field(current.fields, abi.FieldProtocols))
	}
	for _, p := range splitList(offered) {
		if p == subprotocol {
			return true
		}
	}
	return false
}

// Deny refuses the handshake with an HTTP status, fields and a body.
func (c *Conn) Deny(status int, header Header, body []byte) error {
	if c.phase != Connecting {
		return c.refused("deny")
	}
	if err := checkAnswer("deny", status, header); err != nil {
		return err
	}
	c.become(Closing)
	answer(abi.Reject, c.handle, status, header, body)
	return nil
}

// checkAnswer returns an [*ArgumentError] for what no response can have.
func checkAnswer(operation string, status int, header Header) error {
	if status < 200 || status > 599 {
		return &ArgumentError{operation, "status " + strconv.Itoa(status) + " is not from 200 to 599"}
	}
	if n := longField(header); n != 0 {
		return &ArgumentError{operation, "field name of " + strconv.Itoa(n) + " bytes"}
	}
	return nil
}

// answer queues a reject or a respond.
func answer(kind abi.Kind, handle uint64, status int, header Header, body []byte) {
	r := span(kind, handle, placeFields("", header, body))
	r.Code = uint32(status)
	command(r)
}

// Close ends the connection. While it is connecting the client sees 403, and code
// and reason appear in OnDisconnect. Of a reason over 123 bytes the rest is cut off.
func (c *Conn) Close(code int, reason string) error {
	switch {
	case c.phase >= Closing:
		return c.refused("close")
	case c.phase == Open && !sendable(code), code < 0, code > 65535:
		return &ArgumentError{"close", "code " + strconv.Itoa(code) + " cannot be sent"}
	}
	c.shut(code, reason)
	return nil
}

// sendable reports whether a close frame can have this code.
func sendable(code int) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014, code >= 3000 && code <= 4999:
		return code != CloseMandatoryExtension
	}
	return false
}

// shut closes, from connecting or open.
func (c *Conn) shut(code int, reason string) {
	c.become(Closing)
	reason = cutText(validText(reason), abi.MaxReason)
	p := place(len(reason))
	copy(p, reason)
	r := span(abi.Close, c.handle, p)
	r.Code = uint32(code)
	command(r)
}

// Send sends a message that was received, as it is, without a copy.
func (c *Conn) Send(m Message) error {
	if c.phase != Open {
		return c.refused("send")
	}
	if outbox.used == outboxRecords {
		flush()
	}
	r := &mem.outbox[outbox.used]
	outbox.used++
	*r = *m.record // a message that came is one to be sent
	r.Conn = c.handle
	return nil
}

// SendText sends a text message. One that is not UTF-8 is refused by the host.
func (c *Conn) SendText(text string) error {
	if c.phase != Open {
		return c.refused("send")
	}
	p := place(len(text))
	copy(p, text)
	r := span(abi.Message, c.handle, p)
	r.Flags = abi.Text
	command(r)
	return nil
}

// SendBytes sends a binary message. The bytes are copied, unless they are of the
// message that was received: those must not change until the turn is over.
func (c *Conn) SendBytes(b []byte) error {
	p := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	if c.phase != Open || outbox.used == outboxRecords || p-uintptr(unsafe.Pointer(&mem.inbox)) >= inboxBytes {
		return c.sendCopy(b)
	}
	// Bytes that lie in the inbox go back as they are.
	r := &mem.outbox[outbox.used]
	outbox.used++
	r.Kind, r.Flags, r.Code = abi.Message, 0, 0
	r.Conn, r.Data, r.Len, r.Token = c.handle, uint32(p-uintptr(ground())), uint32(len(b)), 0
	return nil
}

// sendCopy sends bytes of wherever they are.
func (c *Conn) sendCopy(b []byte) error {
	if c.phase != Open {
		return c.refused("send")
	}
	command(span(abi.Message, c.handle, hold(b)))
	return nil
}

// SendJSON sends a value as JSON, in a text message. See [AppendJSON] for what it can
// be; for anything else the error is a [*JSONTypeError].
func (c *Conn) SendJSON(value any) error {
	if c.phase != Open {
		return c.refused("send")
	}
	b, err := scratchJSON(value)
	if err != nil {
		return err
	}
	r := span(abi.Message, c.handle, hold(b))
	r.Flags = abi.Text
	command(r)
	return nil
}

// Attach leaves bytes with the connection, in place of what was there before, for
// the instance after this one: see OnResume.
func (c *Conn) Attach(b []byte) error {
	if c.phase >= Closing {
		return c.refused("attach")
	}
	if len(b) > abi.MaxAttachment {
		return &ArgumentError{"attach", "attachment of " + strconv.Itoa(len(b)) + " bytes"}
	}
	c.attachment = string(b)
	command(span(abi.Attach, c.handle, hold(b)))
	return nil
}

// Attachment returns what was attached last, by this instance or the one before.
func (c *Conn) Attachment() []byte { return []byte(c.attachment) }

// A Message is one that was received. It is good until the handler returns.
type Message struct{ record *abi.Record }

// received is the value of the message that is being handled, where it is JSON.
var received any

// IsText reports whether it is text, and not bytes.
func (m Message) IsText() bool { return m.record.Flags&abi.Text != 0 }

// Bytes returns the payload: a view that is good until the handler returns.
func (m Message) Bytes() []byte { return payload(m.record) }

// Text returns the payload as a string, which is a copy.
func (m Message) Text() string { return string(payload(m.record)) }

// JSON returns the value, at an endpoint whose encoding is JSON; see [ParseJSON].
func (m Message) JSON() any { return received }

// A Disconnect says how a connection ended.
type Disconnect struct {
	Code    int    // the close code; 1005 if the peer gave none, 1006 if it vanished
	Reason  string // of the close frame
	Clean   bool   // close frames went both ways
	ByPeer  bool   // the peer began it, or vanished
	ByGuest bool
	ByHost  bool
	Opened  bool // the handshake had been accepted
}

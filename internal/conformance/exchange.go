package conformance

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// An Exchange is messages that a client sends to an echo server one after the
// other, as sections 9, 10, 12 and 13 of the Autobahn suite do. Each must come back
// as it went, in one frame, before the next is sent.
type Exchange struct {
	Op    ws.OpCode
	Kind  Payload
	Sizes []int  // of the messages, in bytes
	Count int    // rounds through Sizes
	Frame int    // most payload of a frame, in bytes; 0: a message is one frame
	Chop  int    // bytes of a write; 0: as many as there are
	Offer string // of permessage-deflate, the first of several that the server must take; "": none
}

// String names e.
func (e *Exchange) String() string {
	s := fmt.Sprintf("%d times %d bytes of %s as %s", e.Count, e.Sizes, e.Kind, opName(e.Op))
	if e.Frame > 0 {
		s += fmt.Sprintf(", frames of %d", e.Frame)
	}
	if e.Chop > 0 {
		s += fmt.Sprintf(", writes of %d", e.Chop)
	}
	if e.Offer != "" {
		s += ", " + e.Offer
	}
	return s
}

// exchangePatience is how long a client of an exchange waits: messages are large,
// and many at once.
const exchangePatience = 60 * time.Second

// Play plays e against the echo server at addr. It returns how many messages came
// back, and how many frames of the server's were compressed.
func (e *Exchange) Play(addr, path string) (messages, compressed int, err error) {
	conn, err := dial(addr, Whole())
	if err != nil {
		return 0, 0, err
	}
	defer conn.tcp.Close()
	conn.patience = exchangePatience
	extra := ""
	if e.Offer != "" {
		extra = "Sec-WebSocket-Extensions: " + e.Offer + "\r\n"
	}
	answer, err := conn.upgrade(path, extra)
	if err != nil {
		return 0, 0, err
	}
	if e.Offer != "" {
		if conn.deflation, err = agreed(e.Offer, answer); err != nil {
			return 0, 0, err
		}
	}
	conn.delivery = Chunks(1 << 20) // so that a write takes no more than its share of the patience
	if e.Chop > 0 {
		conn.delivery = Chunks(e.Chop)
	}
	for round := range e.Count {
		for _, size := range e.Sizes {
			payload := e.Kind.bytes(size, uint64(round))
			if err := conn.write(e.wire(conn.deflation, payload)); err != nil {
				return messages, compressed, err
			}
			conn.waitUntil(conn.patience)
			f, err := conn.frame()
			switch {
			case err != nil:
				return messages, compressed, fmt.Errorf("message %d of %d bytes: %w", messages, size, err)
			case f.Header.OpCode != e.Op || !f.Header.Fin || !bytes.Equal(f.Payload, payload):
				return messages, compressed, fmt.Errorf("message %d of %d bytes came back as %s, fin %v, of %d bytes, the same: %v",
					messages, size, opName(f.Header.OpCode), f.Header.Fin, len(f.Payload), bytes.Equal(f.Payload, payload))
			}
			messages++
			if f.Header.Length != int64(size) {
				compressed++
			}
		}
	}
	return messages, compressed, conn.leave()
}

// wire returns a message in frames, compressed if that was agreed on.
func (e *Exchange) wire(d *deflation, payload []byte) (wire []byte) {
	rsv := byte(0)
	if d != nil {
		payload, rsv = d.deflate(payload), ws.Rsv(true, false, false)
	}
	for op := e.Op; op == e.Op || len(payload) > 0; op, rsv = ws.OpContinuation, 0 {
		n := len(payload)
		if e.Frame > 0 {
			n = min(n, e.Frame)
		}
		f := ws.NewFrame(op, n == len(payload), payload[:n])
		f.Header.Rsv = rsv
		wire = append(wire, masked(f)...)
		payload = payload[n:]
	}
	return wire
}

// A Payload is what a message is made of. Some compress well, and some do not.
type Payload string

const (
	JSON  Payload = "JSON"
	Greek Payload = "Greek text"
	Image Payload = "an image" // smooth, with noise in it
	Noise Payload = "random bytes"
)

// bytes returns n bytes, of which no part is like another. Those of JSON and Greek
// are UTF-8.
func (p Payload) bytes(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	b := make([]byte, 0, n+64)
	for len(b) < n {
		switch p {
		case JSON:
			b = fmt.Appendf(b, `{"id":%d,"user":"u%d","price":%.2f,"tags":["a","bc"]},`, len(b), r.IntN(1000), r.Float64()*100)
		case Greek:
			b = fmt.Appendf(b, "%d μῆνιν ἄειδε θεὰ %c ", r.IntN(100), 'α'+rune(r.IntN(24)))
		case Image:
			b = append(b, byte(len(b)>>6+r.IntN(4)))
		default:
			b = append(b, byte(r.Uint32()))
		}
	}
	b = b[:n]
	if p == Greek {
		for i := n - 1; i >= max(n-utf8.UTFMax, 0); i-- { // a letter may be cut here
			if utf8.RuneStart(b[i]) {
				if !utf8.FullRune(b[i:]) {
					copy(b[i:], "...")
				}
				break
			}
		}
	}
	return b
}

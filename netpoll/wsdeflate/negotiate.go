package wsdeflate

import (
	"cmp"
	"iter"
	"strconv"
)

// The window of DEFLATE: how far back a match may reach is 1 << bits bytes
// (RFC 7692, section 7.1.2).
const (
	minWindowBits = 8
	maxWindowBits = 15
)

// A Config is a server's policy. A zero field takes the default in parentheses;
// one out of its range takes the nearest value in it.
type Config struct {
	// Context takeover lets a message refer to earlier ones of its direction.
	// It costs memory in every connection: the package comment says how much.
	ServerContextTakeover bool // in messages that we send (off)
	ClientContextTakeover bool // in messages that clients send (off)

	ServerWindowBits int   // of messages that we send: 8 to 15 (15)
	ClientWindowBits int   // asked of clients that let us: 8 to 15 (15)
	Level            Level // how hard to search for what repeats (Fastest)
	MinBytes         int   // smaller messages are sent as they are (128)
}

func (c Config) withDefaults() Config {
	c.ServerWindowBits = clampBits(c.ServerWindowBits)
	c.ClientWindowBits = clampBits(c.ClientWindowBits)
	c.Level = min(max(c.Level, Fastest), Smallest)
	c.MinBytes = max(cmp.Or(c.MinBytes, 128), 1)
	return c
}

func clampBits(bits int) int {
	return min(max(cmp.Or(bits, maxWindowBits), minWindowBits), maxWindowBits)
}

// Params is what one connection agreed on: the parameters of RFC 7692, section
// 7.1, as both sides are to follow them.
type Params struct {
	ServerNoContextTakeover bool
	ClientNoContextTakeover bool
	ServerWindowBits        int // 8 to 15
	ClientWindowBits        int // 8 to 15; 15 if the client does not let us choose

	sayServerBits bool // the answer has server_max_window_bits
	sayClientBits bool // the answer has client_max_window_bits
}

// Negotiate returns the answer to the first of a client's offers that the
// server can accept, in the client's order of preference. With false there is
// none, and the handshake goes on without compression.
//
// An offer is one element of Sec-WebSocket-Extensions, as sent. It is declined,
// not fatal, if it is for another extension, is malformed, has a parameter that
// is unknown or comes twice, or a value out of its range (section 7.1).
func Negotiate(offers iter.Seq[[]byte], cfg Config) (Params, bool) {
	for b := range offers {
		if o, ok := parseOffer(b); ok {
			return o.accept(cfg.withDefaults()), true
		}
	}
	return Params{}, false
}

// accept answers a valid offer. There is none that this package cannot fulfil.
func (o offer) accept(cfg Config) Params {
	p := Params{
		ServerNoContextTakeover: o.serverNoTakeover || !cfg.ServerContextTakeover,
		ClientNoContextTakeover: o.clientNoTakeover || !cfg.ClientContextTakeover,
		ServerWindowBits:        min(cmp.Or(o.serverBits, maxWindowBits), cfg.ServerWindowBits),
		ClientWindowBits:        maxWindowBits,
	}
	p.sayServerBits = o.serverBits != 0 || p.ServerWindowBits < maxWindowBits
	if o.clientBits != 0 {
		// Only a client that named the parameter understands it in an answer
		// (section 7.1.2.2).
		p.ClientWindowBits = min(o.clientBits, cfg.ClientWindowBits)
		p.sayClientBits = p.ClientWindowBits < maxWindowBits
	}
	return p
}

// Append appends the value of the Sec-WebSocket-Extensions field that accepts p.
func (p Params) Append(dst []byte) []byte {
	dst = append(dst, extensionName...)
	if p.ServerNoContextTakeover {
		dst = append(append(dst, "; "...), serverNoTakeoverName...)
	}
	if p.ClientNoContextTakeover {
		dst = append(append(dst, "; "...), clientNoTakeoverName...)
	}
	if p.sayServerBits {
		dst = append(append(append(dst, "; "...), serverBitsName...), '=')
		dst = strconv.AppendInt(dst, int64(p.ServerWindowBits), 10)
	}
	if p.sayClientBits {
		dst = append(append(append(dst, "; "...), clientBitsName...), '=')
		dst = strconv.AppendInt(dst, int64(p.ClientWindowBits), 10)
	}
	return dst
}

// InflateWindow returns what the connection must keep between messages that
// come, or nil if that is nothing.
func (p Params) InflateWindow() *Window {
	if p.ClientNoContextTakeover {
		return nil
	}
	// zlib's encoder takes 8 bits for 9, and so do clients built on it.
	return newWindow(1 << max(p.ClientWindowBits, 9))
}

// DeflateWindow returns what the connection must keep between messages that
// it sends, or nil if that is nothing.
func (p Params) DeflateWindow() *Window {
	if p.ServerNoContextTakeover {
		return nil
	}
	return newWindow(min(1<<p.ServerWindowBits, deflateWindowBytes))
}

// Package wshead is the opening handshake of RFC 6455: the one moment in which
// a WebSocket is still HTTP. Request bytes go in; out come views into them, a
// verdict, and the bytes of the answer. It does no I/O and keeps no buffer.
//
//	bytes ─▶ Parser.Parse ─▶ Head ─┬─ WantsUpgrade: no ──▶ net/http, with the same bytes
//	              │                └─ yes ─▶ CheckUpgrade ─┬─ nil ─▶ routing ─▶ AppendSwitch
//	              └── Refusal ◀────────────────────────────┘                     (101)
//	                     └─▶ AppendRefusal (4xx, 5xx; then the connection closes)
//
// # What it accepts
//
// HTTP/1.1 as RFC 9112 has clients write it, and nothing that is only tolerated:
// lines end in CRLF, a colon follows its name, a field stays on its line, a
// value holds no control characters, one Host says where to. Where two parsers
// may disagree about where a request ends, the request is refused. That is what
// makes it safe to hand a head that is no WebSocket handshake to net/http: all
// that Parse accepts, net/http reads the same way or refuses (FuzzParse).
// The one leniency is that of RFC 9112, section 2.2: a single empty line before
// the request line is skipped, and Head.Lead says so.
//
// # What it costs
//
// A head that arrives whole is scanned once and nothing is allocated. A head
// that arrives in pieces is scanned twice, however small the pieces: a Parser
// remembers where it stopped, but the views of a Head need all bytes in one
// buffer, so they are taken in a second pass when the last byte is there.
// Everything is bounded by Limits, and a head is refused at the first byte that
// makes it hopeless, without waiting for the rest.
//
// # What it leaves to others
//
// Routes, origins, deadlines and extensions are decided above. The answers that
// those layers give are listed here all the same (refusal.go), so that one file
// holds every refusal, its status, its stable name and its sentence.
package wshead

// Package wsframe turns bytes into WebSocket messages and messages into bytes.
// It is the server's half of RFC 6455, sections 5 to 8, without a socket: it
// reads nothing, writes nothing, allocates nothing and keeps no buffer.
//
// # Receiving
//
// A connection owns one [Reader], 40 bytes without a pointer. The loop reads
// whatever the kernel has into one buffer that all its connections share, and
// asks for one [Item] after the other:
//
//	for len(b) > 0 {
//		n, err := r.Next(b, &it)
//		if err != nil {
//			return fail(err) // err is an *Error and knows its close code
//		}
//		if it.Kind == wsframe.More {
//			spill = append(spill[:0], b...) // at most MaxSpill bytes
//			break
//		}
//		handle(&it)
//		b = b[n:]
//	}
//
// Only a piece of a header or of a control frame ever has to be kept for the
// next turn. Payload is handed out as it arrives, still masked, and
// [Reader.Copy] unmasks it on its way to where it is wanted: one pass that is
// the copy, the unmasking and the UTF-8 check at once.
//
// # The state machine
//
// A Reader stands in one of four phases. Control frames may come in both
// phases on the left and change nothing there.
//
//	           whole message           text or binary, in part
//	            ┌─────────┐          ┌─────────────────────────┐
//	            │         ▼          │                         ▼
//	new ─────▶ betweenMessages ──────┘                      inFrame ◀─┐ more of
//	                      ▲                                 │  │ ▲ └──┘ the frame
//	                      └─────── the final frame ends ────┘  │ │
//	             betweenFrames ◀── another frame ends ─────────┘ │
//	                      └─────── continuation ─────────────────┘
//
//	any phase ──── close frame, error ────▶ ended
//
// It fails as soon as the bytes at hand can no longer become a legal stream: a
// reserved bit fails with the first byte of a header, a message over the limit
// before any of its payload is needed, a bad character before its frame ends.
// What a Reader answers depends on the bytes alone and never on how reads cut
// them, apart from where a message is cut into Parts.
//
// # Sending
//
// Servers never mask (section 5.1), so sending is a header in front of bytes
// that stay where they are: [AppendHeader] and [PutHeader] for a payload that
// the caller writes itself, [AppendFrame] and [AppendClose] for small frames.
package wsframe

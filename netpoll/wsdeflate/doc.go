// Package wsdeflate is permessage-deflate, the compression of RFC 7692, without
// a socket: what a server agrees to, and how messages become smaller and whole
// again. It does no I/O, and knows frames only by their errors.
//
//	handshake   offers ─▶ Negotiate ─▶ Params ─▶ Append ─▶ the 101 response
//	                                     │
//	receiving   RSV1, payload ─▶ Inflater.Inflate ─▶ message, in the caller's memory
//	                                     │
//	sending     message ─▶ Deflater.Append ─▶ payload and RSV1, or: send it as it is
//
// # Receiving
//
// An [Inflater] takes a message in the pieces in which it comes and writes it
// where the caller says, which may be guest memory. How large a message will be
// is not known before its end, so a loop inflates to memory of its own first,
// say 64 KiB, and copies what came of it to the guest once; where that is too
// small, Inflate stops and goes on in something larger:
//
//	f.Start(window, limit, it.Op == ws.OpText)
//	for {
//		used, at, err := f.Inflate(dst, payload, final)
//		if err != nil {
//			return err // knows its close code
//		}
//		if at != wsdeflate.NeedRoom {
//			break // NeedInput: come back with the next Part; Done: dst[:f.Size()] is the message
//		}
//		dst, payload = larger(dst, f.Size()), payload[used:]
//	}
//
// Nobody but Inflate may write to dst[:f.Size()] before Done: matches are copied
// from there. A guest that does spoils its message and nothing else.
//
// # What a hostile message can do
//
// Limits count what a message inflates to, and it fails with 1009 at the first
// byte over, 1007 at the first byte that is not UTF-8 or not DEFLATE. Memory is
// the caller's dst, which never has to be longer than the limit; nothing else
// grows. Time is bounded by what comes: the costliest bytes, codes that are sent
// and not used, inflate at some 10 MB/s (BenchmarkBombs), so a limit on the payload
// as it is received bounds how long one message holds a loop.
//
// # Sending
//
// A [Deflater] leaves alone what is small and what would not become smaller. It
// keeps to any window from 8 to 15 bits. Without context takeover the result
// depends on the message alone: a published message is deflated once for all its
// subscribers, and those that have a [Window] are told with [Window.Remember].
//
// # What it costs
//
// All that is large belongs to the loop: an Inflater is 11 KiB, a Deflater 140
// KiB, or 270 KiB above [Fastest] (TestSizes). A connection without context
// takeover, which is the default, owns nothing. With it, a connection owns a
// [Window] for each direction that has it, which grows with what is said:
//
//	from the client   up to 1 << ClientWindowBits bytes: 32 KiB, or less if the
//	                  client lets us choose and Config says so
//	to the client     up to 4 KiB, and every message costs the time to look
//	                  through them again
//
// A connection in the middle of a compressed message that comes in several reads
// borrows an Inflater of its own until the message ends.
package wsdeflate

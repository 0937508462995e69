// Package netpoll drives WebSocket connections from event loops on epoll and
// kqueue. It knows sockets, the opening handshake and frames; what a message
// means is the business of the [Driver] and the [Handler] above it.
//
// A [Loop] is one goroutine, locked to a thread, that owns its connections and
// its buffers. It lives in turns:
//
//	wait ─▶ read every ready connection ─▶ Driver.Deliver ─▶ write ─▶ free
//	          │ heads:  Driver.Route         (one guest call     one write for
//	          │ frames: Handler.Message       an instance)       each connection
//	          └ all of it is staged, nothing is acted on
//
// A handler stages what it is told in the middle of a read, and acts in Deliver.
// There is one exception: a handler with no room left may deliver early, which
// is safe because nothing is freed before the turn ends and because reading
// looks again at the connection's phase after every message.
//
// # Who owns the bytes
//
// Received bytes live in the loop's one buffer until the next read. What is
// incomplete is kept by its connection: a partial head, header or control frame
// as its spill, a partial message in a body that is sized from the frame's
// header as soon as an eighth of it has come, so that memory is in proportion to
// what was received. Output is gathered in the connection's queue and written
// once a turn; what the kernel does not take stays there, bounded by
// [Settings.SendBytes]. All of these come from the loop's pool and go back to it:
// an idle connection owns no buffer.
//
// # Concurrency
//
// [Loop.Post], [Loop.Adopt] and [Loop.Stop] may be called from any goroutine.
// Everything else belongs to the loop's goroutine, and so do all callbacks.
package netpoll

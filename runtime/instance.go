package runtime

import (
	"time"

	"github.com/seed-c6589352/wherry/abi"
)

// What a [Handler] may implement besides. It is asked when an instance starts.

// A Starter is told of the instance that it is.
type Starter interface {
	// Start is called once, before anything else.
	Start(in Instance)
}

// A TimerHandler can set timers.
type TimerHandler interface {
	// Timer is called when the timer called token has fired. It is not armed
	// any more.
	Timer(in Instance, token uint64)
}

// A RequestHandler answers HTTP requests at its tenant's routes that are no
// handshakes. Those of a Handler that is none are refused, with 426 or 405.
type RequestHandler interface {
	// Request is called for every request. It, or something later, must call
	// x.Respond before the connect timeout, or the client gets 504. r is valid
	// until it returns. It has the field ":body", of at most 64 KiB, if there is
	// a body.
	Request(x Exchange, r *Request)
}

// A StopHandler has something to do before it goes.
type StopHandler interface {
	// Stop is called when the server is being shut down, before open connections
	// are closed. They are still told of their ends after it.
	Stop(in Instance)
}

// An Instance is one life of a [Handler]: what it can do that is about no
// connection. When that life is over every method returns ErrClosed. But for Do,
// methods may only be called by the handler, on its loop.
type Instance struct {
	home    *home
	program *native
}

func (in Instance) alive() bool { return in.home.program == program(in.program) }

// SetTimer arms the timer called token to fire once, or moves it if it is armed;
// if after is not positive, it cancels it. The shortest time is 10 ms; what is
// longer is rounded up to milliseconds, of which there can be 2^32. ErrBusy:
// Limits.Timers are armed. ErrNotPossible: the handler is no TimerHandler.
func (in Instance) SetTimer(token uint64, after time.Duration) error {
	if !in.alive() {
		return ErrClosed
	}
	ms := min(ceilMillis(int64(max(after, 0))), 1<<32-1)
	return statusError(in.home.setTimer(token, uint32(ms)))
}

// Publish sends one message to every member of the tenant's topic, on all loops.
func (in Instance) Publish(topic string, text bool, payload []byte) error {
	if !in.alive() {
		return ErrClosed
	}
	return statusError(Conn{home: in.home}.publish(0, topic, text, payload))
}

// Do runs f on the instance's loop, soon. Any goroutine may call it. It reports
// whether f will run; the instance may be over by then. A panic of f's is one of
// the handler's.
func (in Instance) Do(f func(Instance)) bool { return in.home.do(func() { f(in) }) }

// An Exchange is a handle of an HTTP request, good for one Respond. But for Do,
// methods may only be called by the handler, on its loop.
type Exchange struct {
	home   *home
	handle handle
}

// Respond answers the request with an HTTP status from 200 to 599, a body of at
// most 1 MiB, which is the caller's again when Respond returns, and fields.
// ErrClosed: it was answered before, by the handler or, because it was too late or
// the client has gone, for it.
func (x Exchange) Respond(status int, body []byte, fields ...Field) error {
	b := abi.AppendField(appendFields(fields), abi.FieldBody, view(body))
	return statusError(x.home.respond(x.handle, uint32(status), b))
}

// Do runs f on the handler's loop, soon, as Conn.Do does.
func (x Exchange) Do(f func(Exchange)) bool { return x.home.do(func() { f(x) }) }

// do runs f, of a native handler's, on the loop.
func (h *home) do(f func()) bool {
	return h.shard.loop.Post(func() {
		h.shard.tell()
		if err := guarded(f); err != nil {
			h.trapped(err, culprit{})
		}
		h.closeSlow()
	})
}

// optional returns the bits of the optional events that h handles.
func optional(h Handler) (wants uint32) {
	if _, ok := h.(TimerHandler); ok {
		wants |= abi.Timer.Bit()
	}
	if _, ok := h.(RequestHandler); ok {
		wants |= abi.Request.Bit()
	}
	if _, ok := h.(StopHandler); ok {
		wants |= abi.Stop.Bit()
	}
	return wants
}

// handleOptional calls the method for an event that is about no connection, if
// there is one: only events that the handler wants are staged, but for the start.
func (n *native) handleOptional(h *home, e *nativeEvent) {
	in := Instance{h, n}
	switch e.record.Kind {
	case abi.Start:
		if starter, ok := n.handler.(Starter); ok {
			starter.Start(in)
		}
	case abi.Timer:
		n.handler.(TimerHandler).Timer(in, e.record.Token)
	case abi.Request:
		n.handler.(RequestHandler).Request(Exchange{h, handle(e.record.Conn)}, &Request{e.payload})
	case abi.Stop:
		n.handler.(StopHandler).Stop(in)
	}
}

package runtime

import (
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// apply does what one command of a guest asks for, or says why not. Everything
// in r is hostile.
func (h *home) apply(g *guest, r *abi.Record) abi.Status {
	if r.Kind == abi.Ready || r.Kind == abi.Fault {
		return abi.OK // Ready says nothing yet; a fault that is handed back is harmless
	}
	if r.Kind > 31 || granted&r.Kind.Bit() == 0 {
		return abi.Unsupported
	}
	data, ok := g.in.View(r.Data, r.Len)
	if !ok {
		return abi.Invalid
	}
	h.shard.cost += commandCost + commandBytes(r.Flags, len(data))
	switch r.Kind {
	case abi.Publish:
		return h.publish(handle(r.Conn), r.Flags, r.Code, data)
	case abi.Timer:
		return h.setTimer(r.Token, r.Code)
	case abi.Respond:
		return h.respond(handle(r.Conn), r.Code, data)
	}
	s, status := h.sessions.find(handle(r.Conn))
	if status != abi.OK {
		return status
	}
	switch r.Kind {
	case abi.Message:
		return h.send(s, r.Flags&abi.Text != 0, data)
	case abi.Accept:
		return h.accept(s, data)
	case abi.Reject:
		return h.reject(s, r.Code, data)
	case abi.Close:
		return h.close(s, r.Code, data)
	case abi.Subscribe:
		return h.subscribe(s, data)
	case abi.Unsubscribe:
		return h.unsubscribe(s, data)
	default: // Attach: granted lists no other
		return h.attach(s, data)
	}
}

// send queues one message. payload is the program's again when it returns.
func (h *home) send(s *session, text bool, payload []byte) abi.Status {
	if !s.conn.Opened() {
		return notOpen(s)
	}
	if s.state == sessionSilent {
		return abi.Closed
	}
	if len(payload) > h.sendMax {
		return abi.TooBig
	}
	op := ws.OpBinary
	if text {
		if op = ws.OpText; !utf8.Valid(payload) {
			return abi.Invalid
		}
	}
	if !h.mayGo(len(payload), 1) {
		return abi.Busy
	}
	switch s.conn.Send(op, payload) {
	case nil:
		return abi.OK
	case netpoll.ErrWouldBlock:
		h.behind(s)
		return abi.WouldBlock
	}
	return abi.Closed
}

// notOpen is the answer to what can only be done with an open connection.
func notOpen(s *session) abi.Status {
	if s.state == sessionLive {
		return abi.Invalid // it waits for its accept
	}
	return abi.Closed
}

// accept answers the handshake with 101.
func (h *home) accept(s *session, fields []byte) abi.Status {
	if s.state != sessionLive || s.conn.Opened() {
		return abi.Closed
	}
	lines, protocol, body, status := h.headerLines(fields)
	if status != abi.OK {
		return status
	}
	if body != nil {
		return abi.Invalid
	}
	switch s.conn.Accept(protocol, lines) {
	case nil:
		s.picked(protocol)
		return abi.OK
	case netpoll.ErrProtocol:
		return abi.Invalid
	}
	return abi.Closed
}

// reject refuses the handshake with an HTTP response of the guest's.
func (h *home) reject(s *session, code uint32, fields []byte) abi.Status {
	if s.state != sessionLive || s.conn.Opened() {
		return abi.Closed
	}
	if code < 200 || code > 599 {
		return abi.Invalid
	}
	lines, protocol, body, status := h.headerLines(fields)
	if status != abi.OK {
		return status
	}
	switch {
	case protocol != nil:
		return abi.Invalid
	case len(body) > maxBodyBytes:
		return abi.TooBig
	}
	h.shard.response = wshead.AppendResponse(h.shard.response[:0], int(code), lines, body)
	s.conn.Refuse(h.shard.response, &netpoll.End{Code: ws.StatusAbnormalClosure, Cause: netpoll.ByHandler, Status: int(code)})
	return abi.OK
}

// What a guest can make of a response: a handshake that waits has no backlog with
// a limit of its own.
const (
	maxHeaderBytes = 16 << 10 // of header lines
	maxBodyBytes   = 64 << 10
)

// headerLines makes header lines of a guest's fields, in order, and finds the
// pseudo-fields among them. The result is valid until the next call.
func (h *home) headerLines(fields []byte) (lines, protocol, body []byte, status abi.Status) {
	lines = h.lines[:0]
	for {
		name, value, rest, ok, err := abi.NextField(fields)
		if err != nil {
			return nil, nil, nil, abi.Invalid
		}
		if !ok {
			h.lines = lines
			return lines, protocol, body, abi.OK
		}
		fields = rest
		switch {
		case string(name) == abi.FieldProtocol:
			protocol = value
			continue
		case string(name) == abi.FieldBody:
			body = value
			continue
		case wshead.Forbidden(name):
			return nil, nil, nil, abi.Denied
		case !wshead.ValidFieldName(name) || !wshead.ValidFieldValue(value):
			return nil, nil, nil, abi.Invalid
		}
		if len(lines)+len(name)+len(value)+len(": \r\n") > maxHeaderBytes {
			return nil, nil, nil, abi.TooBig
		}
		lines = append(append(lines, name...), ": "...)
		lines = append(append(lines, value...), "\r\n"...)
	}
}

// close starts the closing handshake, or refuses one that waits with 403.
func (h *home) close(s *session, code uint32, reason []byte) abi.Status {
	switch {
	case s.state != sessionLive:
		return abi.Closed
	case !utf8.Valid(reason):
		return abi.Invalid
	case !s.conn.Opened():
		// The code cannot reach the wire, so any will do: it is for the guest's
		// own close event and for the log.
		if code > 0xffff {
			return abi.Invalid
		}
		h.shard.response = wshead.AppendResponse(h.shard.response[:0], 403, nil, nil)
		s.conn.Refuse(h.shard.response, &netpoll.End{
			Code: ws.StatusCode(code), Reason: trim(reason), Cause: netpoll.ByHandler, Status: 403,
		})
		return abi.OK
	case !wsframe.Sendable(code):
		return abi.Invalid
	}
	if s.conn.Close(ws.StatusCode(code), string(reason), netpoll.ByHandler) != nil {
		return abi.Closed
	}
	s.leaving = true
	return abi.OK
}

// trim cuts a reason that is too long on a UTF-8 boundary.
func trim(reason []byte) []byte {
	n := min(len(reason), abi.MaxReason)
	for n < len(reason) && !utf8.RuneStart(reason[n]) {
		n--
	}
	return reason[:n]
}

func (h *home) subscribe(s *session, name []byte) abi.Status {
	if status := checkTopic(name); status != abi.OK {
		return status
	}
	if s.state != sessionLive {
		return abi.Closed
	}
	if !h.club.subscribe(s, name) {
		return abi.Busy
	}
	return abi.OK
}

func (h *home) unsubscribe(s *session, name []byte) abi.Status {
	if status := checkTopic(name); status != abi.OK {
		return status
	}
	if !h.club.unsubscribe(s, name) {
		return abi.NotFound
	}
	return abi.OK
}

// publicFrame encodes what is to be published from outside a program.
func publicFrame(topic []byte, text bool, payload []byte) ([]byte, abi.Status) {
	if status := checkTopic(topic); status != abi.OK {
		return nil, status
	}
	op := ws.OpBinary
	if text {
		if op = ws.OpText; !utf8.Valid(payload) {
			return nil, abi.Invalid
		}
	}
	return wsframe.AppendFrame(nil, op, payload), abi.OK
}

// publish sends to every subscriber of a topic: the first topicLen bytes of data
// are its name, the rest is the payload.
func (h *home) publish(conn handle, flags abi.Flags, topicLen uint32, data []byte) abi.Status {
	if uint64(topicLen) > uint64(len(data)) {
		return abi.Invalid
	}
	name, payload := data[:topicLen], data[topicLen:]
	if status := checkTopic(name); status != abi.OK {
		return status
	}
	if len(payload) > h.sendMax {
		return abi.TooBig
	}
	op := ws.OpBinary
	if flags&abi.Text != 0 {
		if op = ws.OpText; !utf8.Valid(payload) {
			return abi.Invalid
		}
	}
	var except *session
	if flags&abi.Except != 0 {
		// One that has gone need not be skipped any more.
		s, status := h.sessions.find(conn)
		if status == abi.Denied {
			return status
		}
		except = s
	}
	if !h.mayGo(len(payload), h.club.size(name)) || !h.club.publish(name, op, payload, except) {
		return abi.Busy
	}
	return abi.OK
}

// attach leaves bytes with the connection, which outlive the instance.
func (h *home) attach(s *session, data []byte) abi.Status {
	if len(data) > abi.MaxAttachment {
		return abi.TooBig
	}
	if s.extra == nil {
		s.extra = new(sessionExtra)
	}
	s.extra.attachment = append([]byte(nil), data...)
	return abi.OK
}

package wherry

import "github.com/seed-c6589352/wherry/abi"

// An Exchange is an HTTP request that is to be answered once, in OnRequest or later.
// When a deadline passes without an answer the client gets 504, and the guest is not
// told.
type Exchange struct {
	// State is the guest's own.
	State any

	handle   uint64
	site     *site
	request  *Request
	answered bool
}

// request has an HTTP request answered.
func request(r *abi.Record) {
	head := payload(r)
	s := siteOf(field(head, abi.FieldRoute))
	if s == nil {
		answer(abi.Respond, r.Conn, StatusNotFound, jsonHeader(nil), detailBody("Not Found"))
		return
	}
	if s.OnRequest == nil {
		answer(abi.Respond, r.Conn, StatusUpgradeRequired, jsonHeader(nil), detailBody("Upgrade Required"))
		return
	}
	x := &Exchange{handle: r.Conn, site: s, request: begin(head, nil)}
	if err := s.OnRequest(x); err != nil {
		f := &Failure{Exchange: x, Endpoint: s.Endpoint, Route: s.route, Event: "on_request", Err: err}
		f.settle()
	}
	x.request.end()
}

// Request returns the head. It is empty when OnRequest, and handlers of its error,
// have returned.
func (x *Exchange) Request() *Request { return x.request }

// Body returns the body of the request: a view that is good until OnRequest
// returns.
func (x *Exchange) Body() []byte { return field(x.request.fields, abi.FieldBody) }

// Answered reports whether Respond was called.
func (x *Exchange) Answered() bool { return x.answered }

// Respond answers with a status, fields and a body. A second time it returns a
// [*StateError].
func (x *Exchange) Respond(status int, header Header, body []byte) error {
	if x.answered {
		return &StateError{"respond", Closed}
	}
	if err := checkAnswer("respond", status, header); err != nil {
		return err
	}
	x.answered = true
	answer(abi.Respond, x.handle, status, header, body)
	return nil
}

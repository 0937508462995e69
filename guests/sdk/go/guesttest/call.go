package guesttest

import (
	"net/http"

	"github.com/seed-c6589352/wherry/internal/virtual"
)

// A Call is an HTTP request that was sent.
type Call struct{ call *virtual.Call }

// Begin sends an HTTP request that is no handshake, without asking for its response. A
// guest may answer it later.
func (h *Host) Begin(method, target string, body []byte, more ...Option) (*Call, error) {
	o := gather(more)
	c, err := h.world.BeginAsk(virtual.Request{Method: method, Target: target, Host: o.host, Header: o.header, Body: body})
	if err != nil {
		return nil, err
	}
	return &Call{c}, nil
}

// Response returns the response; [ErrNothing] if there is none yet, and none will come
// before time passes or a client does something.
func (c *Call) Response() (*Response, error) { return c.call.Response() }

// Do sends an HTTP request that is no handshake and returns its response, or
// [ErrNothing] if the guest has not answered.
func (h *Host) Do(method, target string, body []byte, more ...Option) (*Response, error) {
	c, err := h.Begin(method, target, body, more...)
	if err != nil {
		return nil, err
	}
	return c.Response()
}

// Get is Do for GET: otherwise than with a response, the test fails at once.
func (h *Host) Get(target string, more ...Option) *Response {
	h.t.Helper()
	return h.must(http.MethodGet, target, nil, more)
}

// Post is Get for POST, with a body.
func (h *Host) Post(target, contentType string, body []byte, more ...Option) *Response {
	h.t.Helper()
	return h.must(http.MethodPost, target, body, append([]Option{Header("Content-Type", contentType)}, more...))
}

func (h *Host) must(method, target string, body []byte, more []Option) *Response {
	h.t.Helper()
	r, err := h.Do(method, target, body, more...)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, target, err)
	}
	return r
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/seed-c6589352/wherry/internal/virtual"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A player plays a script.
type player struct {
	script  *testScript
	world   *virtual.World
	resolve func(name string) string // the path of a file that the script names
	clients map[string]*virtual.Client
	calls   map[string]*virtual.Call
}

// play plays the script on a module, and returns what the guest and the server have
// logged. The error is a [*problemsError] about the step that failed, behind which
// nothing was played.
func (s *testScript) play(module []byte, name string, resolve func(string) string) (log []virtual.Line, err error) {
	world, err := virtual.New(virtual.Config{
		Module: module, Routes: s.routes, Values: s.values, Limits: s.limits, CacheDir: virtual.CacheDir(),
	})
	var refusal *wasmhost.AdmissionError
	switch {
	case errors.As(err, &refusal):
		return nil, refusedError(name, refusal)
	case err != nil:
		return nil, fmt.Errorf("cannot start: %w", err)
	}
	p := &player{s, world, resolve, make(map[string]*virtual.Client), make(map[string]*virtual.Call)}
	for _, st := range s.steps {
		if err := p.step(st); err != nil {
			s.doc.fail(st.at, "%v", err)
			break
		}
	}
	err = s.doc.err()
	return world.Logs(), errors.Join(err, world.Close())
}

// step plays one step. An error says what was not as it is to be.
func (p *player) step(st step) error {
	switch st.action {
	case "connect":
		return p.connect(st)
	case "request":
		return p.request(st)
	case "answer":
		return p.answer(st)
	case "advance":
		return p.world.Advance(st.advance)
	case "log", "no_log":
		return p.log(st)
	case "reload":
		return p.reload(st)
	case "stop":
		return p.world.Stop()
	}
	c := p.clients[st.client]
	if c == nil {
		return fmt.Errorf("there is no client %q; connect it first", st.client)
	}
	switch st.action {
	case "send", "send_json":
		return c.Send(virtual.Message{Text: true, Data: []byte(st.said.text)})
	case "send_bytes":
		return c.Send(virtual.Message{Data: []byte(st.said.text)})
	case "close":
		reason := ""
		if st.reason != nil {
			reason = *st.reason
		}
		return c.Close(st.code, reason)
	case "abort":
		return c.Abort()
	case "closed":
		return expectClosed(c, st)
	case "nothing":
		return expectNothing(c)
	}
	return expectMessage(c, st.said)
}

// connect begins a connection and looks at what came of it.
func (p *player) connect(st step) error {
	c, err := p.world.Begin(st.target, virtual.Handshake{Header: st.header, Subprotocols: st.subprotocols})
	if err != nil {
		return err
	}
	p.clients[st.client] = c
	delete(p.calls, st.client)
	if err := c.Opened(); st.waits {
		return expectWaiting(err)
	}
	return expectOpened(c, st)
}

// request is connect for HTTP requests that are no handshakes.
func (p *player) request(st step) error {
	call, err := p.world.BeginAsk(virtual.Request{Method: st.method, Target: st.target, Header: st.header, Body: []byte(st.body)})
	if err != nil {
		return err
	}
	p.calls[st.client] = call
	delete(p.clients, st.client)
	if st.waits {
		_, err := call.Response()
		return expectWaiting(err)
	}
	return expectResponse(call, st)
}

// answer looks at what came of a connection or a request that waited.
func (p *player) answer(st step) error {
	if call := p.calls[st.client]; call != nil {
		return expectResponse(call, st)
	}
	if c := p.clients[st.client]; c != nil {
		return expectOpened(c, st)
	}
	return fmt.Errorf("client %q has neither connected nor asked for anything", st.client)
}

func (p *player) log(st step) error {
	found := false
	for _, line := range p.world.Logs() {
		found = found || strings.Contains(line.String(), st.line)
	}
	switch {
	case !found && st.action == "log":
		return fmt.Errorf("no line of the log has %q in it", st.line)
	case found && st.action == "no_log":
		return fmt.Errorf("a line of the log has %q in it", st.line)
	}
	return nil
}

func (p *player) reload(st step) error {
	module := builtinModule(st.file)
	if module == nil {
		var err error
		if module, err = readModule(p.resolve(st.file)); err != nil {
			return err
		}
	}
	return p.world.Reload(module)
}

func expectWaiting(err error) error {
	if err == nil {
		return errors.New("it was answered; want it to wait")
	}
	if errors.Is(err, virtual.ErrNothing) {
		return nil
	}
	return fmt.Errorf("%w; want it to wait", err)
}

// expectOpened holds what came of a handshake against what the step says.
func expectOpened(c *virtual.Client, st step) error {
	err := c.Opened()
	var refused *virtual.Refused
	switch {
	case err == nil && st.refused != 0:
		return fmt.Errorf("the handshake was accepted; want it refused with %d", st.refused)
	case err == nil:
		if got := c.Protocol(); st.protocol != nil && got != *st.protocol {
			return fmt.Errorf("the subprotocol is %q; want %q", got, *st.protocol)
		}
		return expectHeader(c.Header(), st)
	case errors.As(err, &refused) && st.refused != 0:
		if refused.Status != st.refused {
			return fmt.Errorf("%w; want %d", refused, st.refused)
		}
		return errors.Join(expectHeader(refused.Header, st), expectBody(refused.Body, st))
	}
	return err
}

func expectResponse(call *virtual.Call, st step) error {
	r, err := call.Response()
	if err != nil {
		return err
	}
	if st.status != 0 && r.Status != st.status {
		return fmt.Errorf("status %d, %.200q; want %d", r.Status, r.Body, st.status)
	}
	return errors.Join(expectHeader(r.Header, st), expectBody(r.Body, st))
}

func expectHeader(h http.Header, st step) error {
	for name, want := range st.responses {
		if got := strings.Join(h.Values(name), ", "); got != want {
			return fmt.Errorf("the response's %s is %q; want %q", name, got, want)
		}
	}
	return nil
}

func expectBody(body []byte, st step) error {
	switch {
	case st.bodyIs != nil && string(body) != *st.bodyIs:
		return fmt.Errorf("the body is %.200q; want %.200q", body, *st.bodyIs)
	case st.bodyHas != nil && !bytes.Contains(body, []byte(*st.bodyHas)):
		return fmt.Errorf("the body is %.200q; want %.200q in it", body, *st.bodyHas)
	case st.bodyJSON != nil:
		return expectJSON(string(body), *st.bodyJSON)
	}
	return nil
}

// expectJSON compares values: the order of keys and blanks do not matter.
func expectJSON(got, want string) error {
	g, err := decodeJSON(got)
	if err != nil {
		return fmt.Errorf("%.200q is no JSON: %w", got, err)
	}
	if w, _ := decodeJSON(want); !reflect.DeepEqual(g, w) {
		return fmt.Errorf("received JSON %.200s; want %.200s", got, want)
	}
	return nil
}

// describeMessage says what came, or was to come.
func describeMessage(text bool, data string) string {
	if text {
		return fmt.Sprintf("text %.200q", data)
	}
	return fmt.Sprintf("bytes %.100x", data)
}

// expectMessage receives a message that is the step's.
func expectMessage(c *virtual.Client, want saying) error {
	wanted := describeMessage(want.kind != someBytes, want.text)
	m, err := c.Receive()
	if err != nil {
		return fmt.Errorf("%w; want %s", err, wanted)
	}
	got := string(m.Data)
	switch is := describeMessage(m.Text, got); {
	case m.Text != (want.kind != someBytes):
		return fmt.Errorf("received %s; want %s", is, wanted)
	case want.kind == aJSON:
		return expectJSON(got, want.text)
	case want.kind == aPart:
		if !strings.Contains(got, want.text) {
			return fmt.Errorf("received %s; want %.200q in it", is, want.text)
		}
	case got != want.text:
		return fmt.Errorf("received %s; want %s", is, wanted)
	}
	return nil
}

func expectClosed(c *virtual.Client, st step) error {
	want := fmt.Sprintf("it closed with %d", st.code)
	if st.reason != nil {
		want += fmt.Sprintf(" %q", *st.reason)
	}
	m, err := c.Receive()
	var closed *virtual.Closed
	switch {
	case err == nil:
		return fmt.Errorf("received %s; want %s", describeMessage(m.Text, string(m.Data)), want)
	case !errors.As(err, &closed),
		closed.Code != st.code,
		st.reason != nil && closed.Reason != *st.reason:
		return fmt.Errorf("%w; want %s", err, want)
	}
	return nil
}

func expectNothing(c *virtual.Client) error {
	m, err := c.Receive()
	switch {
	case err == nil:
		return fmt.Errorf("received %s; want nothing", describeMessage(m.Text, string(m.Data)))
	case errors.Is(err, virtual.ErrNothing):
		return nil
	}
	return fmt.Errorf("%w; want nothing", err)
}

package conformance

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A Handshake is a request and the answer that it must get. README.md of the
// data explains the fields; of the choices that an RFC leaves, only ours is here.
type Handshake struct {
	ID             string
	Raw            string // one code point is one byte
	SHA256         string // of Wire
	Expect         int
	RequireHeaders map[string]string `json:"require_headers"` // to regular expressions
	ForbidHeaders  []string          `json:"forbid_headers"`
	MayDecline     bool              `json:"may_decline"` // the required field may be missing
	DropOK         bool              `json:"drop_ok"`     // no response will do
	MustClose      bool              `json:"must_close"`
	Delivery       string
	Responses      json.RawMessage // how many, or the status of each
	ResponsesAny   [][]int         `json:"responses_any"`
	Then           *struct {
		SendHex        string `json:"send_hex"`
		Frames         []string
		Close          []ws.StatusCode
		NoHTTPResponse bool `json:"no_http_response"`
	}
}

// Handshakes returns the cases of handshake.json.
func Handshakes(t testing.TB) []Handshake { return load[Handshake](t, "handshake.json") }

// Wire returns the request's bytes.
func (h *Handshake) Wire() (b []byte) {
	for _, r := range h.Raw {
		b = append(b, byte(r))
	}
	return b
}

// Deliveries returns the ways to deliver h. One with a clock has only its own.
func (h *Handshake) Deliveries(seed uint64) []Delivery {
	if h.Timed() {
		return []Delivery{Whole()}
	}
	return deliveries(h.ID, h.Delivery, len(h.Raw), seed)
}

// Timed reports whether h is about the deadline of a head: it needs a server
// whose deadline is [HeadDeadline].
func (h *Handshake) Timed() bool { return h.Delivery == "hold" || h.Delivery == "trickle:1s" }

// The cases' server waits five seconds for a head, and a slow client sends a byte
// a second. Both are scaled.
const (
	clockScale   = 10
	HeadDeadline = 5 * time.Second / clockScale
	trickleStep  = time.Second / clockScale
)

// Play plays h against the server at addr. weak reports a pass that is the case's
// second choice: no response where one is expected.
func (h *Handshake) Play(addr string, d Delivery) (weak bool, err error) {
	c, err := dial(addr, d)
	if err != nil {
		return false, err
	}
	defer c.tcp.Close()
	began := time.Now()
	if err := h.send(c); err != nil {
		return false, err
	}
	r, err := c.response()
	if errors.Is(err, errDropped) && h.DropOK {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if took := time.Since(began); h.Timed() && (took < HeadDeadline/2 || took > HeadDeadline*2) {
		return false, fmt.Errorf("%d after %v; the deadline is %v", r.status, took, HeadDeadline)
	}
	if err := h.check(r); err != nil {
		return false, err
	}
	if err := h.checkRest(c, r.status); err != nil {
		return false, fmt.Errorf("after the %d: %w", r.status, err)
	}
	return false, nil
}

func (h *Handshake) send(c *client) error {
	if h.Delivery != "trickle:1s" {
		if err := c.write(h.Wire()); err != nil || h.Delivery != "then-fin" {
			return err
		}
		return c.tcp.CloseWrite()
	}
	for _, b := range h.Wire() {
		if err := c.write([]byte{b}); err != nil {
			return err
		}
		c.waitUntil(trickleStep)
		if _, err := c.r.Peek(1); err == nil {
			break // it has answered
		}
	}
	return nil
}

// check compares the response.
func (h *Handshake) check(r *response) error {
	if r.status != h.Expect {
		return fmt.Errorf("got %d %q, want %d", r.status, r.body, h.Expect)
	}
	for name, pattern := range h.RequireHeaders {
		got := r.values(name)
		if len(got) == 0 && h.MayDecline {
			continue
		}
		if len(got) != 1 || !regexp.MustCompile(pattern).MatchString(got[0]) {
			return fmt.Errorf("%s is %q, want %s", name, got, pattern)
		}
	}
	for _, name := range h.ForbidHeaders {
		if got := r.values(name); got != nil {
			return fmt.Errorf("%s is %q, want none", name, got)
		}
	}
	return nil
}

// checkRest looks at what follows the first response.
func (h *Handshake) checkRest(c *client, status int) error {
	switch {
	case h.Then != nil:
		return h.checkThen(c)
	case h.Delivery == "then-fin":
		return c.ended(patience, true)
	case h.Responses != nil || h.ResponsesAny != nil:
		return h.checkResponses(c, status)
	case status == http.StatusSwitchingProtocols:
		return c.leave()
	case h.MustClose:
		return c.ended(patience, true)
	}
	return nil
}

// checkResponses reads the other responses, until one that switches or the end.
func (h *Handshake) checkResponses(c *client, status int) error {
	allowed := h.ResponsesAny
	if h.Responses != nil {
		var list []int
		if json.Unmarshal(h.Responses, &list) != nil {
			list = []int{status} // it says 1
		}
		allowed = [][]int{list}
	}
	longest := slices.MaxFunc(allowed, func(a, b []int) int { return len(a) - len(b) })
	got := []int{status}
	for len(got) < len(longest) {
		r, err := c.response()
		if errors.Is(err, errDropped) {
			break
		}
		if err != nil {
			return err
		}
		got = append(got, r.status)
	}
	if !slices.ContainsFunc(allowed, func(want []int) bool { return slices.Equal(want, got) }) {
		return fmt.Errorf("responses %v, want one of %v", got, allowed)
	}
	if got[len(got)-1] == http.StatusSwitchingProtocols {
		return c.leave()
	}
	if h.MustClose {
		return c.ended(patience, true)
	}
	return nil
}

// checkThen goes on after a 101.
func (h *Handshake) checkThen(c *client) error {
	b, err := hex.DecodeString(h.Then.SendHex)
	if err != nil {
		return err
	}
	if err := c.write(b); err != nil {
		return err
	}
	for _, want := range h.Then.Frames {
		f, err := c.frame()
		text, ok := strings.CutPrefix(want, "text:")
		if err != nil || !ok || f.Header.OpCode != ws.OpText || string(f.Payload) != text {
			return fmt.Errorf("opcode %d %q (%v), want %s", f.Header.OpCode, f.Payload, err, want)
		}
	}
	if h.Then.Close == nil {
		return c.leave()
	}
	f, err := c.frame()
	if err != nil {
		return err
	}
	code, _ := ws.ParseCloseFrameData(f.Payload)
	if f.Header.OpCode != ws.OpClose || !slices.Contains(h.Then.Close, code) {
		return fmt.Errorf("opcode %d, close code %d, want a close frame with one of %v", f.Header.OpCode, code, h.Then.Close)
	}
	return c.ended(patience, true) // and so no HTTP response either
}

package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// A Target is the server that a scenario is played against.
type Target struct {
	Addr   string
	Signal func(name string) error          // what an operator does; returns at once
	Exited func(within time.Duration) error // after Signal
}

// A player plays a scenario's steps.
type player struct {
	target   Target
	delivery Delivery
	clients  map[string]*client
	rssBytes int // before the first step
}

// Play plays the steps of s, and returns the error of the first that fails.
func (s *Scenario) Play(target Target, d Delivery) error {
	p := &player{target: target, delivery: d, clients: make(map[string]*client), rssBytes: rss()}
	defer func() {
		for _, c := range p.clients {
			c.tcp.Close()
		}
	}()
	for i := range s.Client {
		if err := p.step(&s.Client[i]); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// client returns the connection of a step, a new one at its first mention.
func (p *player) client(step *Step) (*client, error) {
	c := p.clients[step.Conn]
	if c == nil {
		var err error
		if c, err = dial(p.target.Addr, p.delivery); err != nil {
			return nil, err
		}
		p.clients[step.Conn] = c
	}
	return c, nil
}

func (p *player) step(s *Step) error {
	switch {
	case s.WaitMS > 0:
		time.Sleep(time.Duration(s.WaitMS) * time.Millisecond)
		return nil
	case s.Signal != "":
		return p.target.Signal(s.Signal)
	case s.TouchModule:
		return p.target.Signal("touch")
	case s.ExpectServer != nil:
		return p.expectServer(s.ExpectServer)
	}
	c, err := p.client(s)
	if err != nil {
		return err
	}
	switch {
	case s.SendHTTP != nil:
		return c.sendHead(s)
	case s.SendFrame != nil:
		return c.sendFrame(s.SendFrame)
	case s.SendFramesUntil != nil:
		return c.sendUntilBlocked(s.SendFramesUntil)
	case s.TCP != "":
		return c.act(s.TCP)
	case s.ExpectHTTP != nil:
		return c.expectHTTP(s.ExpectHTTP)
	case s.ExpectFrame != nil:
		return c.expectFrame(s.ExpectFrame)
	case s.ExpectEOF != nil:
		may := s.ExpectEOF.ResetAllowed
		return c.ended(time.Duration(s.ExpectEOF.WithinMS)*time.Millisecond, may == nil || *may)
	}
	return errors.New("unknown")
}

func (c *client) sendHead(s *Step) error {
	var b []byte
	for _, line := range s.SendHTTP {
		b = append(append(b, line...), "\r\n"...)
	}
	return c.send(append(b, "\r\n"...), s.ByteAtATime)
}

func (c *client) sendFrame(f *SentFrame) error {
	b, err := f.wire()
	if err != nil {
		return err
	}
	return c.send(b, f.ByteAtATime)
}

// send writes b, in single bytes where a step wants that.
func (c *client) send(b []byte, byteAtATime bool) error {
	if byteAtATime {
		d := c.delivery
		c.delivery = Bytewise()
		defer func() { c.delivery = d }()
	}
	return c.write(b)
}

// blockedFor is how long a write must take nothing until the server counts as
// not reading any more.
const blockedFor = 500 * time.Millisecond

func (c *client) sendUntilBlocked(f *SentFrame) error {
	b, err := f.wire()
	if err != nil {
		return err
	}
	for range f.Max {
		c.tcp.SetWriteDeadline(time.Now().Add(blockedFor))
		if _, err := c.tcp.Write(b); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return nil
			}
			return err
		}
	}
	return fmt.Errorf("%d frames were taken", f.Max)
}

func (c *client) act(tcp string) error {
	switch tcp {
	case "fin":
		return c.tcp.Close()
	case "rst":
		c.reset()
		return nil
	case "half_close":
		return c.tcp.CloseWrite()
	case "stop_reading":
		return nil // it only reads where it expects something
	}
	return fmt.Errorf("no such thing to do: %q", tcp)
}

func (c *client) expectHTTP(w *WantedHTTP) error {
	r, err := c.response()
	if err != nil {
		return err
	}
	if r.status != w.Status && !slices.Contains(w.StatusIn, r.status) {
		return fmt.Errorf("got %d %q, want %d%v", r.status, r.body, w.Status, w.StatusIn)
	}
	if err := w.checkFields(r); err != nil {
		return fmt.Errorf("%d: %w", r.status, err)
	}
	switch {
	case w.Body != nil && r.body != *w.Body,
		!strings.Contains(r.body, w.BodyContains),
		w.BodyNotContains != "" && strings.Contains(r.body, w.BodyNotContains),
		!strings.Contains(r.body, w.BodyContainsIfStatus[strconv.Itoa(r.status)]):
		return fmt.Errorf("the body of the %d is %q", r.status, r.body)
	}
	return nil
}

func (w *WantedHTTP) checkFields(r *response) error {
	for name, want := range w.Headers {
		if got := r.value(name); got != want {
			return fmt.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range w.AbsentHeaders {
		if got := r.values(name); got != nil {
			return fmt.Errorf("%s is %q, want none", name, got)
		}
	}
	for name, n := range w.MaxHeaderCount {
		if got := r.values(name); len(got) > n {
			return fmt.Errorf("%s is %q, want it %d times", name, got, n)
		}
	}
	if got := r.values("date"); len(got) > 1 {
		return fmt.Errorf("%d dates: %q", len(got), got)
	}
	rest := r.fields
	for _, want := range w.HeaderListContains {
		i := slices.Index(rest, want)
		if i < 0 {
			return fmt.Errorf("%q is not in %q, or not in order", want, r.fields)
		}
		rest = rest[i+1:]
	}
	return nil
}

func (c *client) expectFrame(w *WantedFrame) error {
	for {
		c.waitUntil(patience)
		f, err := c.frame()
		if err != nil {
			return fmt.Errorf("%w instead of a %s frame", err, w.Op)
		}
		ping := f.Header.OpCode == ws.OpPing
		if ping && (w.Op != "ping" || w.ReplyPong) {
			if err := c.write(masked(ws.NewPongFrame(f.Payload))); err != nil {
				return err
			}
		}
		if !ping || w.Op == "ping" {
			return w.check(f)
		}
	}
}

func (w *WantedFrame) check(f ws.Frame) error {
	if name := opName(f.Header.OpCode); name != w.Op {
		return fmt.Errorf("a %s frame %.80q, want %s", name, f.Payload, w.Op)
	}
	switch {
	case w.Op == "close":
		return w.checkClose(f.Payload)
	case w.Payload != nil && string(f.Payload) != *w.Payload,
		w.PayloadLen != nil && len(f.Payload) != *w.PayloadLen:
		return fmt.Errorf("a payload of %d bytes, %.80q", len(f.Payload), f.Payload)
	case w.JSONContains != nil:
		var got map[string]any
		if err := json.Unmarshal(f.Payload, &got); err != nil {
			return err
		}
		for key, want := range w.JSONContains {
			if got[key] != want {
				return fmt.Errorf("%q has %v as %s, want %v", f.Payload, got[key], key, want)
			}
		}
	}
	return nil
}

func (w *WantedFrame) checkClose(payload []byte) error {
	if len(payload) == 0 {
		if w.Code != nil {
			return fmt.Errorf("a close frame without a code, want %d", *w.Code)
		}
		return nil
	}
	code, reason := ws.ParseCloseFrameData(payload)
	switch {
	case w.CodeIn == nil && (w.Code == nil || code != *w.Code),
		w.CodeIn != nil && !slices.Contains(w.CodeIn, code),
		w.Reason != nil && reason != *w.Reason,
		w.ReasonMaxBytes > 0 && len(reason) > w.ReasonMaxBytes,
		!strings.HasPrefix(reason, w.ReasonPrefix),
		w.ReasonNotContains != "" && strings.Contains(reason, w.ReasonNotContains),
		!utf8.ValidString(reason):
		return fmt.Errorf("closed with %d %q", code, reason)
	}
	return nil
}

func (p *player) expectServer(w *WantedServer) error {
	if w.ExitedWithinMS > 0 {
		if err := p.target.Exited(time.Duration(w.ExitedWithinMS) * time.Millisecond); err != nil {
			return err
		}
	}
	if growth := rss() - p.rssBytes; w.RSSGrowthMaxMB > 0 && growth > w.RSSGrowthMaxMB<<20 {
		return fmt.Errorf("memory has grown by %d MiB, and may by %d", growth>>20, w.RSSGrowthMaxMB)
	}
	return nil
}

// rss returns the resident memory of this process in bytes, or 0 where /proc does
// not tell it.
func rss() int {
	b, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(b)
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(string(fields[1]))
	return pages * os.Getpagesize()
}

package conformance

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A FrameCase is what a client sends after its handshake, and what an echo server
// must answer. README.md of the data explains the fields; of the choices that the
// RFC leaves, only ours is here.
type FrameCase struct {
	ID     string
	Setup  struct{ Path, Extensions string }
	Steps  []FrameStep
	Expect struct {
		Frames []Frame // nil: whatever the server sends
		End    json.RawMessage
	}
	FramesOptional    bool   `json:"frames_optional"`      // a prefix of them is enough
	PongsMayCoalesce  bool   `json:"pongs_may_coalesce"`   // not every ping need be answered
	TCPClosedWithinMS int    `json:"tcp_closed_within_ms"` // after the close frame
	Client            string // "no-read": not before it has sent everything
	Delivery          string
	Generator         string // the bytes are a program's, not the file's
}

// A FrameStep has one of its fields set, and Repeat.
type FrameStep struct {
	SendHex   string `json:"send_hex"`
	Repeat    int    // how often it is sent; 0 is once
	WaitMS    int    `json:"wait_ms"`
	TCP       string // "fin" or "rst"
	ExpectNow string `json:"expect_now"` // "fail-now": the server must not need more to fail
}

// A Frame is one that the server has to send.
type Frame struct {
	Op            string
	PayloadHex    *string `json:"payload_hex"`
	PayloadSHA256 string  `json:"payload_sha256"`
	Repeat        *Frame  `json:"repeat_frame"` // instead: this one, N times
	N             int
}

// FrameCases returns the cases of frames.json.gz.
func FrameCases(t testing.TB) []FrameCase { return load[FrameCase](t, "frames.json.gz") }

// Matches reports whether got is f.
func (f *Frame) Matches(got ws.Frame) bool {
	if opName(got.Header.OpCode) != f.Op {
		return false
	}
	if f.PayloadHex != nil {
		return hex.EncodeToString(got.Payload) == *f.PayloadHex
	}
	return fmt.Sprintf("%x", sha256.Sum256(got.Payload)) == f.PayloadSHA256
}

func opName(op ws.OpCode) string {
	switch op {
	case ws.OpContinuation:
		return "continuation"
	case ws.OpText:
		return "text"
	case ws.OpBinary:
		return "binary"
	case ws.OpClose:
		return "close"
	case ws.OpPing:
		return "ping"
	case ws.OpPong:
		return "pong"
	}
	return fmt.Sprintf("opcode %d", op)
}

// Wanted returns the frames that must come, repetitions written out.
func (c *FrameCase) Wanted() (want []Frame) {
	for _, f := range c.Expect.Frames {
		if f.Repeat != nil {
			want = append(want, slices.Repeat([]Frame{*f.Repeat}, f.N)...)
			continue
		}
		want = append(want, f)
	}
	return want
}

// Ends lists the ends that are allowed: "open", "drop", "close CODE" or "fail
// CODE". A close frame without a code has 1005.
func (c *FrameCase) Ends() (ends []string, err error) {
	var word string
	if json.Unmarshal(c.Expect.End, &word) == nil {
		return []string{word}, nil
	}
	var end struct {
		Close, Fail []any
		AnyOf       []string `json:"any_of"`
	}
	if err := json.Unmarshal(c.Expect.End, &end); err != nil {
		return nil, err
	}
	for _, code := range end.Close {
		if code == "none" {
			code = ws.StatusNoStatusRcvd
		}
		ends = append(ends, fmt.Sprintf("close %v", code))
	}
	for _, code := range end.Fail {
		ends = append(ends, fmt.Sprintf("fail %v", code))
	}
	for _, s := range end.AnyOf {
		s, _, _ = strings.Cut(s, " with ")
		codes, isFail := strings.CutPrefix(s, "fail ")
		switch {
		case isFail:
			for code := range strings.SplitSeq(codes, "/") {
				ends = append(ends, "fail "+code)
			}
		case s == "open", strings.HasSuffix(s, " echoes"):
			ends = append(ends, "open")
		}
	}
	return ends, nil
}

// Writes returns what the client sends, one for each step that sends.
func (c *FrameCase) Writes() (writes [][]byte, err error) {
	for _, s := range c.Steps {
		b, err := hex.DecodeString(s.SendHex)
		if err != nil {
			return nil, err
		}
		writes = append(writes, bytes.Repeat(b, max(s.Repeat, 1)))
	}
	return writes, nil
}

// Deliveries returns the ways to deliver c.
func (c *FrameCase) Deliveries(seed uint64) []Delivery {
	size := 0
	for _, s := range c.Steps {
		size += len(s.SendHex) / 2 * max(s.Repeat, 1)
	}
	return deliveries(c.ID, c.Delivery, size, seed)
}

// probe is the ping that a server must answer which is to be open still.
var probe = ws.NewPingFrame([]byte("still open?"))

// A Transcript is what a server sent after the handshake.
type Transcript struct {
	Frames []ws.Frame // before the close frame
	End    string     // as in [FrameCase.Ends], or what went wrong

	code   ws.StatusCode
	closed time.Time // when the close frame came
	ended  time.Time
	open   bool // the probe was answered
	done   chan struct{}
}

// Play plays c against the echo server at addr, whose path takes a query. It
// returns what came back, and an error if that is not what c wants.
func (c *FrameCase) Play(addr, query string, d Delivery) (*Transcript, error) {
	conn, err := dial(addr, Whole())
	if err != nil {
		return nil, err
	}
	defer conn.tcp.Close()
	target, extra := cmp.Or(c.Setup.Path, "/ws")+"?"+query, ""
	if c.Setup.Extensions != "" {
		extra = "Sec-WebSocket-Extensions: " + c.Setup.Extensions + "\r\n"
	}
	answer, err := conn.upgrade(target, extra)
	if err != nil {
		return nil, err
	}
	if extra != "" {
		if conn.deflation, err = agreed(c.Setup.Extensions, answer); err != nil {
			return nil, err
		}
	}
	conn.delivery = d
	ends, err := c.Ends()
	if err != nil {
		return nil, err
	}
	got := &Transcript{done: make(chan struct{})}
	if c.Client != "no-read" {
		go got.read(conn)
	}
	if err := c.send(conn, got, slices.Contains(ends, "open")); err != nil {
		return got, err
	}
	conn.waitUntil(patience) // to send may have taken longer
	if c.Client == "no-read" {
		go got.read(conn)
	}
	<-got.done
	return got, c.check(got, ends)
}

// send plays the steps. Those that only send are one write for the delivery to
// cut. If the connection is to be open then, a ping and a close frame follow.
func (c *FrameCase) send(conn *client, got *Transcript, open bool) error {
	writes, err := c.Writes()
	if err != nil {
		return err
	}
	var pending []byte
	flush := func() error {
		b := pending
		pending = nil
		if len(b) == 0 {
			return nil
		}
		return conn.write(b)
	}
	for i, s := range c.Steps {
		pending = append(pending, writes[i]...)
		if s.SendHex != "" {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		switch {
		case s.WaitMS > 0:
			time.Sleep(time.Duration(s.WaitMS) * time.Millisecond)
		case s.TCP == "fin":
			conn.tcp.CloseWrite()
		case s.TCP == "rst":
			conn.reset()
		case s.ExpectNow == "fail-now":
			conn.waitUntil(patience)
			<-got.done // the rest has nobody to read it
		default:
			return fmt.Errorf("step %d is unknown", i)
		}
	}
	if open {
		pending = append(pending, masked(probe)...)
		pending = append(pending, bye...)
	}
	return flush()
}

// read reads frames to the end of the stream.
func (g *Transcript) read(c *client) {
	defer close(g.done)
	for {
		f, err := c.frame()
		switch {
		case err == io.EOF, errors.Is(err, net.ErrClosed):
			g.End, g.code = "drop", ws.StatusAbnormalClosure
			return
		case err != nil:
			g.End = err.Error()
			return
		case f.Header.OpCode == ws.OpPong && bytes.Equal(f.Payload, probe.Payload):
			g.open = true
		case f.Header.OpCode == ws.OpClose:
			g.finish(c, f)
			return
		default:
			g.Frames = append(g.Frames, f)
		}
	}
}

// finish waits for the end of the stream, which follows a close frame.
func (g *Transcript) finish(c *client, f ws.Frame) {
	g.closed = time.Now()
	g.code = ws.StatusNoStatusRcvd
	if len(f.Payload) > 0 {
		g.code, _ = ws.ParseCloseFrameData(f.Payload)
	}
	g.End = fmt.Sprintf("close %d", g.code)
	if err := c.ended(patience, true); err != nil {
		g.End += ", " + err.Error()
	}
	g.ended = time.Now()
}

// Code returns the code of the server's close frame, 1005 if it had none, or 1006
// if there was no close frame.
func (g *Transcript) Code() ws.StatusCode { return g.code }

// check compares what came with what c wants.
func (c *FrameCase) check(got *Transcript, ends []string) error {
	if got.open && got.End == "close 1000" {
		got.End = "open"
	}
	if failed := strings.Replace(got.End, "close", "fail", 1); slices.Contains(ends, failed) {
		got.End = failed // on the wire a close frame that answers and one that fails look the same
	}
	if !slices.Contains(ends, got.End) {
		return fmt.Errorf("ended with %q after %d frames, want one of %q", got.End, len(got.Frames), ends)
	}
	if limit := time.Duration(c.TCPClosedWithinMS) * time.Millisecond; limit > 0 && got.ended.Sub(got.closed) > limit {
		return fmt.Errorf("the stream ended %v after the close frame, want %v", got.ended.Sub(got.closed), limit)
	}
	if c.Expect.Frames == nil {
		return nil
	}
	want := c.Wanted()
	if c.PongsMayCoalesce && len(got.Frames) < len(want) {
		want = want[len(want)-len(got.Frames):]
	}
	if c.FramesOptional && len(got.Frames) < len(want) {
		want = want[:len(got.Frames)]
	}
	if len(got.Frames) != len(want) {
		return fmt.Errorf("%d frames, want %d", len(got.Frames), len(want))
	}
	for i, f := range got.Frames {
		if !want[i].Matches(f) {
			return fmt.Errorf("frame %d is %s with %d bytes, want %s", i, opName(f.Header.OpCode), len(f.Payload), want[i].Op)
		}
	}
	return nil
}

// CloseSweep returns a case for every code of a sample of all: the bytes of
// "close-sweep", which the file leaves to the program.
func CloseSweep() (cases []FrameCase) {
	for code := range 1 << 16 {
		valid := code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
		if sampled := code%500 < 20 || code%500 > 497 || code%251 == 0 || code > 1<<16-3; !sampled {
			continue // the borders are at hundreds, and a bit behind them
		}
		b := masked(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(code), "")))
		c := FrameCase{ID: fmt.Sprintf("close-sweep-%d", code), Steps: []FrameStep{{SendHex: hex.EncodeToString(b)}}}
		c.Expect.Frames = []Frame{}
		c.Expect.End = []byte(`{"fail":[1002]}`)
		if valid {
			c.Expect.End = fmt.Appendf(nil, `{"close":[%d]}`, code)
		}
		cases = append(cases, c)
	}
	return cases
}

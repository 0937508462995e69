package wsframe_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

const conformanceLimit = 1 << 20 // bytes; message_limit of the cases' server

// exclusion is why this runner cannot run c, or "" if it can.
func exclusion(c *conformance.FrameCase) string {
	switch {
	case c.Setup.Path == "/ws-deflate":
		return "needs permessage-deflate, which is not this package's part"
	case c.Generator == "close_sweep":
		return "is a program: TestCloseCodes runs it"
	}
	return ""
}

// reads returns what the client sends, one write a step, and how many of the
// first writes must be enough for the server to fail, or 0.
func reads(t *testing.T, c *conformance.FrameCase) (reads [][]byte, failedAfter int) {
	reads, err := c.Writes()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range c.Steps {
		if s.ExpectNow == "fail-now" {
			failedAfter = i
		}
	}
	return reads, failedAfter
}

// An echo is the server of the cases, without a socket.
type echo struct {
	listener
	sent []byte // everything that it wrote
	end  string // "open", "close CODE" or "fail CODE"
}

func newEcho(t *testing.T) *echo {
	e := &echo{listener: listener{t: t, r: wsframe.NewReader(conformanceLimit), limit: conformanceLimit}, end: "open"}
	e.handle = e.answer
	return e
}

func (e *echo) answer(it *wsframe.Item, payload []byte) {
	switch it.Kind {
	case wsframe.Message, wsframe.Part:
		e.sent = wsframe.AppendFrame(e.sent, it.Op, payload)
	case wsframe.Ping:
		e.sent = wsframe.AppendFrame(e.sent, ws.OpPong, payload)
	case wsframe.Close:
		e.end = fmt.Sprintf("close %d", it.Code)
	}
}

// run feeds reads to a new echo server. An error becomes its end.
func run(t *testing.T, reads ...[]byte) *echo {
	e := newEcho(t)
	for _, b := range reads {
		e.hear(b)
	}
	if e.err != nil {
		e.end = fmt.Sprintf("fail %d", e.err.(*wsframe.Error).Code)
	}
	return e
}

// TestConformance runs every case as it is written, in single bytes, and cut
// in two: at every point, or for a long case around every frame's header.
func TestConformance(t *testing.T) {
	cases := append(conformance.FrameCases(t), conformance.SectionCases()...)
	excluded := map[string]int{}
	var ran, splits int
	for _, c := range cases {
		if why := exclusion(&c); why != "" {
			excluded[why]++
			continue
		}
		ran++
		t.Run(c.ID, func(t *testing.T) {
			reads, failedAfter := reads(t, &c)
			want := run(t, reads...)
			check(t, &c, want)
			if failedAfter > 0 && run(t, reads[:failedAfter]...).err == nil {
				t.Errorf("has not failed after %d writes", failedAfter)
			}
			all := bytes.Join(reads, nil)
			same := func(how string, reads ...[]byte) {
				if got := run(t, reads...); got.end != want.end || !bytes.Equal(got.sent, want.sent) {
					t.Fatalf("%s: ended %q after %d bytes; as written %q after %d", how, got.end, len(got.sent), want.end, len(want.sent))
				}
			}
			same("whole", all)
			same("bytewise", bytewise(all)...)
			for _, n := range cuts(all, 4096) {
				same(fmt.Sprintf("cut at %d", n), all[:n], all[n:])
				splits++
			}
		})
	}
	t.Logf("%d cases, %d run whole, bytewise and at %d cuts in two", len(cases), ran, splits)
	for why, n := range excluded {
		t.Logf("%d excluded: %s", n, why)
	}
}

// cuts returns where to cut b in two: everywhere, or, where b is so long that this
// would take minutes, at both ends and at some points between.
func cuts(b []byte, everywhereBytes int) []int {
	const endBytes, between = 16, 8
	var at []int
	stride := max(len(b)/between, 1)
	for n := range len(b) {
		if len(b) <= everywhereBytes || n < endBytes || len(b)-n <= endBytes || n%stride == 0 {
			at = append(at, n)
		}
	}
	return at
}

// check compares what the server did with what the case expects.
func check(t *testing.T, c *conformance.FrameCase, e *echo) {
	ends, err := c.Ends()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(ends, "drop") {
		ends = []string{"open"} // TCP ends, of which no byte tells
	}
	if !slices.Contains(ends, e.end) {
		t.Errorf("ended with %q, want one of %q", e.end, ends)
	}
	if c.Expect.Frames == nil {
		return // the case leaves them open
	}
	want, got := c.Wanted(), readFrames(t, e.sent)
	if len(got) != len(want) && !(c.FramesOptional && len(got) < len(want)) {
		t.Fatalf("sent %d frames, want %d", len(got), len(want))
	}
	for i, f := range got {
		if !want[i].Matches(f) {
			t.Errorf("frame %d: sent %v with %d bytes, want %v", i, f.Header.OpCode, len(f.Payload), want[i].Op)
		}
	}
}

// readFrames decodes what a server sent, with gobwas/ws.
func readFrames(t *testing.T, b []byte) []ws.Frame {
	var frames []ws.Frame
	for r := bytes.NewReader(b); r.Len() > 0; {
		f, err := ws.ReadFrame(r)
		if err == nil {
			err = ws.CheckHeader(f.Header, ws.StateClientSide)
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	return frames
}

package wsframe_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

const (
	conformanceFile  = "../../testdata/conformance/frames.json.gz"
	conformanceLimit = 1 << 20 // bytes; message_limit of the cases' server
)

// A frameCase is bytes from a client and what an echo server answers. The
// file's own meta object explains the fields.
type frameCase struct {
	ID    string
	Setup struct{ Path string }
	Steps []struct {
		SendHex   string `json:"send_hex"`
		Repeat    int
		ExpectNow string `json:"expect_now"`
	}
	Expect struct {
		Frames []caseFrame
		End    json.RawMessage
	}
	FramesOptional bool   `json:"frames_optional"`
	Generator      string // the bytes are a program's, not the file's
}

// A caseFrame is a frame that the server has to send.
type caseFrame struct {
	Op            string
	PayloadHex    *string    `json:"payload_hex"`
	PayloadSHA256 string     `json:"payload_sha256"`
	Repeat        *caseFrame `json:"repeat_frame"`
	N             int        // of Repeat
}

// exclusion is why this runner cannot run c, or "" if it can.
func (c *frameCase) exclusion() string {
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
func (c *frameCase) reads(t *testing.T) (reads [][]byte, failedAfter int) {
	for _, s := range c.Steps {
		b, err := hex.DecodeString(s.SendHex)
		if err != nil {
			t.Fatal(err)
		}
		if s.ExpectNow == "fail-now" {
			failedAfter = len(reads)
		}
		reads = append(reads, bytes.Repeat(b, max(s.Repeat, 1)))
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
	e := &echo{listener: listener{t: t, r: wsframe.NewReader(conformanceLimit)}, end: "open"}
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
	cases := loadCases(t)
	excluded := map[string]int{}
	var ran, splits int
	for _, c := range cases {
		if why := c.exclusion(); why != "" {
			excluded[why]++
			continue
		}
		ran++
		t.Run(c.ID, func(t *testing.T) {
			reads, failedAfter := c.reads(t)
			want := run(t, reads...)
			c.check(t, want)
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
			for _, n := range cuts(all) {
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

func loadCases(t *testing.T) []frameCase {
	f, err := os.Open(conformanceFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []frameCase }
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// cuts returns where to cut b in two: everywhere, or, where that would take
// minutes, at both ends and at some points between.
func cuts(b []byte) []int {
	const everywhereBytes, endBytes, between = 4096, 16, 8
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
func (c *frameCase) check(t *testing.T, e *echo) {
	if ends := c.ends(t); !slices.Contains(ends, e.end) {
		t.Errorf("ended with %q, want one of %q", e.end, ends)
	}
	var want []caseFrame
	for _, f := range c.Expect.Frames {
		if f.Repeat != nil {
			want = append(want, slices.Repeat([]caseFrame{*f.Repeat}, f.N)...)
			continue
		}
		want = append(want, f)
	}
	if c.Expect.Frames == nil {
		return // the case leaves them open
	}
	got := readFrames(t, e.sent)
	if len(got) != len(want) && !(c.FramesOptional && len(got) < len(want)) {
		t.Fatalf("sent %d frames, want %d", len(got), len(want))
	}
	for i, f := range got {
		if !want[i].matches(f) {
			t.Errorf("frame %d: sent %v with %d bytes, want %v", i, f.Header.OpCode, len(f.Payload), want[i].Op)
		}
	}
}

// ends lists the ends that the case allows.
func (c *frameCase) ends(t *testing.T) []string {
	var word string
	if json.Unmarshal(c.Expect.End, &word) == nil {
		return []string{"open"} // or "drop": TCP ends, of which no byte tells
	}
	var end struct {
		Close, Fail []any
		AnyOf       []string `json:"any_of"`
	}
	if err := json.Unmarshal(c.Expect.End, &end); err != nil {
		t.Fatal(err)
	}
	var ends []string
	for _, code := range end.Close {
		if code == "none" {
			code = ws.StatusNoStatusRcvd
		}
		ends = append(ends, fmt.Sprintf("close %v", code))
	}
	for _, code := range end.Fail {
		ends = append(ends, fmt.Sprintf("fail %v", code))
	}
	if slices.ContainsFunc(end.AnyOf, func(s string) bool { return strings.HasPrefix(s, "open") }) {
		ends = append(ends, "open")
	}
	return ends
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

func (f caseFrame) matches(got ws.Frame) bool {
	op := map[ws.OpCode]string{ws.OpText: "text", ws.OpBinary: "binary", ws.OpPong: "pong"}[got.Header.OpCode]
	if op != f.Op {
		return false
	}
	if f.PayloadHex != nil {
		return hex.EncodeToString(got.Payload) == *f.PayloadHex
	}
	return fmt.Sprintf("%x", sha256.Sum256(got.Payload)) == f.PayloadSHA256
}

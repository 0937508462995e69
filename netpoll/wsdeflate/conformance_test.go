package wsdeflate

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

const conformanceLimit = 1 << 20 // bytes; message_limit of the cases' server

// A frameCase is bytes from a client that offered permessage-deflate, and what
// an echo server answers, inflated. The file's own meta object explains the
// fields.
type frameCase struct {
	ID    string
	Setup struct{ Path, Extensions string }
	Steps []struct {
		SendHex string `json:"send_hex"`
		Repeat  int
	}
	Expect struct {
		Frames []struct {
			Op            string
			PayloadHex    *string `json:"payload_hex"`
			PayloadSHA256 string  `json:"payload_sha256"`
		}
		End json.RawMessage
	}
	FramesOptional bool `json:"frames_optional"`
}

func loadFrameCases(t *testing.T) []frameCase {
	f, err := os.Open("../../testdata/conformance/frames.json.gz")
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
	return slices.DeleteFunc(file.Cases, func(c frameCase) bool { return c.Setup.Path != "/ws-deflate" })
}

// reads returns what the client sends, one write a step.
func (c *frameCase) reads(t *testing.T) (reads [][]byte) {
	for _, s := range c.Steps {
		for range max(s.Repeat, 1) {
			reads = append(reads, unhex(t, s.SendHex))
		}
	}
	return reads
}

// An echo is the server of the cases, without a socket, and a client that
// inflates what it sends.
type echo struct {
	t        *testing.T
	params   Params
	frames   wsframe.Reader
	spill    []byte
	inflater Inflater
	deflater *Deflater
	in, out  *Window // of the server
	client   *Window // of the client: what the server sent
	message  []byte  // what the open compressed message has inflated to
	plain    []byte  // what has come of the open message that is not compressed
	heard    []string
	err      error
}

func newEcho(t *testing.T, offer string) *echo {
	p, ok := Negotiate(func(yield func([]byte) bool) { yield([]byte(offer)) }, takeover)
	if !ok {
		t.Fatalf("declined %q", offer)
	}
	e := &echo{
		t: t, params: p, frames: wsframe.NewReader(conformanceLimit),
		deflater: NewDeflater(Config{MinBytes: 1}),
		in:       p.InflateWindow(), out: p.DeflateWindow(), client: p.DeflateWindow(),
		message: make([]byte, conformanceLimit),
	}
	e.frames.AllowCompressed()
	return e
}

// hear takes one read's worth of bytes, until the first error.
func (e *echo) hear(b []byte) {
	b = append(slices.Clip(e.spill), b...)
	e.spill = nil
	var it wsframe.Item
	for len(b) > 0 && e.err == nil {
		var n int
		if n, e.err = e.frames.Next(b, &it); e.err != nil {
			return
		}
		switch it.Kind {
		case wsframe.More:
			e.spill = b
			return
		case wsframe.Message, wsframe.Part:
			e.data(&it)
		}
		b = b[n:]
	}
}

// data takes payload, and answers a message that is complete.
func (e *echo) data(it *wsframe.Item) {
	if e.err = e.frames.Copy(it.Payload, it); e.err != nil {
		return
	}
	last := it.Final || it.Kind == wsframe.Message
	if !it.Compressed {
		if e.plain = append(e.plain, it.Payload...); last {
			e.answer(it.Op, e.plain)
			e.plain = nil
		}
		return
	}
	if it.First || it.Kind == wsframe.Message {
		e.inflater.Start(e.in, conformanceLimit, it.Op == ws.OpText)
	}
	_, at, err := e.inflater.Inflate(e.message, it.Payload, last)
	if e.err = err; at == Done && err == nil {
		e.answer(it.Op, e.message[:e.inflater.Size()])
	}
}

// answer sends payload back, and the client hears it.
func (e *echo) answer(op ws.OpCode, payload []byte) {
	wire, ok := e.deflater.Append(nil, payload, e.params, e.out)
	if ok {
		got, err := inflateIn(new(Inflater), e.client, len(payload), op == ws.OpText, wire)
		if err != nil || !bytes.Equal(got, payload) {
			e.t.Fatalf("the client does not hear what was sent: %v", err)
		}
	}
	name := map[ws.OpCode]string{ws.OpText: "text", ws.OpBinary: "binary"}[op]
	e.heard = append(e.heard, fmt.Sprintf("%s %x", name, sha256.Sum256(payload)))
}

// end is how the case may expect the connection to stand.
func (e *echo) end() string {
	if e.err != nil {
		return fmt.Sprintf("fail %d", e.err.(*wsframe.Error).Code)
	}
	return "open"
}

// want returns what the case expects to be heard, or nil if it leaves that open,
// and how it may end.
func (c *frameCase) want(t *testing.T) (heard, ends []string) {
	for _, f := range c.Expect.Frames {
		sum := f.PayloadSHA256
		if f.PayloadHex != nil {
			b, err := hex.DecodeString(*f.PayloadHex)
			if err != nil {
				t.Fatal(err)
			}
			sum = fmt.Sprintf("%x", sha256.Sum256(b))
		}
		heard = append(heard, f.Op+" "+sum)
	}
	var word string
	if json.Unmarshal(c.Expect.End, &word) == nil {
		return heard, []string{word}
	}
	var end struct {
		Fail  []int
		AnyOf []string `json:"any_of"`
	}
	if err := json.Unmarshal(c.Expect.End, &end); err != nil {
		t.Fatal(err)
	}
	for _, code := range end.Fail {
		ends = append(ends, fmt.Sprintf("fail %d", code))
	}
	for _, words := range end.AnyOf {
		ends = append(ends, "open")
		if strings.HasPrefix(words, "fail") {
			ends = append(ends, "fail 1007")
		}
	}
	return heard, ends
}

func TestConformance(t *testing.T) {
	cases := loadFrameCases(t)
	if len(cases) != 31 {
		t.Errorf("%d cases, want 31", len(cases))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			reads := c.reads(t)
			run := func(reads ...[]byte) *echo {
				e := newEcho(t, c.Setup.Extensions)
				for _, b := range reads {
					e.hear(bytes.Clone(b))
				}
				return e
			}
			first := run(reads...)
			heard, ends := c.want(t)
			if !slices.Contains(ends, first.end()) {
				t.Errorf("ended with %q, want one of %q", first.end(), ends)
			}
			if c.Expect.Frames != nil && !slices.Equal(first.heard, heard) {
				t.Errorf("heard %q, want %q", first.heard, heard)
			}
			if c.Expect.Frames == nil && first.err == nil && len(first.heard) != len(reads) {
				t.Errorf("heard %d messages, want %d", len(first.heard), len(reads))
			}
			all := bytes.Join(reads, nil)
			pieces := map[string][][]byte{"whole": {all}, "bytewise": bytewise(all)}
			for n := 0; n < len(all); n += 1 + len(all)/10 {
				pieces[fmt.Sprintf("cut at %d", n)] = [][]byte{all[:n], all[n:]}
			}
			for how, p := range pieces {
				if e := run(p...); e.end() != first.end() || !slices.Equal(e.heard, first.heard) {
					t.Fatalf("%s: ended with %q after %d messages; as written %q after %d",
						how, e.end(), len(e.heard), first.end(), len(first.heard))
				}
			}
		})
	}
}

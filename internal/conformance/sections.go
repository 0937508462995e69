package conformance

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// SectionCases returns what sections 1 to 7 of the Autobahn suite try and the file
// of cases leaves out. README.md says which section is covered by what.
func SectionCases() (cases []FrameCase) {
	add := func(id, end string, want []ws.Frame, send ...ws.Frame) {
		cases = append(cases, sectionCase(id, end, want, send))
	}
	const (
		protocolError = `{"fail":[1002]}`
		closed        = `{"close":[1000]}`
	)
	text := func(s string) ws.Frame { return ws.NewTextFrame([]byte(s)) }
	begin := func(s string) ws.Frame { return ws.NewFrame(ws.OpText, false, []byte(s)) }
	more := func(s string, fin bool) ws.Frame { return ws.NewFrame(ws.OpContinuation, fin, []byte(s)) }
	ping := func(s string) ws.Frame { return ws.NewPingFrame([]byte(s)) }
	pong := func(s string) ws.Frame { return ws.NewPongFrame([]byte(s)) }
	reserved := func(f ws.Frame, rsv byte) ws.Frame { f.Header.Rsv = rsv; return f }
	numbered := func(op ws.OpCode, s string) ws.Frame { return ws.NewFrame(op, true, []byte(s)) }
	bye := ws.NewCloseFrame(ws.NewCloseFrameBody(1000, ""))
	echo := func(frames ...ws.Frame) []ws.Frame { return frames }

	for _, op := range []ws.OpCode{ws.OpText, ws.OpBinary} {
		f := ws.NewFrame(op, true, []byte(strings.Repeat("*", 127)))
		add(fmt.Sprintf("1.%d.4", op), "open", echo(f), f)
	}

	add("2.1", "open", echo(pong("")), ping(""))
	add("2.3", "open", echo(pong("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")), ping("\x00\xff\xfe\xfd\xfc\xfb\x00\xff"))
	add("2.8", "open", echo(), pong("unsolicited"))
	add("2.9", "open", echo(pong("asked")), pong("unsolicited"), ping("asked"))

	add("3.2", protocolError, echo(text("Hello")), text("Hello"), reserved(text("Hello"), 2), ping(""))
	add("3.5", protocolError, echo(), reserved(numbered(ws.OpBinary, "\x00\xff"), 5))
	add("3.6", protocolError, echo(), reserved(ping("Hello"), 6))
	add("3.7", protocolError, echo(), reserved(bye, 7))

	add("4.1.2", protocolError, echo(), numbered(4, "reserved"))
	add("4.1.3", protocolError, echo(text("Hello")), text("Hello"), numbered(5, ""), ping(""))
	add("4.2.1", protocolError, echo(), numbered(11, ""))
	add("4.2.3", protocolError, echo(text("Hello")), text("Hello"), numbered(13, ""), ping(""))

	add("5.3", "open", echo(text("fragment1fragment2")), begin("fragment1"), more("fragment2", true))
	add("5.16", protocolError, echo(), more("fragment1", false), begin("fragment2"), more("fragment3", true))
	add("5.17", protocolError, echo(), more("fragment1", true), begin("fragment2"), more("fragment3", true))
	add("5.19", "open", echo(pong("pongme 1!"), pong("pongme 2!"), text("fragment1fragment2fragment3fragment4fragment5")),
		begin("fragment1"), more("fragment2", false), ping("pongme 1!"),
		more("fragment3", false), more("fragment4", false), ping("pongme 2!"), more("fragment5", true))

	cosmos := "κόσμε"
	add("6.2.2", "open", echo(text(cosmos+cosmos)), begin(cosmos), more(cosmos, true))
	add("6.4.1", `{"fail":[1007]}`, echo(), begin(cosmos), more("\xf4\x90\x80\x80", false), more("edited", true))
	add("6.4.2", `{"fail":[1007]}`, echo(), begin(cosmos+"\xf4"), more("\x90", false), more("\x80\x80edited", true))
	for i, s := range utf8Strings() {
		end, want := `{"fail":[1007]}`, echo()
		if utf8.ValidString(s) {
			end, want = "open", echo(text(s))
		}
		add(fmt.Sprintf("6.5-6.23-%d", i), end, want, text(s))
	}

	add("7.1.5", closed, echo(), begin("fragment1"), bye, more("fragment2", true))
	add("7.3.2", protocolError, echo(), numbered(ws.OpClose, "a"))
	add("7.3.6", protocolError, echo(), numbered(ws.OpClose, "\x03\xe8"+strings.Repeat("*", 124)))
	return cases
}

// sectionCase is a case that sends frames, and wants others, and an end as in the
// file of cases: a word, or JSON.
func sectionCase(id, end string, want, send []ws.Frame) FrameCase {
	c := FrameCase{ID: "autobahn-" + id}
	for _, f := range send {
		c.Steps = append(c.Steps, FrameStep{SendHex: hex.EncodeToString(masked(f))})
	}
	c.Expect.Frames = []Frame{}
	for _, f := range want {
		payload := hex.EncodeToString(f.Payload)
		c.Expect.Frames = append(c.Expect.Frames, Frame{Op: opName(f.Header.OpCode), PayloadHex: &payload})
	}
	if end == "open" {
		end = `"open"`
	}
	c.Expect.End = json.RawMessage(end)
	return c
}

// utf8Strings returns what sections 6.5 to 6.23 send, right and wrong: whether one
// is UTF-8 is for unicode/utf8 to say.
func utf8Strings() (all []string) {
	add := func(s ...string) { all = append(all, s...) }
	cosmos := "κόσμε"
	for n := range len(cosmos) { // 6.6: cut after every byte
		add(cosmos[:n+1])
	}
	for _, r := range []rune{0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x10ffff} {
		add(string(r)) // 6.7, 6.9, 6.11, 6.23
	}
	for plane := range rune(17) { // 6.22: no characters, and legal all the same
		add(string(plane<<16|0xfffe) + string(plane<<16|0xffff))
	}
	add("\xf4\x90\x80\x80", "\xf7\xbf\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfb\xbf\xbf\xbf\xbf",
		"\xfc\x84\x80\x80\x80\x80", "\xfd\xbf\xbf\xbf\xbf\xbf") // 6.8, 6.10: beyond the end
	for n := range 7 { // 6.12: continuations alone
		add(strings.Repeat("\x80\xbf", 4)[:n+1])
	}
	continuations := ""
	for c := 0x80; c < 0xc0; c++ {
		continuations += string([]byte{byte(c)})
	}
	add(continuations)
	for _, starts := range [][2]int{{0xc0, 0xe0}, {0xe0, 0xf0}, {0xf0, 0xf8}, {0xf8, 0xfc}, {0xfc, 0xfe}} { // 6.13: first bytes alone
		s := ""
		for c := starts[0]; c < starts[1]; c++ {
			s += string([]byte{byte(c), ' '})
		}
		add(s)
	}
	short := []string{"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
		"\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"}
	add(short...)                           // 6.14: the last byte is missing
	add(strings.Join(short, ""))            // 6.15
	add("\xfe", "\xff", "\xfe\xfe\xff\xff") // 6.16
	add("\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf",
		"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf",
		"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80") // 6.17 to 6.19: too long
	high := []string{"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf"}
	low := []string{"\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"}
	add(append(high, low...)...) // 6.20: surrogates
	for _, h := range high {     // 6.21: in pairs
		for _, l := range low {
			add(h + l)
		}
	}
	return all
}

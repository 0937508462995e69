package wasmhost

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// The levels of log lines, as in abi.LogLevels. What a guest prints to stdout
// is info, to stderr warn.
const (
	LevelDebug = 0
	LevelInfo  = 1
	LevelWarn  = 2
	LevelError = 3
)

// log hands text to the instance's log as one line.
func (in *Instance) log(level int, text []byte) {
	if in.cfg.Log == nil {
		return
	}
	in.line = appendEscaped(in.line[:0], text, maxLineBytes)
	in.pay(fuelLine + fuelLineByte*int64(len(in.line)))
	in.cfg.Log(level, in.line)
}

// appendEscaped appends text to dst, with everything escaped that is not valid,
// printable UTF-8: a guest must not forge a line or drive a terminal. It stops
// before the character with which it would have appended more than limit bytes.
func appendEscaped(dst, text []byte, limit int) []byte {
	start := len(dst)
	for len(text) > 0 {
		end := len(dst)
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'x', hex[text[0]>>4], hex[text[0]&15])
		case strconv.IsPrint(r):
			dst = append(dst, text[:size]...)
		default:
			dst = strconv.AppendQuoteRune(dst, r)
			dst = append(dst[:end], dst[end+1:len(dst)-1]...) // without the quotes
		}
		if len(dst)-start > limit {
			return dst[:end]
		}
		text = text[size:]
	}
	return dst
}

// A lineBuffer gathers what a guest writes to stdout or stderr, which runtimes
// do a word at a time, into lines.
type lineBuffer struct {
	level   int
	pending []byte // less than a line
}

// write logs every line that p completes. A line that grows too long is cut in
// pieces.
func (b *lineBuffer) write(in *Instance, p []byte) {
	if in.cfg.Log == nil {
		return
	}
	for len(p) > 0 {
		n := min(len(p), maxLineBytes-len(b.pending))
		newline := bytes.IndexByte(p[:n], '\n')
		if newline >= 0 {
			n = newline
		}
		b.pending = append(b.pending, p[:n]...)
		p = p[n:]
		switch {
		case newline >= 0:
			p = p[1:]
			b.end(in)
		case len(b.pending) == maxLineBytes:
			b.end(in)
		}
	}
}

// end logs what is pending, an empty line included.
func (b *lineBuffer) end(in *Instance) {
	in.log(b.level, b.pending)
	b.pending = b.pending[:0]
}

// endLines logs what the guest has begun to print and will not end.
func (in *Instance) endLines() {
	for _, b := range []*lineBuffer{&in.stdout, &in.stderr} {
		if len(b.pending) > 0 {
			b.end(in)
		}
	}
}

package transcripts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c6589352/wherry/abi"
)

// A script is a transcript: turns and checks, in their order.
type script []step

// A step is a turn with its events and the commands that must follow, or a check.
type step struct {
	line     int // of the first event, or of the check
	events   []event
	commands [][]string // words; nil for none
	check    []string   // words behind "=", and no turn
}

// An event is a record and the payload that the host places for it.
type event struct {
	abi.Record
	payload string
}

// A parser puts the lines of a transcript together. README.md has the format.
type parser struct {
	script  script
	open    bool // events may still be added to the last step
	answers bool // commands may
}

// parse reads a transcript.
func parse(text string) (script, error) {
	var p parser
	for i, line := range strings.Split(text, "\n") {
		if err := p.add(i+1, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return p.script, nil
}

// add reads one line.
func (p *parser) add(number int, line string) error {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil
	}
	words, err := split(line[1:])
	if err != nil {
		return err
	}
	switch line[0] {
	case '>':
		e, err := parseEvent(words)
		if err != nil {
			return err
		}
		if !p.open {
			p.script = append(p.script, step{line: number})
		}
		last := &p.script[len(p.script)-1]
		last.events = append(last.events, e)
		p.open, p.answers = true, true
	case '<':
		if !p.answers {
			return fmt.Errorf("a command without an event before it")
		}
		if len(words) > 0 {
			last := &p.script[len(p.script)-1]
			last.commands = append(last.commands, words)
		}
		p.open = false
	case '=':
		if len(words) == 0 || words[0] == "log" && len(words) != 3 || words[0] != "log" && words[0] != "wants" {
			return fmt.Errorf("no such check: %q", words)
		}
		p.script = append(p.script, step{line: number, check: words})
		p.open, p.answers = false, false
	default:
		return fmt.Errorf("a line starts with >, <, = or #")
	}
	return nil
}

// split returns the words of a line. A word is made of bare characters and of quoted
// pieces, each of which may be repeated: x="a b" and "é"*62 are one word each.
func split(line string) (words []string, err error) {
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		var word strings.Builder
		for line != "" && line[0] != ' ' {
			if line[0] != '"' {
				word.WriteByte(line[0])
				line = line[1:]
				continue
			}
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, fmt.Errorf("bad quotes: %s", line)
			}
			line = line[len(quoted):]
			piece, _ := strconv.Unquote(quoted)
			times := 1
			if count, ok := strings.CutPrefix(line, "*"); ok {
				digits := len(count) - len(strings.TrimLeft(count, "0123456789"))
				if times, err = strconv.Atoi(count[:digits]); err != nil {
					return nil, fmt.Errorf("bad count: %s", line)
				}
				line = count[digits:]
			}
			word.WriteString(strings.Repeat(piece, times))
		}
		words = append(words, word.String())
	}
	return words, nil
}

// join is the other way round, for messages of tests.
func join(words []string) string {
	var out []string
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
			w = strconv.Quote(w)
		}
		if len(w) > 300 {
			w = fmt.Sprintf("%s... (%d bytes)", w[:300], len(w))
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

// parseEvent makes an event of its words.
func parseEvent(words []string) (e event, err error) {
	if len(words) == 0 {
		return e, fmt.Errorf("an event without a name")
	}
	name, rest := words[0], words[1:]
	if name != "start" && name != "timer" && name != "stop" {
		if e.Conn, rest, err = number(rest, 64); err != nil {
			return e, err
		}
	}
	switch name {
	case "start", "connect", "resume", "request":
		e.Kind = map[string]abi.Kind{"start": abi.Start, "connect": abi.Connect, "resume": abi.Resume, "request": abi.Request}[name]
		e.payload, err = fields(rest)
		return e, err
	case "text", "binary":
		e.Kind = abi.Message
		if name == "text" {
			e.Flags = abi.Text
		}
		return e, take(rest, &e.payload)
	case "close":
		return e, parseClose(&e, rest)
	case "writable", "unknown":
		e.Kind = map[string]abi.Kind{"writable": abi.Writable, "unknown": 999}[name]
		return e, take(rest)
	case "timer":
		e.Kind = abi.Timer
		e.Token, rest, err = number(rest, 64)
		if err != nil {
			return e, err
		}
		return e, take(rest)
	case "fault":
		e.Kind = abi.Fault
		return e, parseFault(&e, rest)
	case "stop":
		e.Kind = abi.Stop
		e.Code, err = value(abi.StopReasons(), rest)
		return e, err
	}
	return e, fmt.Errorf("no such event: %s", name)
}

// take stores the words, of which there must be one for each place.
func take(words []string, places ...*string) error {
	if len(words) != len(places) {
		return fmt.Errorf("%d words where %d belong: %q", len(words), len(places), words)
	}
	for i, p := range places {
		*p = words[i]
	}
	return nil
}

// number reads the first word and returns the rest.
func number(words []string, bits int) (n uint64, rest []string, err error) {
	if len(words) == 0 {
		return 0, nil, fmt.Errorf("a number is missing")
	}
	n, err = strconv.ParseUint(words[0], 10, bits)
	return n, words[1:], err
}

// value returns the number of the only word in a table.
func value(table []abi.Name, words []string) (uint32, error) {
	var word string
	if err := take(words, &word); err != nil {
		return 0, err
	}
	i := slices.IndexFunc(table, func(n abi.Name) bool { return n.Name == word })
	if i < 0 {
		return 0, fmt.Errorf("no such name: %s", word)
	}
	return table[i].Value, nil
}

// closeFlags are the flags of a close event, by the names that transcripts have.
func closeFlags() map[string]abi.Flags {
	return map[string]abi.Flags{"clean": abi.Clean, "peer": abi.ByPeer, "guest": abi.ByGuest, "host": abi.ByHost, "opened": abi.Opened, "-": 0}
}

// parseClose reads code, flags and reason.
func parseClose(e *event, words []string) error {
	code, words, err := number(words, 32)
	if err != nil {
		return err
	}
	var flags string
	if err := take(words, &flags, &e.payload); err != nil {
		return err
	}
	e.Kind, e.Code = abi.Close, uint32(code)
	for _, name := range strings.Split(flags, ",") {
		bit, ok := closeFlags()[name]
		if !ok {
			return fmt.Errorf("no such flag: %s", name)
		}
		e.Flags |= bit
	}
	return nil
}

// parseFault reads the kind of the command and the status.
func parseFault(e *event, words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("a fault has a kind and a status")
	}
	kind, err := value(abi.Kinds(), words[:1])
	if err != nil {
		return err
	}
	e.Flags = abi.Flags(kind)
	e.Code, err = value(abi.Statuses(), words[1:])
	return err
}

// fields encodes words that are NAME=VALUE.
func fields(words []string) (string, error) {
	var b []byte
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return "", fmt.Errorf("no field: %s", w)
		}
		b = abi.AppendField(b, name, value)
	}
	return string(b), nil
}

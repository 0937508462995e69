package wherry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// A world is the package without a host: events go in by the inbox, commands come
// out of the outbox, all natively. Only one test at a time can have it.
type world struct {
	t        testing.TB
	commands []string
	lines    []string
}

// newWorld forgets what a test before has registered and done.
func newWorld(t testing.TB) *world {
	w := &world{t: t}
	guest.sites, guest.rest, guest.onStart, guest.onStop, guest.onFault = nil, nil, nil, nil, nil
	guest.byType, guest.byStatus, guest.open = nil, nil, false
	conns, current, received = newTable(16), new(Request), nil
	timers.armed, timers.last = nil, 0
	loans.held, loans.delivered = nil, nil
	settings.fields, settings.debug = nil, false
	forgetCommands()
	outbox.returned = false
	native.flushed = w.keep
	native.logged = func(level Level, text string) {
		w.lines = append(w.lines, abi.LogLevels()[level].Name+" "+text)
	}
	return w
}

// An input is an event and its payload.
type input struct {
	abi.Record
	payload string
}

func connecting(conn uint64, fields ...string) input {
	return input{abi.Record{Kind: abi.Connect, Conn: conn}, block(fields...)}
}

func texting(conn uint64, text string) input {
	return input{abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: conn}, text}
}

// block encodes name, value, name, value ...
func block(pairs ...string) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = abi.AppendField(b, pairs[i], pairs[i+1])
	}
	return string(b)
}

// place writes events as a host does, and returns how many.
func (w *world) place(inputs []input) uint32 {
	inbox := memory()[abi.MailboxSize:][:inboxBytes]
	back := len(inbox)
	for i, e := range inputs {
		back -= len(e.payload)
		if back < (i+1)*abi.RecordSize {
			w.t.Fatal("the test's events do not fit in the inbox")
		}
		copy(inbox[back:], e.payload)
		e.Data, e.Len = address(inbox[back:]), uint32(len(e.payload))
		e.Put(inbox[i*abi.RecordSize:])
	}
	return uint32(len(inputs))
}

// turn delivers events and returns the commands, one a line.
func (w *world) turn(inputs ...input) string {
	w.commands = nil
	w.keep(int(turn(w.place(inputs))))
	return strings.Join(w.commands, "\n")
}

// keep describes the first commands of the outbox.
func (w *world) keep(n int) {
	for _, r := range mem.outbox[:n] {
		data := ""
		if r.Len != 0 {
			at := r.Data - boxAddress()
			if uint64(at)+uint64(r.Len) > uint64(len(memory())) {
				data = fmt.Sprint(r.Len, " bytes elsewhere")
			} else {
				data = string(memory()[at : at+r.Len])
			}
		}
		w.commands = append(w.commands, fmt.Sprintf("%s %d %d %q", commandName(r.Kind), r.Conn, r.Code, data))
	}
}

// logged returns the lines since it was called last.
func (w *world) logged() string {
	lines := strings.Join(w.lines, "\n")
	w.lines = nil
	return lines
}

package transcripts

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// fuel is more than any turn of a program needs.
const fuel = 2_000_000_000

// A host runs an instance and keeps what it says. It refuses nothing.
type host struct {
	t        *testing.T
	instance *wasmhost.Instance
	said     [][]string // commands of the turn, as words
	logged   []logLine  // in the turn, and not looked for yet
	trap     string
	clock    wasmhost.Clock
}

// A logLine is what a guest logged.
type logLine struct{ level, text string }

// start makes an instance that lives as long as the test.
func start(t *testing.T, m *wasmhost.Module) *host {
	t.Helper()
	h := &host{t: t, clock: wasmhost.Clock{Wall: 1_700_000_000e9, Mono: 1e9}}
	var err error
	h.instance, err = m.Instantiate(wasmhost.InstanceConfig{
		TimeLimit: 10 * time.Second,
		Log: func(level int, line []byte) {
			h.logged = append(h.logged, logLine{abi.LogLevels()[level].Name, string(line)})
		},
		Flush: func(in *wasmhost.Instance, commands int) int {
			for i := range commands {
				h.keep(i)
				in.SetStatus(i, abi.OK)
			}
			return 0
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.instance.Close)
	return h
}

// turn delivers events, and keeps what comes of them.
func (h *host) turn(events []event) {
	h.t.Helper()
	h.said, h.logged, h.trap = nil, nil, ""
	for _, e := range events {
		h.place(e)
	}
	h.clock.Wall += 1e6
	h.clock.Mono += 1e6
	n, err := h.instance.Turn(h.clock, fuel)
	var trap *wasmhost.TrapError
	switch {
	case errors.As(err, &trap):
		h.trap = trap.Error()
		h.said = append(h.said, []string{"trap"})
	case err != nil:
		h.t.Fatal(err)
	}
	for i := range n {
		h.keep(i)
	}
}

// place puts an event into the inbox, or its payload into a buffer of the guest's.
func (h *host) place(e event) {
	h.t.Helper()
	r := e.Record
	if place, ok := h.instance.Push(&r, len(e.payload)); ok {
		copy(place, e.payload)
		return
	}
	at, err := h.instance.Alloc(len(e.payload))
	if err != nil || at == 0 {
		h.t.Fatalf("no room for %d bytes: %v", len(e.payload), err)
	}
	r.Data, r.Len = at, uint32(len(e.payload))
	place, _ := h.instance.View(r.Data, r.Len)
	copy(place, e.payload)
	if !h.instance.PushAt(&r) {
		h.t.Fatal("no room for a record")
	}
}

// keep reads the i-th command.
func (h *host) keep(i int) {
	var r abi.Record
	h.instance.Command(i, &r)
	data, ok := h.instance.View(r.Data, r.Len)
	if !ok {
		h.t.Fatalf("a command points outside of the memory: %+v", r)
	}
	h.said = append(h.said, describe(&r, string(data)))
}

// describe returns a command as the words of a transcript.
func describe(r *abi.Record, data string) []string {
	conn, code := strconv.FormatUint(r.Conn, 10), strconv.Itoa(int(r.Code))
	switch r.Kind {
	case abi.Accept:
		return append([]string{"accept", conn}, fieldWords(data)...)
	case abi.Reject:
		return append([]string{"reject", conn, code}, fieldWords(data)...)
	case abi.Respond:
		return append([]string{"respond", conn, code}, fieldWords(data)...)
	case abi.Message:
		return []string{encoding(r), conn, data}
	case abi.Close:
		return []string{"close", conn, code, data}
	case abi.Attach:
		return []string{"attach", conn, data}
	case abi.Subscribe:
		return []string{"subscribe", conn, data}
	case abi.Unsubscribe:
		return []string{"unsubscribe", conn, data}
	case abi.Timer:
		return []string{"timer", strconv.FormatUint(r.Token, 10), code}
	case abi.Publish:
		if int(r.Code) > len(data) {
			return []string{"publish", "a topic longer than its data"}
		}
		words := []string{"publish", data[:r.Code], encoding(r)}
		if r.Flags&abi.Except != 0 {
			words = append(words, "except", conn)
		}
		return append(words, data[r.Code:])
	}
	return []string{fmt.Sprintf("%+v", r), data}
}

// encoding says what a message or a publish sends.
func encoding(r *abi.Record) string {
	if r.Flags&abi.Text != 0 {
		return "text"
	}
	return "binary"
}

// fieldWords returns each field as NAME=VALUE.
func fieldWords(data string) (words []string) {
	for rest := []byte(data); ; {
		name, value, next, ok, err := abi.NextField(rest)
		if err != nil {
			return append(words, err.Error())
		}
		if !ok {
			return words
		}
		words = append(words, string(name)+"="+string(value))
		rest = next
	}
}

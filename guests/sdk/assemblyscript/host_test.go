// Package assemblyscript tests the SDK for AssemblyScript beside its sources: what
// it costs, what only its own language has, and what its README says.
package assemblyscript

import (
	"errors"
	"os"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// fuel is more than any turn here needs.
const fuel = 2_000_000_000

// A host runs an instance on the real engine. It refuses nothing.
type host struct {
	t        testing.TB
	instance *wasmhost.Instance
	said     []command // in the turn
	flushes  int       // so far
	logged   []string  // so far
	clock    wasmhost.Clock
}

// A command is a record and a copy of what it points to.
type command struct {
	abi.Record
	data string
}

// An event is a record and its payload.
type event struct {
	abi.Record
	payload string
}

// start makes an instance of a module, given as a file, for the length of a test.
func start(t testing.TB, file string) *host {
	t.Helper()
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := engine.Compile(wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	h := &host{t: t, clock: wasmhost.Clock{Wall: 1_700_000_000e9, Mono: 1e9}}
	h.instance, err = m.Instantiate(wasmhost.InstanceConfig{
		TimeLimit: 10 * time.Second,
		Log: func(level int, line []byte) {
			h.logged = append(h.logged, abi.LogLevels()[level].Name+" "+string(line))
		},
		Flush: func(in *wasmhost.Instance, commands int) int {
			h.flushes++
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

// turn delivers events and returns what the guest commands.
func (h *host) turn(events ...event) []command {
	h.t.Helper()
	said, err := h.try(events...)
	if err != nil {
		h.t.Fatalf("%v; logged: %q", err, h.logged)
	}
	return said
}

// try is turn, for a guest that may trap.
func (h *host) try(events ...event) ([]command, error) {
	h.t.Helper()
	h.said = nil
	for _, e := range events {
		h.place(e)
	}
	n, err := h.instance.Turn(h.clock, fuel)
	var trap *wasmhost.TrapError
	if err != nil && !errors.As(err, &trap) {
		h.t.Fatal(err)
	}
	for i := range n {
		h.keep(i)
	}
	return h.said, err
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

func (h *host) keep(i int) {
	var c command
	h.instance.Command(i, &c.Record)
	data, ok := h.instance.View(c.Data, c.Len)
	if !ok {
		h.t.Fatalf("a command points outside of the memory: %+v", c.Record)
	}
	c.data = string(data)
	h.said = append(h.said, c)
}

// only returns the data of the one command that a turn gave.
func (h *host) only(said []command) string {
	h.t.Helper()
	if len(said) != 1 {
		h.t.Fatalf("%d commands, not one: %v", len(said), said)
	}
	return said[0].data
}

func fields(pairs ...string) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = abi.AppendField(b, pairs[i], pairs[i+1])
	}
	return string(b)
}

func connect(conn uint64, route string) event {
	return event{abi.Record{Kind: abi.Connect, Conn: conn}, fields(":route", route)}
}

func text(conn uint64, s string) event {
	return event{abi.Record{Kind: abi.Message, Flags: abi.Text, Conn: conn}, s}
}

func binary(conn uint64, s string) event {
	return event{abi.Record{Kind: abi.Message, Conn: conn}, s}
}

func closed(conn uint64) event {
	return event{abi.Record{Kind: abi.Close, Flags: abi.Opened | abi.ByPeer, Code: 1001, Conn: conn}, ""}
}

// heapTop asks the probe where its next allocation would be.
func (h *host) heapTop(conn uint64) int {
	h.t.Helper()
	at, err := strconv.Atoi(h.only(h.turn(text(conn, "heap"))))
	if err != nil {
		h.t.Fatal(err)
	}
	return at
}

// memoryBytes returns the size of the guest's memory: what can be viewed.
func (h *host) memoryBytes() int {
	const page = 65536
	pages := sort.Search(65536, func(n int) bool {
		_, ok := h.instance.View(0, uint32(n*page))
		return !ok
	})
	return (pages - 1) * page
}

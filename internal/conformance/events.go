package conformance

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// An Event is one that the recorder guest saw, as it tells of it.
type Event struct {
	Conn      int    // counts the connections from 1
	Type      string // "connect", "receive", "disconnect", "fault" or "http"
	Scheme    string // connect
	Peer      string // connect
	Protocols string // connect: what the client offered
	Kind      string // receive: "text" or "binary"
	Len       int    // receive
	Data      string // receive, if it is short: text, or binary in hex
	Code      int    // disconnect
	Reason    string // disconnect
	By        string // disconnect: "peer", "guest" or "host"
	Clean     int    // disconnect: 1 or 0
	Opened    int    // disconnect: 1 or 0
	Command   int    // fault: the kind of the command that was refused
	Status    int    // fault
	Sent      int    // fault: how many messages the rules had sent
	Method    string // http
	Path      string // http
}

// String says what a reader of a failed test needs.
func (e Event) String() string {
	s := fmt.Sprintf("%d %s", e.Conn, e.Type)
	switch e.Type {
	case "receive":
		s += fmt.Sprintf(" %s of %d bytes %q", e.Kind, e.Len, e.Data)
	case "disconnect":
		s += fmt.Sprintf(" %d %q by %s", e.Code, e.Reason, e.By)
	case "http":
		s += " " + e.Method + " " + e.Path
	case "fault":
		s += fmt.Sprintf(" of kind %d: status %d", e.Command, e.Status)
	}
	return s
}

// A Watch is a connection that hears of the events of others.
type Watch struct {
	c      *client
	events chan Event
	err    error // Set before events is closed.
}

// maxEvents is how many events a watch can hold that nobody has asked for.
const maxEvents = 8192

// NewWatch connects to a path that the recorder's configuration makes a watch. It
// hears of what happens from now on. Close ends it.
func NewWatch(addr, path string) (*Watch, error) {
	c, err := dial(addr, Whole())
	if err != nil {
		return nil, err
	}
	if _, err := c.upgrade(path, ""); err != nil {
		c.tcp.Close()
		return nil, fmt.Errorf("no watch: %w", err)
	}
	w := &Watch{c: c, events: make(chan Event, maxEvents)}
	go w.read()
	return w, nil
}

// Close ends the watch.
func (w *Watch) Close() { w.c.tcp.Close() }

func (w *Watch) read() {
	defer close(w.events)
	for w.err == nil {
		var f ws.Frame
		if f, w.err = w.c.frame(); w.err != nil {
			return
		}
		if f.Header.OpCode != ws.OpText {
			w.err = fmt.Errorf("a %s frame on the watch", opName(f.Header.OpCode))
			return
		}
		var e Event
		if w.err = json.Unmarshal(f.Payload, &e); w.err == nil {
			w.events <- e
		}
	}
}

// UntilClosed returns all events up to the end of a connection, which must come
// soon.
func (w *Watch) UntilClosed() (seen []Event, err error) {
	w.c.waitUntil(patience)
	for e := range w.events {
		seen = append(seen, e)
		if e.Type == "disconnect" {
			return seen, nil
		}
	}
	return seen, fmt.Errorf("after %d events: %w", len(seen), w.err)
}

// A Log holds the events that a guest logged. Any goroutine may use it.
type Log struct {
	mu     sync.Mutex
	events []Event // Guarded by mu.
	added  chan struct{}
}

// NewLog returns an empty log.
func NewLog() *Log { return &Log{added: make(chan struct{}, 1)} }

// Add adds a line, if it is an event.
func (l *Log) Add(line string) {
	var e Event
	if json.Unmarshal([]byte(line), &e) != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	select {
	case l.added <- struct{}{}:
	default:
	}
}

// Until returns the events so far, once enough says that they are enough, or
// anyway when that takes too long.
func (l *Log) Until(enough func([]Event) bool) []Event {
	late := time.After(patience)
	for {
		l.mu.Lock()
		events := l.events
		l.mu.Unlock()
		if enough(events) {
			return events
		}
		select {
		case <-l.added:
		case <-late:
			return events
		}
	}
}

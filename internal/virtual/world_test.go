package virtual_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/internal/virtual"
	"github.com/seed-c6589352/wherry/runtime"
)

func TestX(t *testing.T) {
	w, err := virtual.New(virtual.Config{Module: guests.Echo(), Routes: []runtime.Route{{Pattern: "/ws"}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Dial("/ws", virtual.Handshake{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c.Send(virtual.Message{Text: true, Data: []byte("hi")}))
	m, err := c.Receive()
	t.Logf("%s %v", m.Data, err)
	m, err = c.Receive()
	t.Logf("%s %v", m.Data, err)
	_, err = w.Dial("/nope", virtual.Handshake{})
	t.Log(err)
	r, err := w.Ask(virtual.Request{Target: "/ws"})
	t.Log(r, err)
	b := time.Now()
	t.Log(w.Advance(time.Hour))
	t.Log(time.Since(b), c.Pings())
	t.Log(c.Send(virtual.Message{Text: false, Data: make([]byte, 1<<20)}))
	m, err = c.Receive()
	t.Logf("%d %v", len(m.Data), err)
	t.Log(c.Close(1000, "x"))
	m, err = c.Receive()
	t.Logf("%s %v", m.Data, err)
	d, err := w.Dial("/ws", virtual.Handshake{})
	t.Log(w.Reload(guests.Chat()))
	m, err = d.Receive()
	t.Logf("%s %v", m.Data, err)
	t.Log(w.Close())
	for _, l := range w.Logs() {
		t.Log(l)
	}
	_ = errors.Is
}

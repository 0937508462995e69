package conformance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

// framesExcluded lists the cases that cannot pass, and why.
var framesExcluded = map[string]string{
	"frame-each-split": "its pong comes before the echo of a text that came earlier: a loop answers pings at once, and guests at the end of the turn",
}

// TestFrames plays every case of frames.json.gz, and what Autobahn's sections have
// beside them, against an echo guest, whole,
// bytewise, cut at random and as it asks itself, and compares what the guest saw.
func TestFrames(t *testing.T) {
	const echo = "connect: accept\nmessage: echo"
	config := recorderConfig(
		map[string]string{"/ws": echo, "/ws-deflate": echo, watchRoute: watchScript},
		runtime.Limits{MessageBytes: 1 << 20, MemoryPages: 2048},
	)
	for i := range config.Routes {
		if r := &config.Routes[i]; r.Pattern == "/ws-deflate" {
			r.Deflate = &runtime.Deflate{ClientContextTakeover: true}
		}
	}
	server, addr := serve(t, config)
	seed := seed(t)
	var jobs []*job
	add := func(c conformance.FrameCase, ds ...conformance.Delivery) {
		for _, d := range ds {
			d.Settle = settle(server)
			id := fmt.Sprintf("%s-%d", c.ID, len(jobs))
			jobs = append(jobs, &job{id: c.ID, delivery: d.Name, play: func() (bool, error) { return false, playFrames(&c, addr, id, d) }})
		}
	}
	for _, c := range append(conformance.FrameCases(t), conformance.SectionCases()...) {
		if c.Generator != "close_sweep" {
			add(c, once(framesExcluded[c.ID], c.Deliveries(seed))...)
			continue
		}
		for _, c := range conformance.CloseSweep() {
			add(c, conformance.Whole())
		}
	}
	playAll(jobs)
	judge(t, jobs, framesExcluded)
	logStats(t, server)
}

// playFrames plays c on a connection that id tells apart in the record.
func playFrames(c *conformance.FrameCase, addr, id string, d conformance.Delivery) error {
	watch, err := conformance.NewWatch(addr, watchRoute+"?id="+id)
	if err != nil {
		return err
	}
	defer watch.Close()
	got, err := c.Play(addr, "id="+id, d)
	if err != nil {
		return err
	}
	events, err := watch.UntilClosed()
	if err != nil {
		return err
	}
	return checkFrameEvents(got, events)
}

// checkFrameEvents compares what the guest saw with what was on the wire: the
// connection once, every message that it echoed, and the end.
func checkFrameEvents(got *conformance.Transcript, events []conformance.Event) error {
	if events[0].Type != "connect" {
		return fmt.Errorf("the guest saw %q first", events[0].Type)
	}
	messages := events[1 : len(events)-1]
	for _, f := range got.Frames {
		if f.Header.OpCode == ws.OpPong {
			continue
		}
		kind := "binary"
		if f.Header.OpCode == ws.OpText {
			kind = "text"
		}
		if len(messages) == 0 || messages[0].Type != "receive" || messages[0].Kind != kind || messages[0].Len != len(f.Payload) {
			return fmt.Errorf("a %s message of %d bytes was echoed, and the guest saw %v", kind, len(f.Payload), messages)
		}
		messages = messages[1:]
	}
	if len(messages) > 0 {
		return fmt.Errorf("the guest saw %d events that were not echoed: %v", len(messages), messages)
	}
	end := events[len(events)-1]
	by := "peer"
	if strings.HasPrefix(got.End, "fail") {
		by = "host"
	}
	want := fmt.Sprint(by, " ", got.Code())
	if is := fmt.Sprint(end.By, " ", end.Code); is != want {
		return fmt.Errorf("on the wire it ended with %q, and the guest saw %d by %s", got.End, end.Code, end.By)
	}
	return nil
}

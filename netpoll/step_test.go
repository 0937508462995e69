package netpoll

import (
	"errors"
	"testing"
	"time"
)

// TestStep: a step that blocks ends when there is something to do, and only then says
// that nothing more is.
func TestStep(t *testing.T) {
	var now time.Duration
	a := new(app)
	a.start(t)
	l, err := New(Config{Clock: func() time.Duration { return now }}, a)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	step := func(block bool) bool {
		t.Helper()
		busy, err := l.Step(block)
		if err != nil {
			t.Fatal(err)
		}
		return busy
	}
	if step(false) {
		t.Error("a loop without anything is busy")
	}
	if next, ok := l.Next(); ok {
		t.Errorf("without connections something is due in %v", next)
	}
	ran := false
	go l.Post(func() { ran = true })
	if step(true); !ran {
		t.Error("what was posted did not run")
	}
	l.Wake(time.Second)
	if next, ok := l.Next(); !ok || next != time.Second {
		t.Errorf("the alarm is in %v, %v; want 1 s", next, ok)
	}
	now += time.Second
	step(false)
	if next, ok := l.Next(); ok {
		t.Errorf("after the alarm something is due in %v", next)
	}
	stopped := make(chan struct{})
	go func() {
		l.Stop()
		close(stopped)
	}()
	for err == nil {
		_, err = l.Step(true)
	}
	if !errors.Is(err, ErrStopped) {
		t.Errorf("a stopped loop: %v", err)
	}
	<-stopped
	if l.Post(func() {}) {
		t.Error("a stopped loop takes what is posted")
	}
	a.finish()
}

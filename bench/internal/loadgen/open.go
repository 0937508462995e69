//go:build linux

package loadgen

import (
	"fmt"
	"time"
)

// mostBehind is how many messages an open loop may be behind before the run fails: a
// server that is slower than the rate has no latencies, only a queue.
const mostBehind = 1 << 20

// An openLoop sends message k when it is due, k / Rate after the beginning, on
// connection k % Conns, whatever has come back. Latencies count from when a message
// was due: what waits behind a slow one has waited, too.
type openLoop struct {
	*loop
	began    time.Duration // when message 0 is due
	released int64         // messages that were due so far
	pending  int64         // of those that were due in the window: how many are not back
}

func newOpenLoop(l *loop) *openLoop { return &openLoop{loop: l} }

func (p *openLoop) begin(now time.Duration) error {
	p.began = now
	return nil
}

// due is when message k is to be sent.
func (p *openLoop) due(k int64) time.Duration {
	rate := int64(p.cfg.Rate)
	whole, part := k/rate, k%rate // apart, because k seconds in nanoseconds overflow
	return p.began + time.Duration(whole)*time.Second + time.Duration(part)*time.Second/time.Duration(rate)
}

func (p *openLoop) tick(now time.Duration) error {
	for p.due(p.released) <= now {
		i := int(p.released % int64(len(p.conns)))
		if p.window.has(p.due(p.released)) {
			p.pending++
		}
		p.released++
		if err := p.release(i, 1); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	if behind := p.released - p.operations; behind > mostBehind {
		return fmt.Errorf("the server is %d messages behind %d a second", behind, p.cfg.Rate)
	}
	return nil
}

// received knows from a message's place on its connection when it was due.
func (p *openLoop) received(i int, n int64, now time.Duration) error {
	c := &p.conns[i]
	for j := c.echoed - n; j < c.echoed; j++ {
		if due := p.due((j-c.first)*int64(len(p.conns)) + int64(i)); p.window.has(due) {
			p.latency.add(now - due)
			p.pending--
		}
	}
	return nil
}

func (p *openLoop) settled() bool { return p.pending <= 0 }

//go:build linux

package loadgen

import "time"

// A closedLoop keeps Depth messages in flight on each connection: for one that came
// back it sends the next.
type closedLoop struct {
	*loop
	samples []sample // by connection
}

// A sample is the message of a connection whose round trip is being timed: one at a
// time, the last one of a write.
type sample struct {
	message int64 // the connection's echoed when it is complete; 0 for none
	at      time.Duration
}

func (p *closedLoop) begin(now time.Duration) error {
	for i := range p.conns {
		if err := p.next(i, int64(p.cfg.Depth), now); err != nil {
			return err
		}
	}
	return nil
}

func (p *closedLoop) received(i int, n int64, now time.Duration) error {
	if s := &p.samples[i]; s.message > 0 && p.conns[i].echoed >= s.message {
		p.latency.add(now - s.at)
		s.message = 0
	}
	return p.next(i, n, now)
}

// next sends n messages more on connection i.
func (p *closedLoop) next(i int, n int64, now time.Duration) error {
	if s := &p.samples[i]; s.message == 0 {
		*s = sample{p.conns[i].allowed + n, now}
	}
	return p.release(i, n)
}

func (p *closedLoop) tick(time.Duration) error { return nil }

// settled: whoever waits for an answer has nothing that is due.
func (p *closedLoop) settled() bool { return true }

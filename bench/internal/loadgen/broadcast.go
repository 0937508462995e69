//go:build linux

package loadgen

import (
	"fmt"
	"time"
)

// A broadcast has its first connection publish Depth messages with one write, and
// again when all connections have got all of them.
type broadcast struct {
	*loop
	since     time.Duration // when it published last
	delivered int64         // of what was published then
}

func (p *broadcast) begin(now time.Duration) error { return p.publish(now) }

func (p *broadcast) publish(now time.Duration) error {
	p.since, p.delivered = now, 0
	return p.release(0, int64(p.cfg.Depth))
}

func (p *broadcast) received(i int, n int64, now time.Duration) error {
	if c := &p.conns[i]; c.echoed > p.conns[0].allowed {
		return fmt.Errorf("message %d was delivered before it was published", c.echoed-1)
	}
	p.delivered += n
	if p.delivered < int64(p.cfg.Depth)*int64(len(p.conns)) {
		return nil
	}
	p.latency.add(now - p.since)
	return p.publish(now)
}

func (p *broadcast) tick(time.Duration) error { return nil }

// settled: whoever waits for an answer has nothing that is due.
func (p *broadcast) settled() bool { return true }

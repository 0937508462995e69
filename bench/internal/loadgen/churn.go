//go:build linux

package loadgen

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// A churn connects, handshakes and resets, with as many attempts under way as there
// are to be connections.
type churn struct {
	*poll
	cfg      Config
	target   netip.AddrPort
	attempts []attempt
	serial   int
}

func runChurn(cfg Config) (Result, error) {
	target, err := parseTarget(cfg.Addr)
	if err != nil {
		return Result{}, err
	}
	if err := allowFiles(cfg.Conns + spareFiles); err != nil {
		return Result{}, err
	}
	p, err := newPoll()
	if err != nil {
		return Result{}, err
	}
	c := &churn{poll: p, cfg: cfg, target: target, attempts: make([]attempt, cfg.Conns)}
	defer c.close()
	for i := range c.attempts {
		c.attempts[i].fd = -1
	}
	for i := range c.attempts {
		if err := c.begin(i); err != nil {
			return Result{}, err
		}
	}
	return c.measure(&c.cfg, c)
}

func (c *churn) begin(i int) error {
	a := &c.attempts[i]
	source := i % max(c.cfg.Sources, 1)
	if err := a.begin(c.target, source, c.serial, &c.cfg, c.cfg.target(c.serial), c.now()); err != nil {
		return err
	}
	c.serial++
	return c.watch(unix.EPOLL_CTL_ADD, a.fd, i, unix.EPOLLIN)
}

func (c *churn) serve(i int) error {
	a := &c.attempts[i]
	open, err := a.receive(c.cfg.Mode, c.cfg.Deflate)
	if err != nil || !open {
		return err
	}
	now := c.now()
	c.latency.add(now - a.since)
	c.done(1, now)
	a.reset()
	return c.begin(i)
}

func (c *churn) tick(time.Duration) error { return nil }
func (c *churn) settled() bool            { return true }

func (c *churn) close() {
	for i := range c.attempts {
		c.attempts[i].reset()
	}
	c.poll.close()
}

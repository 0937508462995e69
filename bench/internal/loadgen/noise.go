//go:build linux

package loadgen

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// noiseInterval is how long a disturber waits after its connection ended, so that it
// is the server that is busy with it, and not this process.
const noiseInterval = time.Millisecond

// A noise disturbs the server on a path of its own: a connection is opened, sends a
// message and waits until the server ends it, over and over. Whatever the server
// answers is right. Its ids are negative, because those of connections are not.
type noise struct {
	poll   *poll
	cfg    *Config
	target netip.AddrPort
	each   []disturber
	serial int
	rounds int64
}

type disturber struct {
	attempt
	open bool          // and the message is sent
	next time.Duration // when it may begin again
}

func newNoise(p *poll, cfg *Config) *noise {
	target, _ := parseTarget(cfg.Addr) // which the connections are open to already
	n := &noise{poll: p, cfg: cfg, target: target, each: make([]disturber, cfg.Noises)}
	for i := range n.each {
		n.each[i].fd = -1
	}
	return n
}

func (n *noise) tick(now time.Duration) {
	for i := range n.each {
		if d := &n.each[i]; d.fd < 0 && now >= d.next {
			n.begin(i, now)
		}
	}
}

func (n *noise) begin(i int, now time.Duration) {
	d := &n.each[i]
	d.open = false
	n.serial++
	err := d.begin(n.target, 0, n.serial, n.cfg, n.cfg.Noise, now)
	if err == nil {
		err = n.poll.watch(unix.EPOLL_CTL_ADD, d.fd, -1-i, unix.EPOLLIN)
	}
	if err != nil {
		n.end(d, now)
	}
}

// serve goes a step further with the disturber that id names.
func (n *noise) serve(id int) error {
	d := &n.each[-1-id]
	if d.open {
		n.end(d, n.poll.now()) // it said something, or it has gone: both end the round
		return nil
	}
	open, err := d.receive(WebSocket, false)
	if open && err == nil {
		d.open = true
		_, err = write(d.fd, appendMasked(nil, binaryFrame, []byte("disturb")))
	}
	if err != nil {
		n.end(d, n.poll.now())
	}
	return nil
}

func (n *noise) end(d *disturber, now time.Duration) {
	d.reset()
	d.next = now + noiseInterval
	n.rounds++
}

func (n *noise) close() {
	for i := range n.each {
		n.each[i].reset()
	}
}

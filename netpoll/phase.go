package netpoll

// A phase is where a connection stands in its life. It only ever moves right.
//
//	opening ──▶ waiting ──▶ open ──▶ closing ──▶ closed
//	   │           │          │                    ▲
//	   └───────────┴──────────┴─ error, deadline ──┘
type phase uint8

const (
	opening phase = iota // bytes are an HTTP head; nobody above has heard of us
	waiting              // the head was routed; the handler owes Accept or Refuse
	open                 // bytes are frames
	closing              // our last frame or response is queued; only the end matters now
	closed               // the fd is gone; every call is a no-op
)

func (p phase) String() string {
	switch p {
	case opening:
		return "opening"
	case waiting:
		return "waiting"
	case open:
		return "open"
	case closing:
		return "closing"
	}
	return "closed"
}

// become moves c forward to p. Moving back is a bug in this package.
func (c *Conn) become(p phase) {
	if p <= c.phase {
		panic("netpoll: connection cannot go from " + c.phase.String() + " to " + p.String())
	}
	c.phase = p
	if p == closing {
		c.Resume() // the peer's part in the end has to be read
	}
}

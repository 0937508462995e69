// Command limiter sends texts back, as many as a bucket of tokens allows: five at
// once, and one more each tenth of a second. Whoever goes on regardless is sent away.
package main

import (
	"time"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

const (
	burst    = 5                      // messages that may come at once
	interval = 100 * time.Millisecond // until there may be one more
	patience = 10                     // messages in a row that are too many
)

func init() {
	wherry.Register("/ws", wherry.Endpoint{Encoding: wherry.Text, OnConnect: enter, OnReceive: receive})
}

func main() {}

// A bucket holds burst tokens. How many are missing follows from when it will be
// full, and so nothing needs to happen while nobody sends.
type bucket struct {
	full    time.Duration // when it is full, by the clock that never runs backwards
	refused int           // messages in a row
}

// take takes a token, if there is one.
func (b *bucket) take() bool {
	now := wherry.Monotonic()
	full := max(b.full, now)
	if full-now > (burst-1)*interval {
		return false
	}
	b.full = full + interval
	return true
}

func enter(c *wherry.Conn) error {
	c.State = new(bucket)
	return c.Accept()
}

func receive(c *wherry.Conn, m wherry.Message) error {
	b := c.State.(*bucket)
	if b.take() {
		b.refused = 0
		return c.Send(m)
	}
	b.refused++
	if b.refused == patience {
		return wherry.NewCloseError(wherry.ClosePolicyViolation, "too many messages")
	}
	return c.SendText("slow down")
}

// Command relay passes bytes from one side to the other: two connections with the
// same key are a pair. Who comes first may talk at once; what is said is kept until
// the other is there.
package main

import (
	"slices"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

// What one side may send before the other is there. Messages have a limit of their
// own: those that are empty would fill the memory too.
const (
	keptBytes    = 64 << 10
	keptMessages = 256
)

func init() {
	wherry.Register("/relay/{key}", wherry.Endpoint{
		Encoding:     wherry.Bytes,
		OnConnect:    enter,
		OnReceive:    pass,
		OnDisconnect: leave,
	})
}

func main() {}

// A pair is two connections; the second may not be there yet.
type pair struct {
	key           string
	first, second *wherry.Conn
	kept          [][]byte // what the first said before the second came
	size          int      // of what is kept
}

// pairs is those whose connections are all there, by key.
var pairs = make(map[string]*pair)

func enter(c *wherry.Conn) error {
	key := c.Request().Param("key")
	p := pairs[key]
	switch {
	case p == nil:
		p = &pair{key: key, first: c}
		pairs[key] = p
	case p.second != nil:
		return wherry.NewHTTPError(wherry.StatusConflict, "")
	default:
		p.second = c
	}
	c.State = p
	if err := c.Accept(); err != nil {
		return err
	}
	for _, b := range p.kept {
		if err := c.SendBytes(b); err != nil {
			return err
		}
	}
	p.kept = nil
	return nil
}

// other returns the other side, nil if it is not there yet.
func (p *pair) other(c *wherry.Conn) *wherry.Conn {
	if c == p.first {
		return p.second
	}
	return p.first
}

func pass(c *wherry.Conn, m wherry.Message) error {
	p := c.State.(*pair)
	if other := p.other(c); other != nil {
		return other.Send(m)
	}
	if p.size += len(m.Bytes()); p.size > keptBytes || len(p.kept) == keptMessages {
		return wherry.NewCloseError(wherry.CloseTooBig, "peer too late")
	}
	p.kept = append(p.kept, slices.Clone(m.Bytes())) // the host's memory is used again
	return nil
}

// leave closes the other side too, and makes the key free for others. Who was
// refused as a third has no state.
func leave(c *wherry.Conn, _ wherry.Disconnect) error {
	p, paired := c.State.(*pair)
	if !paired {
		return nil
	}
	if pairs[p.key] == p {
		delete(pairs, p.key)
	}
	if other := p.other(c); other != nil {
		return other.Close(wherry.CloseGoingAway, "peer left")
	}
	return nil
}

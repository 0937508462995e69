package wherry

import (
	"strconv"

	"github.com/seed-c6589352/wherry/abi"
)

// A Room is a set of connections that can be sent to at once, under a name. The host
// keeps it: a connection that ends has left, membership outlives this instance, and
// who is slow holds up nobody. A room without members does not exist.
type Room string

// Join makes c a member.
func (r Room) Join(c *Conn) error { return r.member("join", abi.Subscribe, c) }

// Leave ends that.
func (r Room) Leave(c *Conn) error { return r.member("leave", abi.Unsubscribe, c) }

func (r Room) member(operation string, kind abi.Kind, c *Conn) error {
	if c.phase >= Closing {
		return c.refused(operation)
	}
	if err := r.check(operation); err != nil {
		return err
	}
	p := place(len(r))
	copy(p, r)
	command(span(kind, c.handle, p))
	return nil
}

// check returns an [*ArgumentError] for a name that no room can have.
func (r Room) check(operation string) error {
	if r == "" || len(r) > abi.MaxTopic {
		return &ArgumentError{operation, "topic of " + strconv.Itoa(len(r)) + " bytes"}
	}
	return nil
}

// BroadcastText sends text to all members.
func (r Room) BroadcastText(text string) error { return Others{r, nil}.BroadcastText(text) }

// BroadcastBytes sends bytes to all members.
func (r Room) BroadcastBytes(b []byte) error { return Others{r, nil}.BroadcastBytes(b) }

// BroadcastJSON sends a value as JSON to all members; see [AppendJSON].
func (r Room) BroadcastJSON(value any) error { return Others{r, nil}.BroadcastJSON(value) }

// Except returns the members but c, which may have ended.
func (r Room) Except(c *Conn) Others { return Others{r, c} }

// Others are the members of a room but one.
type Others struct {
	room   Room
	except *Conn
}

// BroadcastText sends text to them.
func (o Others) BroadcastText(text string) error {
	p, err := o.place(len(text))
	if err != nil {
		return err
	}
	copy(p[len(o.room):], text)
	o.publish(abi.Text, p)
	return nil
}

// BroadcastBytes sends bytes to them.
func (o Others) BroadcastBytes(b []byte) error { return o.broadcast(0, b) }

// BroadcastJSON sends a value as JSON to them; see [AppendJSON].
func (o Others) BroadcastJSON(value any) error {
	b, err := scratchJSON(value)
	if err != nil {
		return err
	}
	return o.broadcast(abi.Text, b)
}

func (o Others) broadcast(flags abi.Flags, b []byte) error {
	p, err := o.place(len(b))
	if err != nil {
		return err
	}
	copy(p[len(o.room):], b)
	o.publish(flags, p)
	return nil
}

// place returns room for the name, which is filled in, and n bytes.
func (o Others) place(n int) ([]byte, error) {
	if err := o.room.check("broadcast"); err != nil {
		return nil, err
	}
	p := place(len(o.room) + n)
	copy(p, o.room)
	return p, nil
}

func (o Others) publish(flags abi.Flags, p []byte) {
	r := span(abi.Publish, 0, p)
	r.Flags, r.Code = flags, uint32(len(o.room))
	if o.except != nil {
		r.Flags |= abi.Except
		r.Conn = o.except.handle
	}
	command(r)
}

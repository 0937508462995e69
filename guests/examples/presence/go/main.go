// Command presence tells everybody in a room who is there, as people come and go.
// The host sends to the room; who is in it, and in which order they came, is kept
// here.
package main

import (
	"slices"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

// Everybody in a room is told all names, so both have a limit.
const (
	nameBytes  = 32
	roomPeople = 100
)

var (
	roomName = wherry.StringParam(wherry.InPath, "room")
	name     = wherry.StringParam(wherry.InQuery, "name").Required()
)

func init() {
	wherry.Register("/rooms/{room}", wherry.Endpoint{
		Params:       []wherry.Param{roomName, name},
		OnConnect:    enter,
		OnInvalid:    func(*wherry.Conn, []wherry.ParamError) error { return badName() },
		OnDisconnect: leave,
	})
}

func main() {}

// A member is somebody in a room: the state of a connection.
type member struct {
	name string
	room wherry.Room
}

// here is who is in which room, in the order of arrival.
var here = make(map[wherry.Room][]*member)

func badName() error { return wherry.NewCloseError(wherry.ClosePolicyViolation, "bad name") }

func enter(c *wherry.Conn) error {
	r := c.Request()
	m := &member{name: name.Value(r), room: wherry.Room(roomName.Value(r))}
	if m.name == "" || len(m.name) > nameBytes {
		return badName()
	}
	if len(here[m.room]) == roomPeople {
		return wherry.NewCloseError(wherry.CloseTryAgainLater, "room is full")
	}
	if err := c.Accept(); err != nil {
		return err
	}
	if err := m.room.Join(c); err != nil {
		return err
	}
	c.State = m
	here[m.room] = append(here[m.room], m)
	return m.tell("join")
}

// leave is also told of those who never entered: they have no state.
func leave(c *wherry.Conn, _ wherry.Disconnect) error {
	m, entered := c.State.(*member)
	if !entered {
		return nil
	}
	rest := slices.DeleteFunc(here[m.room], func(other *member) bool { return other == m })
	if len(rest) == 0 {
		delete(here, m.room) // or rooms that nobody uses any more would fill the memory
		return nil
	}
	here[m.room] = rest
	return m.tell("leave")
}

// tell tells everybody in the room what m did.
func (m *member) tell(event string) error {
	var names []string
	for _, other := range here[m.room] {
		names = append(names, other.name)
	}
	return m.room.BroadcastJSON(wherry.Object{
		{Key: "event", Value: event},
		{Key: "name", Value: m.name},
		{Key: "here", Value: names},
	})
}

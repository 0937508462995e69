// Command chat is a room for everybody. The room is the host's: it knows who is in
// it, sends to all of them at once, and whoever vanishes has left, so there is no
// list of connections to keep here.
package main

import (
	"strings"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

// room is where everybody is.
const room = wherry.Room("chat")

func init() {
	wherry.Register("/chat/{name}", wherry.Endpoint{
		Encoding:     wherry.Text,
		OnConnect:    enter,
		OnReceive:    say,
		OnDisconnect: leave,
	})
}

func main() {}

// enter keeps the name in the state: the request is gone when this returns.
func enter(c *wherry.Conn) error {
	name := strings.ToValidUTF8(c.Request().Param("name"), "\uFFFD") // a path can have any bytes
	c.State = name
	if err := c.Accept(); err != nil {
		return err
	}
	if err := room.Join(c); err != nil {
		return err
	}
	return room.Except(c).BroadcastText(name + " joined")
}

func say(c *wherry.Conn, m wherry.Message) error {
	text := m.Text()
	if text == "" {
		return nil
	}
	if err := c.SendText("You wrote: " + text); err != nil {
		return err
	}
	return room.Except(c).BroadcastText(c.State.(string) + " says: " + text)
}

// leave comes too late to send anything to c. That is an error to look at, and not
// the end of the guest.
func leave(c *wherry.Conn, _ wherry.Disconnect) error {
	if err := c.SendText("Goodbye"); err != nil {
		wherry.Log(wherry.LevelInfo, "farewell: "+err.Error())
	}
	return room.BroadcastText(c.State.(string) + " left")
}

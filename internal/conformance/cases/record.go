package main

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/seed-c6589352/wherry/abi"
	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

// numbers counts connections; number has those that there are, by handle.
var (
	numbers int
	number  = make(map[uint64]int)
)

// shownBytes is the longest message whose bytes are told.
const shownBytes = 256

// tell logs an event as package conformance has it.
func tell(conn int, kind string, more ...wherry.Member) {
	event := append(wherry.Object{{Key: "conn", Value: conn}, {Key: "type", Value: kind}}, more...)
	line, err := wherry.AppendJSON(nil, event)
	if err != nil {
		panic(err) // there are only strings and numbers in it
	}
	wherry.Log(wherry.LevelInfo, string(line))
}

// recorded has e tell of what its handlers are called with.
func recorded(e wherry.Endpoint) wherry.Endpoint {
	connect, receive, disconnect := e.OnConnect, e.OnReceive, e.OnDisconnect
	e.OnConnect = func(c *wherry.Conn) error {
		numbers++
		number[c.ID()] = numbers
		tellConnect(c)
		if connect == nil {
			return c.Accept()
		}
		return connect(c)
	}
	e.OnReceive = func(c *wherry.Conn, m wherry.Message) error {
		tellMessage(c, m)
		if receive == nil {
			return nil
		}
		return receive(c, m)
	}
	e.OnDisconnect = func(c *wherry.Conn, d wherry.Disconnect) error {
		tellDisconnect(c, d)
		defer delete(number, c.ID())
		if disconnect == nil {
			return nil
		}
		return disconnect(c, d)
	}
	return e
}

func tellConnect(c *wherry.Conn) {
	r := c.Request()
	tell(number[c.ID()], "connect",
		wherry.Member{Key: "scheme", Value: r.Scheme()},
		wherry.Member{Key: "peer", Value: r.Peer()},
		wherry.Member{Key: "protocols", Value: strings.Join(r.Subprotocols(), ", ")})
}

func tellMessage(c *wherry.Conn, m wherry.Message) {
	kind, data := "binary", ""
	if m.IsText() {
		kind = "text"
	}
	if len(m.Bytes()) <= shownBytes {
		if data = m.Text(); !m.IsText() {
			data = hex.EncodeToString(m.Bytes())
		}
	}
	tell(number[c.ID()], "receive",
		wherry.Member{Key: "kind", Value: kind},
		wherry.Member{Key: "len", Value: len(m.Bytes())},
		wherry.Member{Key: "data", Value: data})
}

func tellDisconnect(c *wherry.Conn, d wherry.Disconnect) {
	by := "host"
	switch {
	case d.ByPeer:
		by = "peer"
	case d.ByGuest:
		by = "guest"
	}
	tell(number[c.ID()], "disconnect",
		wherry.Member{Key: "code", Value: d.Code},
		wherry.Member{Key: "reason", Value: d.Reason},
		wherry.Member{Key: "by", Value: by},
		wherry.Member{Key: "clean", Value: bit(d.Clean)},
		wherry.Member{Key: "opened", Value: bit(d.Opened)})
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// tellRefusal tells of a send that the SDK refused, with the status that the host
// would have had for it, and of how many there have been.
func tellRefusal(c *wherry.Conn, err error, sent int) {
	status := abi.Invalid
	var state *wherry.StateError
	if errors.As(err, &state) && state.Phase >= wherry.Closing {
		status = abi.Closed
	}
	tellFault(c, abi.Message, status, sent)
}

// tellFault tells of a command that was refused.
func tellFault(c *wherry.Conn, command abi.Kind, status abi.Status, sent int) {
	tell(number[c.ID()], "fault",
		wherry.Member{Key: "command", Value: int(command)},
		wherry.Member{Key: "status", Value: int(status)},
		wherry.Member{Key: "sent", Value: sent})
}

// Command cases has the handlers that scenarios of the conformance suite describe in
// words, as somebody would write them with the SDK, each at the path that its
// scenario asks for. What handlers are called with is logged, as JSON.
package main

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

func init() {
	answers()
	failures()
	ends()
	pushes()
	wherry.OnFault(func(f wherry.Fault) {
		if f.Conn == nil {
			return
		}
		if flood, ok := f.Conn.State.(*flood); ok && !flood.faulted {
			flood.faulted = true
			tellFault(f.Conn, f.Command, f.Status, flood.sent)
		}
	})
}

func main() {}

// register registers an endpoint whose events are recorded.
func register(pattern string, e wherry.Endpoint) { wherry.Register(pattern, recorded(e)) }

// connects is an endpoint that has nothing but an answer to handshakes.
func connects(f func(c *wherry.Conn) error) wherry.Endpoint { return wherry.Endpoint{OnConnect: f} }

// then makes a handler that accepts first.
func then(f func(c *wherry.Conn) error) func(c *wherry.Conn) error {
	return func(c *wherry.Conn) error {
		if err := c.Accept(); err != nil {
			return err
		}
		return f(c)
	}
}

// Parameters of several endpoints.
var (
	closeCode = wherry.IntParam(wherry.InPath, "code")
	earlyCode = wherry.IntParam(wherry.InQuery, "c").Required()
	reason    = wherry.StringParam(wherry.InQuery, "r").Default("")
	length    = wherry.IntParam(wherry.InQuery, "n").Default(0) // of a reason, or of a flood
	needed    = wherry.IntParam(wherry.InQuery, "q").Required()
	session   = wherry.StringParam(wherry.InCookie, "session")
	item      = wherry.StringParam(wherry.InPath, "item")
)

// answers registers what lets connections in, in different ways.
func answers() {
	register("/echo", wherry.Endpoint{OnReceive: func(c *wherry.Conn, m wherry.Message) error { return c.Send(m) }})
	register("/proto", wherry.Endpoint{})
	register("/ep/text", wherry.Endpoint{Encoding: wherry.Text})
	register("/return_after", wherry.Endpoint{})
	register("/subproto", connects(func(c *wherry.Conn) error {
		if err := c.AcceptWith(c.Request().Query("p"), nil); err != nil {
			return err
		}
		return c.Close(wherry.CloseNormal, "")
	}))
	register("/hdrs", connects(func(c *wherry.Conn) error {
		header := wherry.Header{{Name: "x-a", Value: "1"}, {Name: "set-cookie", Value: "a=b"}, {Name: "set-cookie", Value: "c=d"}}
		if err := c.AcceptWith("", header); err != nil {
			return err
		}
		return c.Close(wherry.CloseNormal, "")
	}))
	register("/info/{a}/{b:int}/{rest:path}", connects(then(func(c *wherry.Conn) error {
		r := c.Request()
		client, _, err := net.SplitHostPort(r.Peer())
		if err != nil {
			return err
		}
		if err := c.SendJSON(wherry.Object{{Key: "client", Value: client}, {Key: "scheme", Value: r.Scheme()}}); err != nil {
			return err
		}
		return c.Close(wherry.CloseNormal, "")
	})))
	register("/slowaccept", connects(func(c *wherry.Conn) error {
		wherry.After(500*time.Millisecond, func() {
			if err := c.Accept(); err != nil {
				wherry.Log(wherry.LevelInfo, "too late: "+err.Error())
			}
		})
		return nil
	}))
	wherry.Register("/", wherry.Endpoint{OnRequest: func(x *wherry.Exchange) error {
		r := x.Request()
		tell(0, "http", wherry.Member{Key: "method", Value: r.Method()}, wherry.Member{Key: "path", Value: r.Path()})
		return x.Respond(wherry.StatusOK, nil, []byte("home"))
	}})
}

// failures registers what fails, or refuses.
func failures() {
	fails := func(err error) func(*wherry.Conn) error { return func(*wherry.Conn) error { return err } }
	boom := errors.New("boom")
	register("/raise_before", connects(fails(boom)))
	register("/raise_after", connects(then(fails(boom))))
	register("/httpexc_before", connects(fails(wherry.NewHTTPError(wherry.StatusUnauthorized, "no", wherry.Field{Name: "x-h", Value: "1"}))))
	register("/httpexc_after", connects(then(fails(wherry.NewHTTPError(wherry.StatusUnauthorized, "no")))))
	register("/send_before", connects(func(c *wherry.Conn) error { return c.SendText("early") }))
	register("/denial", connects(func(c *wherry.Conn) error {
		header := wherry.Header{{Name: "www-authenticate", Value: "Bearer"}, {Name: "content-type", Value: "application/json"}}
		return c.Deny(wherry.StatusUnauthorized, header, []byte(`{"e":"unauth"}`))
	}))
	register("/fa/q", wherry.Endpoint{Params: []wherry.Param{needed}})
	register("/fa/raise/ws", wherry.Endpoint{OnReceive: func(*wherry.Conn, wherry.Message) error {
		return wherry.NewCloseError(4003, "forbidden")
	}})
	register("/fa/items/{item}/ws", wherry.Endpoint{
		Params: []wherry.Param{session, item},
		OnConnect: func(c *wherry.Conn) error {
			if _, ok := session.Get(c.Request()); !ok {
				return wherry.NewCloseError(wherry.ClosePolicyViolation, "Session cookie missing")
			}
			c.State = item.Value(c.Request())
			return c.Accept()
		},
		OnReceive: func(c *wherry.Conn, m wherry.Message) error {
			return c.SendText("Message text was: " + m.Text() + ", for item ID: " + c.State.(string))
		},
	})
}

// ends registers what closes, and what is said after a close.
func ends() {
	register("/seed1560", connects(func(c *wherry.Conn) error { return c.Close(wherry.CloseNormal, "") }))
	register("/close_before", wherry.Endpoint{
		Params:    []wherry.Param{earlyCode},
		OnConnect: func(c *wherry.Conn) error { return c.Close(int(earlyCode.Value(c.Request())), "nope") },
	})
	register("/close/{code}", wherry.Endpoint{
		Params: []wherry.Param{closeCode, reason, length},
		OnConnect: then(func(c *wherry.Conn) error {
			r := c.Request()
			return c.Close(int(closeCode.Value(r)), reason.Value(r)+strings.Repeat("x", int(length.Value(r))))
		}),
	})
	register("/double_close", connects(then(func(c *wherry.Conn) error {
		if err := c.Close(4001, "one"); err != nil {
			return err
		}
		return c.Close(4002, "two")
	})))
	register("/farewell", wherry.Endpoint{
		OnReceive: func(c *wherry.Conn, m wherry.Message) error { return c.SendText("Echo: " + m.Text()) },
		OnDisconnect: func(c *wherry.Conn, _ wherry.Disconnect) error {
			err := c.SendText("Goodbye")
			if err != nil {
				tellRefusal(c, err, 1)
			}
			return err
		},
	})
}

// pushes registers what sends without being asked.
func pushes() {
	const room = wherry.Room("room")
	register("/room", wherry.Endpoint{
		OnConnect: then(room.Join),
		OnReceive: func(_ *wherry.Conn, m wherry.Message) error { return room.BroadcastText(m.Text()) },
	})
	register("/push", connects(then(func(c *wherry.Conn) error {
		push(c, 0)
		return nil
	})))
	register("/flood", wherry.Endpoint{Params: []wherry.Param{length}, OnConnect: then(func(c *wherry.Conn) error {
		f := &flood{left: int(length.Value(c.Request()))}
		c.State = f
		f.pour(c)
		return nil
	})})
}

// push sends the sent-th message in a tenth of a second, and goes on until one cannot
// be sent.
func push(c *wherry.Conn, sent int) {
	const most = 12
	if sent == most {
		return
	}
	wherry.After(100*time.Millisecond, func() {
		if err := c.SendText("m" + strconv.Itoa(sent)); err != nil {
			tellRefusal(c, err, sent+1)
			return
		}
		push(c, sent+1)
	})
}

// A flood is more than a client takes: the state of its connection.
type flood struct {
	left, sent int
	faulted    bool // one was refused, and told of
}

// pour sends a part, and soon the next: all at once would be more than a turn may do.
func (f *flood) pour(c *wherry.Conn) {
	var blob [64 << 10]byte
	for range min(f.left, 64) {
		if err := c.SendBytes(blob[:]); err != nil {
			return // it has ended
		}
		f.left--
		f.sent++
	}
	if f.left > 0 {
		wherry.After(10*time.Millisecond, func() { f.pour(c) })
	}
}

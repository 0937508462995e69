// Command go is the program of the transcripts in Go: README.md in the folder above
// says what each endpoint does.
package main

import (
	"math"
	"strconv"
	"strings"
	"time"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

// ends is the room that is told how connections of some endpoints ended.
const ends = wherry.Room("ends")

func init() {
	messages()
	handshakes()
	inputs()
	lives()
	wherry.OnStop(func(r wherry.StopReason) error { return ends.BroadcastText("stopping " + r.String()) })
	wherry.HandleError(func(f *wherry.Failure, _ *Teapot) (bool, error) {
		if f.Conn.Phase() == wherry.Connecting {
			return true, f.Conn.Deny(wherry.StatusImATeapot, nil, []byte("short and stout"))
		}
		return true, f.Conn.Close(4418, "short and stout")
	})
	wherry.HandleStatus(wherry.StatusNotFound, func(f *wherry.Failure, err *wherry.HTTPError) (bool, error) {
		if f.Conn == nil || f.Conn.Phase() != wherry.Connecting {
			return false, nil
		}
		plain := wherry.Header{{Name: "content-type", Value: "text/plain"}}
		return true, f.Conn.Deny(wherry.StatusNotFound, plain, []byte(err.Detail))
	})
}

func main() {}

// A Teapot is an error of the program's own.
type Teapot struct{}

func (*Teapot) Error() string { return "a teapot" }

// A plainError is its text.
type plainError string

func (e plainError) Error() string { return string(e) }

// echo sends every message back.
func echo(c *wherry.Conn, m wherry.Message) error { return c.Send(m) }

// messages registers the endpoints that are about encodings and errors of messages.
func messages() {
	wherry.Register("/any", wherry.Endpoint{OnReceive: echo})
	wherry.Register("/bytes", wherry.Endpoint{Encoding: wherry.Bytes, OnReceive: echo})
	wherry.Register("/text", wherry.Endpoint{Encoding: wherry.Text, OnReceive: text, OnDisconnect: tellEnd})
	wherry.Register("/json", wherry.Endpoint{Encoding: wherry.JSON, OnReceive: func(c *wherry.Conn, m wherry.Message) error {
		if o, isObject := m.JSON().(wherry.Object); isObject {
			if _, bad := o.Get("bad"); bad {
				return c.SendJSON(make(chan int))
			}
		}
		return c.SendJSON(wherry.Object{{Key: "got", Value: m.JSON()}})
	}})
	wherry.Register("/trap", wherry.Endpoint{OnReceive: func(*wherry.Conn, wherry.Message) error {
		panic("a bug in the guest")
	}})
}

// text echoes, except for some messages.
func text(c *wherry.Conn, m wherry.Message) error {
	switch m.Text() {
	case "close":
		return c.Close(4000, "bye")
	case "twice":
		if err := c.Close(4000, "one"); err != nil {
			return err
		}
		if err := c.Close(4001, "two"); err != nil {
			wherry.Log(wherry.LevelInfo, err.Error())
		}
		return nil
	case "fail":
		return plainError("boom")
	case "policy":
		return wherry.NewCloseError(wherry.ClosePolicyViolation, "no")
	case "http":
		return wherry.NewHTTPError(wherry.StatusForbidden, "nope")
	case "late":
		if err := c.Close(wherry.CloseNormal, ""); err != nil {
			return err
		}
		return c.SendText("x")
	case "long":
		return c.Close(wherry.CloseNormal, strings.Repeat("é", 62))
	case "code":
		return c.Close(wherry.CloseNoStatus, "")
	case "teapot":
		return &Teapot{}
	}
	return c.Send(m)
}

// tellEnd broadcasts how a connection ended.
func tellEnd(_ *wherry.Conn, d wherry.Disconnect) error {
	line := strconv.Itoa(d.Code) + " " + d.Reason
	for _, word := range []struct {
		applies bool
		text    string
	}{{d.Clean, " clean"}, {d.ByPeer, " peer"}, {d.ByGuest, " guest"}, {d.ByHost, " host"}, {d.Opened, " opened"}} {
		if word.applies {
			line += word.text
		}
	}
	return ends.BroadcastText(line)
}

// handshakes registers the endpoints that are about the answer to a handshake.
func handshakes() {
	fails := func(err error) wherry.Endpoint {
		return wherry.Endpoint{OnConnect: func(*wherry.Conn) error { return err }}
	}
	wherry.Register("/deny", wherry.Endpoint{OnConnect: func(c *wherry.Conn) error {
		header := wherry.Header{{Name: "content-type", Value: "text/plain"}, {Name: "www-authenticate", Value: "Basic"}}
		return c.Deny(wherry.StatusUnauthorized, header, []byte("no\n"))
	}})
	wherry.Register("/refuse", wherry.Endpoint{
		OnConnect:    func(c *wherry.Conn) error { return c.Close(4003, "not you") },
		OnDisconnect: tellEnd,
	})
	wherry.Register("/protocol", wherry.Endpoint{OnConnect: func(c *wherry.Conn) error {
		return c.AcceptWith("chat.v2", wherry.Header{{Name: "x-a", Value: "1"}, {Name: "x-a", Value: "2"}})
	}})
	wherry.Register("/early", wherry.Endpoint{OnConnect: func(c *wherry.Conn) error { return c.SendText("early") }})
	wherry.Register("/fail", fails(plainError("boom")))
	wherry.Register("/http", fails(wherry.NewHTTPError(wherry.StatusForbidden, "members only", wherry.Field{Name: "x-why", Value: "test"})))
	wherry.Register("/gone", fails(wherry.NewHTTPError(wherry.StatusGone, "")))
	wherry.Register("/policy", fails(wherry.NewCloseError(wherry.ClosePolicyViolation, "no")))
	wherry.Register("/teapot", fails(&Teapot{}))
	wherry.Register("/missing", fails(wherry.NewHTTPError(wherry.StatusNotFound, "nothing here")))
	wherry.Register("/wait", wherry.Endpoint{OnConnect: func(c *wherry.Conn) error {
		wherry.After(5*time.Millisecond, func() { _ = c.Accept() }) // it may have ended
		return nil
	}})
	wherry.Register("/page", wherry.Endpoint{OnRequest: page})
}

// page answers HTTP requests.
func page(x *wherry.Exchange) error {
	switch x.Request().Method() {
	case "GET":
		html := wherry.Header{{Name: "content-type", Value: "text/html; charset=utf-8"}}
		return x.Respond(wherry.StatusOK, html, []byte("<p>hi</p>"))
	case "POST":
		bytes := wherry.Header{{Name: "content-type", Value: "application/octet-stream"}}
		return x.Respond(wherry.StatusCreated, bytes, x.Body())
	}
	return wherry.NewHTTPError(wherry.StatusMethodNotAllowed, "", wherry.Field{Name: "allow", Value: "GET, POST"})
}

// Parameters of /params, and of /own.
var (
	id    = wherry.IntParam(wherry.InPath, "id")
	n     = wherry.IntParam(wherry.InQuery, "n").Required()
	f     = wherry.FloatParam(wherry.InQuery, "f").Default(1.5)
	b     = wherry.BoolParam(wherry.InQuery, "b")
	u     = wherry.UUIDParam(wherry.InQuery, "u")
	color = wherry.EnumParam(wherry.InQuery, "color", "red", "green").Default("red")
	token = wherry.StringParam(wherry.InHeader, "x-token")
	sid   = wherry.StringParam(wherry.InCookie, "sid").Required()
)

// inputs registers the endpoints that are about what a request says.
func inputs() {
	wherry.Register("/params/{id:int}", wherry.Endpoint{
		Params:    []wherry.Param{id, n, f, b, u, color, token, sid},
		OnConnect: sendParams,
	})
	wherry.Register("/own", wherry.Endpoint{
		Params: []wherry.Param{n},
		OnInvalid: func(c *wherry.Conn, problems []wherry.ParamError) error {
			var words []string
			for _, p := range problems {
				words = append(words, p.Place.String()+" "+p.Name+" "+p.Type)
			}
			if err := c.Accept(); err != nil {
				return err
			}
			return c.Close(wherry.ClosePolicyViolation, strings.Join(words, ","))
		},
	})
	wherry.Register("/request", wherry.Endpoint{OnConnect: sendRequest})
	wherry.Register("/greet", wherry.Endpoint{OnConnect: func(c *wherry.Conn) error {
		if err := c.Accept(); err != nil {
			return err
		}
		greeting, _ := wherry.Config("greeting")
		return c.SendText(greeting)
	}})
}

// sendParams accepts and says what the parameters are.
func sendParams(c *wherry.Conn) error {
	if err := c.Accept(); err != nil {
		return err
	}
	r := c.Request()
	flag := "-"
	if value, ok := b.Get(r); ok {
		flag = strconv.FormatBool(value)
	}
	return c.SendText("id=" + strconv.FormatInt(id.Value(r), 10) +
		" n=" + strconv.FormatInt(n.Value(r), 10) +
		" f=" + strconv.FormatInt(int64(math.Round(f.Value(r)*1000)), 10) +
		" b=" + flag +
		" u=" + orDash(u.Get(r)) +
		" color=" + color.Value(r) +
		" token=" + orDash(token.Get(r)) +
		" sid=" + sid.Value(r))
}

func orDash(value string, ok bool) string {
	if !ok {
		return "-"
	}
	return value
}

// sendRequest accepts and sends what the request says.
func sendRequest(c *wherry.Conn) error {
	if err := c.Accept(); err != nil {
		return err
	}
	r := c.Request()
	a, _ := r.Cookie("a")
	for _, text := range []string{
		r.Method(), r.Path(), r.RawQuery(), r.Authority(), r.Scheme(), r.Peer(), r.Route(),
		strings.Join(r.Subprotocols(), ","),
		r.Query("q"), strings.Join(r.QueryValues("tag"), ","),
		r.Header("x-one"), strings.Join(r.HeaderValues("x-one"), ","),
		a,
	} {
		if err := c.SendText(text); err != nil {
			return err
		}
	}
	return nil
}

// lives registers the endpoints that are about what outlasts a message.
func lives() {
	wherry.Register("/room/{room}", wherry.Endpoint{OnConnect: enterRoom, OnReceive: inRoom})
	wherry.Register("/timer", wherry.Endpoint{OnReceive: setTimer})
	wherry.Register("/attach", wherry.Endpoint{
		OnReceive: func(c *wherry.Conn, m wherry.Message) error {
			if m.Text() == "?" {
				return c.SendText(string(c.Attachment()))
			}
			return c.Attach(m.Bytes())
		},
		OnResume: func(*wherry.Conn) error { return nil },
	})
	wherry.Register("/count", wherry.Endpoint{OnReceive: func(c *wherry.Conn, _ wherry.Message) error {
		count, _ := c.State.(int)
		count++
		c.State = count
		return c.SendText(strconv.Itoa(count))
	}})
}

// enterRoom accepts, and joins the room that the path names.
func enterRoom(c *wherry.Conn) error {
	room := wherry.Room(c.Request().Param("room"))
	c.State = room
	if err := c.Accept(); err != nil {
		return err
	}
	return room.Join(c)
}

// inRoom does what a message says.
func inRoom(c *wherry.Conn, m wherry.Message) error {
	room := c.State.(wherry.Room)
	switch verb, rest, _ := strings.Cut(m.Text(), " "); verb {
	case "leave":
		return room.Leave(c)
	case "all":
		return room.BroadcastText(rest)
	case "others":
		return room.Except(c).BroadcastText(rest)
	case "bytes":
		return room.BroadcastBytes([]byte(rest))
	}
	return nil
}

// setTimer arms a timer or cancels it.
func setTimer(c *wherry.Conn, m wherry.Message) error {
	if m.Text() == "cancel" {
		if last, ok := c.State.(*wherry.Timer); ok {
			last.Cancel()
		}
		return nil
	}
	ms, err := strconv.Atoi(m.Text())
	if err != nil {
		return err
	}
	c.State = wherry.After(time.Duration(ms)*time.Millisecond, func() { _ = c.SendText("fired") }) // it may have ended
	return nil
}

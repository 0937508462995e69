// Command session looks at a cookie before it lets anybody in, declares parameters
// with types, and says in its own way what is wrong with them.
package main

import (
	"strconv"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

// What requests are to have. What is declared here is read and checked before
// OnConnect; a handshake with a q that is no number is refused, and says why.
var (
	item    = wherry.StringParam(wherry.InPath, "item")
	session = wherry.StringParam(wherry.InCookie, "session")
	token   = wherry.StringParam(wherry.InQuery, "token")
	q       = wherry.IntParam(wherry.InQuery, "q")
	n       = wherry.IntParam(wherry.InQuery, "n").Required()
)

func init() {
	wherry.Register("/items/{item}/ws", wherry.Endpoint{
		Encoding:  wherry.Text,
		Params:    []wherry.Param{item, session, token, q},
		OnConnect: enter,
		OnReceive: answer,
	})
	wherry.Register("/strict/ws", wherry.Endpoint{
		Params:    []wherry.Param{n},
		OnInvalid: explain,
	})
}

func main() {}

// A visit is what is kept of a request, which is gone when OnConnect returns.
type visit struct {
	item string
	pass string // the cookie, or the token
	q    *int64 // nil if it was not given
}

func enter(c *wherry.Conn) error {
	r := c.Request()
	pass, ok := session.Get(r)
	if !ok {
		pass, ok = token.Get(r)
	}
	if !ok {
		return wherry.NewCloseError(wherry.ClosePolicyViolation, "Session cookie or token missing")
	}
	v := &visit{item: item.Value(r), pass: pass}
	if number, given := q.Get(r); given {
		v.q = &number
	}
	c.State = v
	return c.Accept()
}

func answer(c *wherry.Conn, m wherry.Message) error {
	v := c.State.(*visit)
	if err := c.SendText("Session cookie or query token value is: " + v.pass); err != nil {
		return err
	}
	if v.q != nil {
		if err := c.SendText("Query parameter q is: " + strconv.FormatInt(*v.q, 10)); err != nil {
			return err
		}
	}
	return c.SendText("Message text was: " + m.Text() + ", for item ID: " + v.item)
}

// explain accepts and closes with the errors as the reason: a browser's script can
// read that, and not the body of a refusal. What is over 123 bytes is cut off.
func explain(c *wherry.Conn, problems []wherry.ParamError) error {
	list := make([]any, len(problems))
	for i, p := range problems {
		object := wherry.Object{
			{Key: "type", Value: p.Type},
			{Key: "loc", Value: []string{p.Place.String(), p.Name}},
			{Key: "msg", Value: p.Message},
		}
		if p.Type != "missing" {
			object = append(object, wherry.Member{Key: "input", Value: p.Input})
		}
		list[i] = object
	}
	reason, err := wherry.AppendJSON(nil, list)
	if err != nil {
		return err
	}
	if err := c.Accept(); err != nil {
		return err
	}
	return c.Close(wherry.ClosePolicyViolation, string(reason))
}

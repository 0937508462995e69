// Command errors fails in every way that there is, before and after a connection is
// accepted. What the client sees differs: details of what was not expected are for
// the log, or for a tenant whose configuration says debug.
package main

import (
	"errors"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

var (
	status = wherry.IntParam(wherry.InQuery, "status").Default(wherry.StatusUnauthorized)
	token  = wherry.StringParam(wherry.InQuery, "token").Required()
)

func init() {
	wherry.Register("/before", wherry.Endpoint{Params: []wherry.Param{status}, OnConnect: refuse})
	wherry.Register("/after", wherry.Endpoint{OnReceive: tooLate})
	wherry.Register("/policy", wherry.Endpoint{OnReceive: forbid})
	wherry.Register("/crash", wherry.Endpoint{Params: []wherry.Param{token}, OnConnect: enter, OnReceive: crash})
	wherry.Register("/json", wherry.Endpoint{Encoding: wherry.JSON, OnReceive: sendVault})
	wherry.HandleError(closeForbidden)
}

func main() {}

// refuse answers the handshake with a response of HTTP.
func refuse(c *wherry.Conn) error {
	return wherry.NewHTTPError(int(status.Value(c.Request())), "before", wherry.Field{Name: "x-h", Value: "1"})
}

// tooLate fails with an HTTP error where there is no HTTP any more: the client sees
// 1011.
func tooLate(*wherry.Conn, wherry.Message) error {
	return wherry.NewHTTPError(wherry.StatusUnauthorized, "")
}

// A Forbidden is an error of this program's own.
type Forbidden struct{}

func (*Forbidden) Error() string { return "forbidden" }

// forbid closes by a policy, in two ways.
func forbid(_ *wherry.Conn, m wherry.Message) error {
	if m.Text() == "typed" {
		return &Forbidden{}
	}
	return wherry.NewCloseError(4003, "forbidden")
}

// closeForbidden says for all endpoints what becomes of a Forbidden.
func closeForbidden(f *wherry.Failure, _ *Forbidden) (done bool, err error) {
	if f.Conn == nil {
		return false, nil
	}
	return true, f.Conn.Close(wherry.CloseForbidden, "typed")
}

// enter keeps the token, because the request is gone when it returns.
func enter(c *wherry.Conn) error {
	c.State = token.Value(c.Request())
	return c.Accept()
}

// crash fails with what no client may read.
func crash(c *wherry.Conn, _ wherry.Message) error {
	return errors.New("token " + c.State.(string) + " is broken")
}

// A Vault has no JSON.
type Vault struct{ combination int }

// sendVault fails with an error that names the type.
func sendVault(c *wherry.Conn, _ wherry.Message) error { return c.SendJSON(&Vault{combination: 7}) }

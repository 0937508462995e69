// Command plain is a page at a place where no WebSocket is served. Whoever tries one
// there is told so, and so is the log.
package main

import wherry "github.com/seed-c6589352/wherry/guests/sdk/go"

func init() {
	wherry.Register("/", wherry.Endpoint{OnConnect: refuse, OnRequest: showPage})
}

func main() {}

func refuse(c *wherry.Conn) error {
	const why = "no WebSocket is served here"
	wherry.Log(wherry.LevelWarn, "WebSocket refused at "+c.Request().Path()+": "+why)
	text := wherry.Header{{Name: "content-type", Value: "text/plain; charset=utf-8"}}
	return c.Deny(wherry.StatusNotFound, text, []byte(why))
}

func showPage(x *wherry.Exchange) error {
	if x.Request().Method() != "GET" {
		return wherry.NewHTTPError(wherry.StatusMethodNotAllowed, "", wherry.Field{Name: "allow", Value: "GET"})
	}
	html := wherry.Header{{Name: "content-type", Value: "text/html; charset=utf-8"}}
	return x.Respond(wherry.StatusOK, html, []byte("<h1>Just a page</h1>"))
}

// Command doorman closes at /ws while it is asked to let somebody in. The client
// sees 403, for a close code cannot reach it; OnDisconnect sees the code, once.
// Beside the WebSocket, at /, is a page over plain HTTP.
package main

import (
	"strconv"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

func init() {
	wherry.Register("/ws", wherry.Endpoint{OnConnect: turnAway, OnDisconnect: logEnd})
	wherry.Register("/", wherry.Endpoint{OnRequest: showPage})
}

func main() {}

func turnAway(c *wherry.Conn) error { return c.Close(wherry.CloseNormal, "") }

func logEnd(_ *wherry.Conn, d wherry.Disconnect) error {
	wherry.Log(wherry.LevelInfo, "on_disconnect "+strconv.Itoa(d.Code))
	return nil
}

func showPage(x *wherry.Exchange) error {
	if x.Request().Method() != "GET" {
		return wherry.NewHTTPError(wherry.StatusMethodNotAllowed, "", wherry.Field{Name: "allow", Value: "GET"})
	}
	html := wherry.Header{{Name: "content-type", Value: "text/html; charset=utf-8"}}
	return x.Respond(wherry.StatusOK, html, []byte("<h1>Nobody gets in here</h1>"))
}

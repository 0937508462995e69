package examples

import (
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// TestJSONRPC: calls, notifications and batches, and what is wrong with them.
func TestJSONRPC(t *testing.T) {
	const (
		parseError     = `{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}`
		invalidRequest = `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}`
	)
	deep := strings.Repeat("[", 63) + strings.Repeat("]", 63)
	each(t, "jsonrpc", func(t *testing.T, g *guest) {
		s := g.serve(t, nil, "/rpc")
		c := s.dial("/rpc")
		for _, tc := range []struct{ request, want string }{
			{`{"jsonrpc":"2.0","method":"add","params":[2,3],"id":1}`, `{"jsonrpc":"2.0","result":5,"id":1}`},
			{` { "id" : "é\u0041" , "params" : [ -9223372036854775808 , 9223372036854775807 ] , "method" : "add" , "jsonrpc" : "2.0" } `,
				`{"jsonrpc":"2.0","result":-1,"id":"éA"}`},
			{`{"jsonrpc":"2.0","method":"echo","params":{"b":[1,2.5,null],"a":"x"},"id":2}`, `{"jsonrpc":"2.0","result":{"b":[1,2.5,null],"a":"x"},"id":2}`},
			{`{"jsonrpc":"2.0","method":"echo","id":null}`, `{"jsonrpc":"2.0","result":null,"id":null}`},
			{`{"jsonrpc":"2.0","method":"echo","params":` + deep + `,"id":3}`, `{"jsonrpc":"2.0","result":` + deep + `,"id":3}`},
			{`{"jsonrpc":"2.0","method":"echo","params":[` + deep + `],"id":4}`, parseError},

			{`{"jsonrpc":"2.0","method":"add","params":[1],"id":5}`, `{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params"},"id":5}`},
			{`{"jsonrpc":"2.0","method":"add","params":[1,"2"],"id":6}`, `{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params"},"id":6}`},
			{`{"jsonrpc":"2.0","method":"add","params":[1,2.5],"id":6}`, `{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params"},"id":6}`},
			{`{"jsonrpc":"2.0","method":"add","id":"7"}`, `{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params"},"id":"7"}`},
			{`{"jsonrpc":"2.0","method":"add","params":[9223372036854775807,1],"id":8}`, `{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params"},"id":8}`},
			{`{"jsonrpc":"2.0","method":"sub","params":[1,2],"id":9}`, `{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":9}`},
			{`{"jsonrpc":"1.0","method":"add","params":[1,2],"id":10}`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":10}`},
			{`{"jsonrpc":"2.0","method":1,"params":"bar"}`, invalidRequest},
			{`{"jsonrpc":"2.0","method":"echo","params":5,"id":11}`, `{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":11}`},
			{`{"jsonrpc":"2.0","method":"echo","id":[1]}`, invalidRequest},
			{`"hello"`, invalidRequest},
			{`{"jsonrpc":"2.0","method":"add`, parseError},
			{``, parseError},

			{`[]`, invalidRequest},
			{`[1,{"jsonrpc":"2.0","method":"add","params":[1,2]},{"jsonrpc":"2.0","method":"add","params":[1,2],"id":"a"}]`,
				`[` + invalidRequest + `,{"jsonrpc":"2.0","result":3,"id":"a"}]`},
			{`[[]]`, `[` + invalidRequest + `]`},
			{`[1,`, parseError},
		} {
			c.say(tc.request)
			c.hears(tc.want)
		}

		// Notifications get no answer, not even to say that they are wrong: the next
		// frame is of what comes after them.
		c.say(
			`{"jsonrpc":"2.0","method":"add","params":[1,2]}`,
			`{"jsonrpc":"2.0","method":"sub"}`,
			`[{"jsonrpc":"2.0","method":"sub"},{"jsonrpc":"2.0","method":"add"}]`,
			`[{"jsonrpc":"2.0","method":"close"},{"jsonrpc":"2.0","method":"add","params":[1,1],"id":12}]`,
		)
		c.hears(`[{"jsonrpc":"2.0","result":2,"id":12}]`)
		c.closed(1000, "")
		other := s.dial("/rpc")
		other.say(`{"jsonrpc":"2.0","method":"close"}`)
		other.closed(1000, "")
		other = s.dial("/rpc")
		other.send(ws.OpBinary, []byte(`{"jsonrpc":"2.0","method":"close"}`))
		other.closed(1003, "text expected")
		s.saw(
			"/rpc: HTTP 101, 1000 , by guest, clean",
			"/rpc: HTTP 101, 1000 , by guest, clean",
			"/rpc: HTTP 101, 1003 text expected, by guest, clean",
		)
	})
}

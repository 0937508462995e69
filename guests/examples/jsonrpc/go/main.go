// Command jsonrpc is an endpoint for JSON-RPC 2.0 over text messages, with the
// methods add, echo and close; batches and notifications as the specification has
// them: https://www.jsonrpc.org/specification
package main

import wherry "github.com/seed-c6589352/wherry/guests/sdk/go"

func init() {
	wherry.Register("/rpc", wherry.Endpoint{Encoding: wherry.Text, OnReceive: receive})
}

func main() {}

// A fault is why a call has no result.
type fault struct {
	code    int
	message string
}

// The faults of the specification.
var (
	parseError     = &fault{-32700, "Parse error"}
	invalidRequest = &fault{-32600, "Invalid Request"}
	methodNotFound = &fault{-32601, "Method not found"}
	invalidParams  = &fault{-32602, "Invalid params"}
)

// receive answers a call, or a batch of them.
func receive(c *wherry.Conn, m *wherry.Message) error {
	request, err := wherry.ParseJSON(m.Bytes())
	if err != nil {
		return c.SendJSON(failure(nil, parseError))
	}
	calls, isBatch := request.([]any)
	if !isBatch {
		calls = []any{request}
	} else if len(calls) == 0 {
		return c.SendJSON(failure(nil, invalidRequest))
	}
	var answers []any
	hangUp := false
	for _, call := range calls {
		if isClose(call) {
			hangUp = true
		} else if answer := serve(call); answer != nil {
			answers = append(answers, answer)
		}
	}
	if err := send(c, answers, isBatch); err != nil {
		return err
	}
	if hangUp {
		return c.Close(wherry.CloseNormal, "")
	}
	return nil
}

// send sends the answers, if there are any.
func send(c *wherry.Conn, answers []any, isBatch bool) error {
	switch {
	case len(answers) == 0:
		return nil
	case isBatch:
		return c.SendJSON(answers)
	}
	return c.SendJSON(answers[0])
}

// isClose reports whether a call is the notification close.
func isClose(call any) bool {
	o, _ := call.(wherry.Object)
	version, _ := o.Get("jsonrpc")
	method, _ := o.Get("method")
	_, hasID := o.Get("id")
	return version == "2.0" && method == "close" && !hasID
}

// serve returns the answer to a call: nil to a notification.
func serve(call any) any {
	o, _ := call.(wherry.Object)
	version, _ := o.Get("jsonrpc")
	method, _ := o.Get("method")
	name, named := method.(string)
	params, hasParams := o.Get("params")
	id, hasID := o.Get("id")
	if !isID(id) {
		return failure(nil, invalidRequest)
	}
	if version != "2.0" || !named || hasParams && !isStructured(params) {
		return failure(id, invalidRequest)
	}
	result, problem := perform(name, params)
	switch {
	case !hasID:
		return nil
	case problem != nil:
		return failure(id, problem)
	}
	return wherry.Object{{Key: "jsonrpc", Value: "2.0"}, {Key: "result", Value: result}, {Key: "id", Value: id}}
}

// isID reports whether a call can have this id.
func isID(id any) bool {
	switch id.(type) {
	case nil, string, int64, float64:
		return true
	}
	return false
}

// isStructured reports whether v can be parameters.
func isStructured(v any) bool {
	switch v.(type) {
	case []any, wherry.Object:
		return true
	}
	return false
}

// perform calls a method.
func perform(method string, params any) (result any, problem *fault) {
	switch method {
	case "add":
		return add(params)
	case "echo":
		return params, nil
	}
	return nil, methodNotFound
}

// add adds two integers. What does not fit in 64 bits is not right either.
func add(params any) (result any, problem *fault) {
	list, _ := params.([]any)
	if len(list) != 2 {
		return nil, invalidParams
	}
	a, isInt := list[0].(int64)
	b, areInts := list[1].(int64)
	sum := a + b
	if !isInt || !areInts || (sum > a) != (b > 0) {
		return nil, invalidParams
	}
	return sum, nil
}

// failure returns the answer to a call that has no result.
func failure(id any, f *fault) any {
	return wherry.Object{
		{Key: "jsonrpc", Value: "2.0"},
		{Key: "error", Value: wherry.Object{{Key: "code", Value: f.code}, {Key: "message", Value: f.message}}},
		{Key: "id", Value: id},
	}
}

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
func receive(c *wherry.Conn, m wherry.Message) error {
	request, err := wherry.ParseJSON(m.Bytes())
	if err != nil {
		return c.SendJSON(failure(nil, parseError))
	}
	var t talk
	if answer := t.handle(request); answer != nil {
		if err := c.SendJSON(answer); err != nil {
			return err
		}
	}
	if t.over {
		return c.Close(wherry.CloseNormal, "")
	}
	return nil
}

// A talk is what a message leads to.
type talk struct {
	over bool // the connection is to be closed, behind the answers
}

// handle returns the answer to a message, nil if there is none.
func (t *talk) handle(request any) any {
	batch, isBatch := request.([]any)
	switch {
	case !isBatch:
		return t.call(request)
	case len(batch) == 0:
		return failure(nil, invalidRequest)
	}
	var answers []any
	for _, call := range batch {
		if answer := t.call(call); answer != nil {
			answers = append(answers, answer)
		}
	}
	if len(answers) == 0 {
		return nil
	}
	return answers
}

// call returns the answer to a call: nil to a notification, which has no id.
func (t *talk) call(call any) any {
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
	result, problem := t.perform(name, params)
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

// perform does what a method is for.
func (t *talk) perform(method string, params any) (result any, problem *fault) {
	switch method {
	case "add":
		return add(params)
	case "echo":
		return params, nil
	case "close":
		t.over = true
		return nil, nil
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

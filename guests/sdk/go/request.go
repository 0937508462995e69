package wherry

import "github.com/seed-c6589352/wherry/abi"

// A Request is the head of a handshake or of an HTTP request. It is good until the
// handler that got it returns: what is needed later is to be copied to the state.
// What its methods return is the caller's. Bytes are as the client sent them, which
// need not be UTF-8.
type Request struct {
	fields []byte // a view of the event
	conn   *Conn  // whose it is; nil for an HTTP request
}

// current is the request that is being handled, an empty one between them.
var current = new(Request)

// begin makes a request the current one.
func begin(fields []byte, c *Conn) *Request {
	current = &Request{fields, c}
	return current
}

// end empties the request, so that who kept it finds nothing.
func (r *Request) end() { *r = Request{} }

// Method returns the method, which is GET for a handshake.
func (r *Request) Method() string { return r.pseudo(abi.FieldMethod) }

// Path returns the path as it was sent, with its percent-encoding.
func (r *Request) Path() string { return r.pseudo(abi.FieldPath) }

// RawQuery returns what follows the question mark, as it was sent.
func (r *Request) RawQuery() string { return r.pseudo(abi.FieldQuery) }

// Authority returns host and port that the client asked for.
func (r *Request) Authority() string { return r.pseudo(abi.FieldAuthority) }

// Scheme returns ws, wss, http or https.
func (r *Request) Scheme() string { return r.pseudo(abi.FieldScheme) }

// Peer returns the client's address and port.
func (r *Request) Peer() string { return r.pseudo(abi.FieldPeer) }

// Route returns the pattern of the route that matched.
func (r *Request) Route() string { return r.pseudo(abi.FieldRoute) }

// Subprotocols returns what the client offered, in its order.
func (r *Request) Subprotocols() []string { return splitList(r.pseudo(abi.FieldProtocols)) }

// Subprotocol returns the one that is in use, in OnResume.
func (r *Request) Subprotocol() string { return r.pseudo(abi.FieldProtocol) }

func (r *Request) pseudo(name string) string { return string(field(r.fields, name)) }

// Param returns a parameter of the route, decoded.
func (r *Request) Param(name string) string {
	b, _ := prefixedField(r.fields, abi.FieldParam, name)
	return string(b)
}

// Header returns the first header field with that name, in any case; "" if there is
// none.
func (r *Request) Header(name string) string {
	value, _ := r.header(name)
	return value
}

func (r *Request) header(name string) (value string, ok bool) {
	name = lower(name)
	if name == "" || name[0] == ':' {
		return "", false
	}
	b, ok := lookup(r.fields, name)
	return string(b), ok
}

// HeaderValues returns every header field with that name, in any case.
func (r *Request) HeaderValues(name string) (values []string) {
	name = lower(name)
	for _, f := range r.Headers() {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	return values
}

// Headers returns all header fields in their order.
func (r *Request) Headers() (header Header) {
	for rest := r.fields; ; {
		name, value, next, ok, _ := abi.NextField(rest)
		if !ok {
			return header
		}
		if len(name) > 0 && name[0] != ':' {
			header = append(header, Field{string(name), string(value)})
		}
		rest = next
	}
}

// Query returns the last query parameter with that name, decoded; "" if there is
// none.
func (r *Request) Query(name string) string {
	value, _ := r.query(name)
	return value
}

func (r *Request) query(name string) (value string, ok bool) {
	eachQuery(r.RawQuery(), func(n, v string) {
		if n == name {
			value, ok = v, true
		}
	})
	return value, ok
}

// QueryValues returns every query parameter with that name, decoded.
func (r *Request) QueryValues(name string) (values []string) {
	eachQuery(r.RawQuery(), func(n, v string) {
		if n == name {
			values = append(values, v)
		}
	})
	return values
}

// Cookie returns the last cookie with that name, as it was sent.
func (r *Request) Cookie(name string) (value string, ok bool) {
	for _, line := range r.HeaderValues("cookie") {
		eachCookie(line, func(n, v string) {
			if n == name {
				value, ok = v, true
			}
		})
	}
	return value, ok
}

// field returns the value of the first field with that name, nil if there is none.
func field(fields []byte, name string) []byte {
	value, _ := lookup(fields, name)
	return value
}

// lookup is field, and tells what is empty from what is not there.
func lookup(fields []byte, name string) (value []byte, ok bool) {
	for {
		n, v, rest, ok, _ := abi.NextField(fields)
		if !ok || string(n) == name {
			return v, ok
		}
		fields = rest
	}
}

// prefixedField returns the value of the field whose name is prefix and name.
func prefixedField(fields []byte, prefix, name string) (value []byte, ok bool) {
	for {
		n, v, rest, ok, _ := abi.NextField(fields)
		if !ok || len(n) == len(prefix)+len(name) && string(n[:len(prefix)]) == prefix && string(n[len(prefix):]) == name {
			return v, ok
		}
		fields = rest
	}
}

package runtime

import (
	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// connectFields are the fields of a connect event. They are walked twice, once
// for their size and once to write them straight into the inbox.
type connectFields struct {
	conn  *netpoll.Conn
	head  *wshead.Head
	route *route
}

// each calls f for every field in order: what the connection is, then the
// request's own fields as they came. Names are not lower case yet.
func (c *connectFields) each(f func(name, value []byte)) {
	var scratch [64]byte
	f([]byte(abi.FieldMethod), c.head.Method)
	f([]byte(abi.FieldScheme), []byte("ws"))
	f([]byte(abi.FieldAuthority), c.head.Host)
	f([]byte(abi.FieldPath), c.head.Path)
	f([]byte(abi.FieldQuery), c.head.Query)
	if peer := c.conn.Peer(); peer.IsValid() {
		f([]byte(abi.FieldPeer), peer.AppendTo(scratch[:0]))
	}
	f([]byte(abi.FieldRoute), []byte(c.route.pattern.text))
	c.route.pattern.match(string(c.head.Host), string(c.head.Path), func(name, value string) {
		f([]byte(abi.FieldParam+name), []byte(value))
	})
	if protocols := c.protocols(); len(protocols) > 0 {
		f([]byte(abi.FieldProtocols), protocols)
	}
	for _, field := range c.head.Fields {
		f(field.Name, field.Value)
	}
}

// protocols returns what the client offers, comma separated.
func (c *connectFields) protocols() (list []byte) {
	for p := range c.head.Protocols {
		if list != nil {
			list = append(list, ", "...)
		}
		list = append(list, p...)
	}
	return list
}

// size returns the bytes that put will write.
func (c *connectFields) size() (n int) {
	c.each(func(name, value []byte) { n += abi.FieldSize(len(name), len(value)) })
	return n
}

// put writes the fields to dst, names in lower case.
func (c *connectFields) put(dst []byte) {
	c.each(func(name, value []byte) {
		n := abi.PutField(dst, name, value)
		lowerASCII(dst[abi.FieldHeader : abi.FieldHeader+len(name)])
		dst = dst[n:]
	})
}

func lowerASCII(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
}

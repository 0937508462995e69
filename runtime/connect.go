package runtime

import (
	"unsafe"

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

	secure bool // it is over TLS, as far as is known
}

// size returns the bytes that put will write.
func (c *connectFields) size() int {
	var w fieldWriter
	c.walk(&w)
	return w.size
}

// put writes the fields to dst, names in lower case.
func (c *connectFields) put(dst []byte) { c.walk(&fieldWriter{dst: dst}) }

// walk adds every field in order: what the connection is, then the request's own
// fields as they came.
func (c *connectFields) walk(w *fieldWriter) {
	var scratch [64]byte
	w.add(abi.FieldMethod, c.head.Method)
	if c.secure {
		w.addText(abi.FieldScheme, "wss")
	} else {
		w.addText(abi.FieldScheme, "ws")
	}
	w.add(abi.FieldAuthority, c.head.Host)
	w.add(abi.FieldPath, c.head.Path)
	w.add(abi.FieldQuery, c.head.Query)
	if peer := c.conn.Peer(); peer.IsValid() {
		w.add(abi.FieldPeer, peer.AppendTo(scratch[:0]))
	}
	w.addText(abi.FieldRoute, c.route.pattern.text)
	c.route.pattern.match(view(c.head.Host), view(c.head.Path), w.addParam)
	c.addProtocols(w)
	for _, field := range c.head.Fields {
		w.add(view(field.Name), field.Value)
	}
}

// addProtocols adds what the client offers, comma separated.
func (c *connectFields) addProtocols(w *fieldWriter) {
	var list []byte
	for p := range c.head.Protocols {
		if list != nil {
			list = append(list, ", "...)
		}
		list = append(list, p...)
	}
	if list != nil {
		w.add(abi.FieldProtocols, list)
	}
}

// A fieldWriter counts the bytes of fields, and writes them if it has where.
type fieldWriter struct {
	dst  []byte // nil: only count
	size int
}

func (w *fieldWriter) add(name string, value []byte) { w.addText(name, view(value)) }

func (w *fieldWriter) addText(name, value string) {
	n := abi.FieldSize(len(name), len(value))
	if w.dst != nil {
		abi.PutField(w.dst[w.size:], name, value)
		lowerASCII(w.dst[w.size+abi.FieldHeader:][:len(name)])
	}
	w.size += n
}

func (w *fieldWriter) addParam(name, value string) { w.addText(abi.FieldParam+name, value) }

// view returns b as a string without a copy, for calls that keep nothing of it:
// it must not be used once b may change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func lowerASCII(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
}

package wherry

import (
	"errors"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects can be within each other.
const maxDepth = 64

// ErrJSON is the answer to text that is no JSON, or deeper than 64 levels.
var ErrJSON = errors.New("malformed json")

// An Object is a JSON object, its keys in their order.
type Object []Member

// A Member is a key and its value.
type Member struct {
	Key   string
	Value any
}

// Get returns the value of the last member with that key.
func (o Object) Get(key string) (value any, ok bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].Key == key {
			return o[i].Value, true
		}
	}
	return nil, false
}

// ParseJSON returns the value of a JSON text: nil, bool, int64, float64 for numbers
// that are no integer of 64 bits, string, []any or [Object]. The error is [ErrJSON].
// Nothing of the value refers to b. Its pieces share memory: who keeps a few of them
// for long copies those, by strings.Clone for instance, or keeps all of it.
func ParseJSON(b []byte) (value any, err error) {
	if !utf8.Valid(b) {
		return nil, ErrJSON
	}
	return parseText(b)
}

// parseText does what ParseJSON does with text that is UTF-8.
func parseText(b []byte) (value any, err error) {
	p := spareParser.Swap(nil) // what another goroutine has taken is made anew
	if p == nil {
		p = new(parser)
	}
	value, ok := p.parse(b)
	p.forget()
	spareParser.Store(p)
	if !ok {
		return nil, ErrJSON
	}
	return value, nil
}

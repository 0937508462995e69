package wherry

import (
	"encoding/binary"
	"math/bits"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// A JSONAppender is a value that writes itself as JSON.
type JSONAppender interface {
	// AppendJSON appends JSON to dst and returns it.
	AppendJSON(dst []byte) ([]byte, error)
}

// A JSONTypeError says which type of value cannot be written as JSON.
type JSONTypeError struct {
	Type string // in Go's words, such as chan int; or what is wrong: NaN, more than 64 levels
}

func (e *JSONTypeError) Error() string { return "cannot encode " + e.Type }

// AppendJSON appends value as JSON to dst, without blanks: nil, bool, string, numbers
// that are finite, [Object], []any and slices of strings and of numbers of 64 bits,
// maps from string to any or to string (by key, in the order of their bytes), and
// what implements [JSONAppender]; at most 64 levels deep. For anything else the error
// is a [*JSONTypeError], and dst is as it was.
func AppendJSON(dst []byte, value any) ([]byte, error) {
	w := spareWriter.Swap(nil) // what another goroutine has taken, or a JSONAppender's caller, is made anew
	if w == nil {
		w = new(writer)
	}
	w.whole[0] = value
	w.open, w.most = append(w.open, unwritten{items: w.whole[:]}), 1
	out, err := w.append(dst)
	w.forget()
	spareWriter.Store(w)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// spareWriter is a writer that nobody uses.
var spareWriter atomic.Pointer[writer]

// A writer appends values, each with a comma behind it, which is taken back where
// nothing follows. As the parser, it does not call itself for what is nested. As there,
// the code is shaped by what is cheap, and the compiler places what an if has in its
// braces where no branch leads to it.
type writer struct {
	whole [1]any      // the value
	open  []unwritten // what the value is in, and what is in that, the innermost last
	most  int         // that there were
}

// An unwritten is an array or an object that has not been written to its end.
type unwritten struct {
	items   []any
	members Object // nil for an array
	next    int    // of them
}

// forget drops the value.
func (w *writer) forget() {
	clear(w.open[:w.most])
	w.open, w.most, w.whole[0] = w.open[:0], 0, nil
}

// append appends the value with all that is in it.
func (w *writer) append(dst []byte) ([]byte, error) {
	for {
		c := &w.open[len(w.open)-1]
		var b *box
		if c.members == nil {
			if dst, c.next = appendItems(dst, c.items, c.next); c.next < len(c.items) {
				b = boxOf(&c.items[c.next])
			}
		} else if dst, c.next = appendMembers(dst, c.members, c.next); c.next < len(c.members) {
			m := &c.members[c.next]
			dst, b = appendText(dst, m.Key, ':'), boxOf(&m.Value)
		}
		if b != nil {
			c.next++
			var err error
			if dst, err = w.enter(dst, b); err != nil {
				return dst, err
			}
			continue
		}
		w.open = w.open[:len(w.open)-1]
		if len(w.open) == 0 {
			return dst[:len(dst)-1], nil
		}
		if dst[len(dst)-1] == ',' {
			dst = dst[:len(dst)-1]
		}
		if c.members == nil {
			dst = append(dst, ']', ',')
		} else {
			dst = append(dst, '}', ',')
		}
	}
}

// enter appends a value, or begins to, if it is a container.
func (w *writer) enter(dst []byte, b *box) (out []byte, err error) {
	var inner unwritten
	if b.kind == kindArray {
		inner.items = *(*[]any)(b.at)
		dst = append(dst, '[')
	} else if b.kind == kindObject {
		if inner.members = *(*Object)(b.at); inner.members == nil {
			inner.members = Object{}
		}
		dst = append(dst, '{')
	} else {
		var opens bool
		if dst, inner, opens, err = w.other(dst, *b.any()); !opens {
			return dst, err
		}
	}
	if len(w.open) > maxDepth {
		return dst, &JSONTypeError{"more than 64 levels"}
	}
	w.open = append(w.open, inner)
	w.most = max(w.most, len(w.open))
	return dst, nil
}

// appendItems appends the items from i on until one is a container that is not empty, or
// of a type that is less common, and returns which that is.
func appendItems(dst []byte, items []any, i int) (out []byte, next int) {
	for ; i < len(items); i++ {
		b := boxOf(&items[i])
		if b.kind == kindInt {
			n := *(*int64)(b.at)
			negative := uint64(n) >> 63
			abs := (uint64(n) ^ -negative) + negative
			at := len(dst)
			if abs < 1e7 && cap(dst)-at >= 10 {
				digits := spread(abs)
				skip := bits.TrailingZeros64(digits|1<<56) &^ 7 // zeros in front
				size := 8 - skip>>3
				dst = dst[:at+10]
				dst[at] = '-'
				at += int(negative)
				binary.LittleEndian.PutUint64(dst[at:], (digits|'0'*ones)>>(skip&63)|','<<(8*size&63))
				dst = dst[:at+size+1]
				continue
			}
			dst = append(appendInt(dst, n), ',')
			continue
		}
		if b.kind == kindString {
			dst = appendText(dst, *(*string)(b.at), ',')
			continue
		}
		if b.kind == kindFloat {
			var err error
			if dst, err = appendFloat(dst, *(*float64)(b.at), 64); err != nil {
				return dst, i
			}
			dst = append(dst, ',')
			continue
		}
		if b.kind == kindArray && len(*(*[]any)(b.at)) == 0 {
			dst = append(dst, '[', ']', ',')
			continue
		}
		return dst, i
	}
	return dst, i
}

// appendMembers does what appendItems does with the members of an object.
func appendMembers(dst []byte, members Object, i int) (out []byte, next int) {
	for ; i < len(members); i++ {
		b := boxOf(&members[i].Value)
		if b.kind == kindString {
			dst = appendText(appendText(dst, members[i].Key, ':'), *(*string)(b.at), ',')
			continue
		}
		if b.kind == kindInt {
			dst = append(appendInt(appendText(dst, members[i].Key, ':'), *(*int64)(b.at)), ',')
			continue
		}
		if b.kind == kindArray && len(*(*[]any)(b.at)) == 0 {
			dst = append(appendText(dst, members[i].Key, ':'), '[', ']', ',')
			continue
		}
		if b.kind == kindObject && len(*(*Object)(b.at)) == 0 {
			dst = append(appendText(dst, members[i].Key, ':'), '{', '}', ',')
			continue
		}
		return dst, i
	}
	return dst, i
}

// scratch is where messages are encoded before they are staged.
var scratch []byte

// scratchJSON returns value as JSON, good until it is called again.
func scratchJSON(value any) ([]byte, error) {
	const most = 1 << 20 // of a large message the memory is not kept
	b, err := AppendJSON(scratch[:0], value)
	if cap(b) <= most {
		scratch = b[:0]
	}
	return b, err
}

// other appends a value of a type that is less common and a comma, or returns what is
// in it.
func (w *writer) other(dst []byte, value any) (out []byte, inner unwritten, opens bool, err error) {
	switch v := value.(type) {
	case nil:
		dst = append(dst, "null"...)
	case bool:
		dst = strconv.AppendBool(dst, v)
	case int:
		dst = appendInt(dst, int64(v))
	case float64:
		dst, err = appendFloat(dst, v, 64)
	case JSONAppender:
		dst, err = v.AppendJSON(dst)
	default:
		if inner, opens = contents(value); opens {
			if inner.members != nil {
				return append(dst, '{'), inner, true, nil
			}
			return append(dst, '['), inner, true, nil
		}
		dst, err = appendRare(dst, value)
	}
	return append(dst, ','), inner, false, err
}

// contents returns what is in a slice or a map that ParseJSON never gives.
func contents(value any) (inner unwritten, ok bool) {
	switch v := value.(type) {
	case []string:
		inner.items = values(v)
	case []int:
		inner.items = values(v)
	case []int64:
		inner.items = values(v)
	case []float64:
		inner.items = values(v)
	case map[string]any:
		inner.members = sorted(v)
	case map[string]string:
		inner.members = sorted(v)
	default:
		return inner, false
	}
	return inner, true
}

// appendRare appends a number of a type that ParseJSON never gives.
func appendRare(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case int8:
		return appendInt(dst, int64(v)), nil
	case int16:
		return appendInt(dst, int64(v)), nil
	case int32:
		return appendInt(dst, int64(v)), nil
	case uint:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint8:
		return appendInt(dst, int64(v)), nil
	case uint16:
		return appendInt(dst, int64(v)), nil
	case uint32:
		return appendInt(dst, int64(v)), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case float32:
		return appendFloat(dst, float64(v), 32)
	}
	// The name of a type is all that is asked of reflection, and nothing else here
	// asks it anything.
	return dst, &JSONTypeError{reflect.TypeOf(value).String()}
}

// values returns a slice as one of any.
func values[T any](items []T) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// sorted returns a map as an object, by key.
func sorted[T any](m map[string]T) Object {
	o := make(Object, 0, len(m))
	for key, value := range m {
		o = append(o, Member{key, value})
	}
	slices.SortFunc(o, func(a, b Member) int { return strings.Compare(a.Key, b.Key) })
	return o
}

package wherry

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
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
	var w writer
	out, err := w.begin(dst, value)
	for err == nil && len(w.open) > 0 {
		out, err = w.next(out)
	}
	if err != nil {
		return dst, err
	}
	return out, nil
}

// A writer appends values. As the parser, it does not call itself for what is nested.
type writer struct{ open []unwritten }

// An unwritten is what is left of an array or an object.
type unwritten struct {
	items    []any
	members  Object
	isObject bool
	begun    bool // something was written: a comma comes next
}

// next appends the next of the innermost container, or its end.
func (w *writer) next(dst []byte) ([]byte, error) {
	c := &w.open[len(w.open)-1]
	end := byte(']')
	if c.isObject {
		end = '}'
	}
	if len(c.items) == 0 && len(c.members) == 0 {
		w.open = w.open[:len(w.open)-1]
		return append(dst, end), nil
	}
	if c.begun {
		dst = append(dst, ',')
	}
	c.begun = true
	var value any
	if c.isObject {
		dst = append(appendString(dst, c.members[0].Key), ':')
		value, c.members = c.members[0].Value, c.members[1:]
	} else {
		value, c.items = c.items[0], c.items[1:]
	}
	return w.begin(dst, value)
}

// enter appends the beginning of a container.
func (w *writer) enter(dst []byte, c unwritten) ([]byte, error) {
	if len(w.open) == maxDepth {
		return dst, &JSONTypeError{"more than 64 levels"}
	}
	w.open = append(w.open, c)
	if c.isObject {
		return append(dst, '{'), nil
	}
	return append(dst, '['), nil
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

// begin appends a value, or the beginning of a container.
func (w *writer) begin(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		return appendFloat(dst, v, 64)
	case Object:
		return w.enter(dst, unwritten{members: v, isObject: true})
	case []any:
		return w.enter(dst, unwritten{items: v})
	case JSONAppender:
		return v.AppendJSON(dst)
	}
	return w.rare(dst, value)
}

// rare appends what ParseJSON never gives.
func (w *writer) rare(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case int8:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int16:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case uint:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint8:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint16:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case uint64:
		return strconv.AppendUint(dst, v, 10), nil
	case float32:
		return appendFloat(dst, float64(v), 32)
	case []string:
		return w.enter(dst, unwritten{items: values(v)})
	case []int:
		return w.enter(dst, unwritten{items: values(v)})
	case []int64:
		return w.enter(dst, unwritten{items: values(v)})
	case []float64:
		return w.enter(dst, unwritten{items: values(v)})
	case map[string]any:
		return w.enter(dst, unwritten{members: sorted(v), isObject: true})
	case map[string]string:
		return w.enter(dst, unwritten{members: sorted(v), isObject: true})
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

// appendFloat appends the shortest number that reads back as f, with an exponent
// only where it is very large or very small.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	switch {
	case math.IsNaN(f):
		return dst, &JSONTypeError{"NaN"}
	case math.IsInf(f, 0):
		return dst, &JSONTypeError{"Inf"}
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits), nil
}

// appendString appends s in quotes. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = utf8.AppendRune(dst, r)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

package wherry

import (
	"strconv"
	"strings"

	"github.com/seed-c6589352/wherry/abi"
)

// A Place says where in a request a parameter is.
type Place uint8

// The places.
const (
	InPath Place = iota
	InQuery
	InHeader
	InCookie
)

// String returns the place as errors have it.
func (p Place) String() string { return [...]string{"path", "query", "header", "cookie"}[p&3] }

// A Param is a parameter that an endpoint declares: a [*ParamOf] some type.
type Param interface {
	// read takes the value from r and returns the type of error, "" if it is valid.
	read(r *Request) (problem, input string)
	describe(problem string) ParamError
}

// A ParamOf is a declared parameter of type T. It is made by [StringParam] and its
// like, in a package variable, and read in OnConnect with Get.
type ParamOf[T any] struct {
	place    Place
	name     string
	required bool
	problem  string // the type of error of a value that is not valid
	message  string
	parse    func(s string) (value T, ok bool)

	fallback    T
	hasFallback bool

	value T
	ok    bool
	from  *Request // what value was read from
}

// Required makes a request without the parameter invalid.
func (p *ParamOf[T]) Required() *ParamOf[T] {
	p.required = true
	return p
}

// Default is the value where the parameter is missing.
func (p *ParamOf[T]) Default(value T) *ParamOf[T] {
	p.fallback, p.hasFallback = value, true
	return p
}

// Get returns the value in r, or the default. It reports false where the parameter
// is missing, not valid, or not among the endpoint's, and when r is over.
func (p *ParamOf[T]) Get(r *Request) (value T, ok bool) {
	if p.from != r || r.fields == nil {
		return value, false
	}
	return p.value, p.ok
}

// Value is Get without the report.
func (p *ParamOf[T]) Value(r *Request) T {
	value, _ := p.Get(r)
	return value
}

func (p *ParamOf[T]) read(r *Request) (problem, input string) {
	p.value, p.ok, p.from = p.fallback, p.hasFallback, r
	input, found := r.find(p.place, p.name)
	switch {
	case found:
		if p.value, p.ok = p.parse(input); !p.ok {
			return p.problem, input
		}
	case p.required:
		return "missing", ""
	}
	return "", ""
}

func (p *ParamOf[T]) describe(problem string) ParamError {
	e := ParamError{Type: problem, Place: p.place, Name: p.name, Message: p.message}
	if problem == "missing" {
		e.Message = "required"
	}
	return e
}

// find returns what a request has at a place.
func (r *Request) find(place Place, name string) (value string, ok bool) {
	switch place {
	case InPath:
		b, ok := prefixedField(r.fields, abi.FieldParam, name)
		return string(b), ok
	case InQuery:
		return r.query(name)
	case InHeader:
		return r.header(name)
	}
	return r.Cookie(name)
}

// StringParam declares a parameter that can be anything.
func StringParam(place Place, name string) *ParamOf[string] {
	return &ParamOf[string]{place: place, name: name, parse: func(s string) (string, bool) { return s, true }}
}

// IntParam declares an integer of 64 bits in decimal.
func IntParam(place Place, name string) *ParamOf[int64] {
	return &ParamOf[int64]{place: place, name: name, problem: "int_parsing", message: "not an integer", parse: parseInt}
}

// FloatParam declares a finite number in decimal, perhaps with a fraction and an
// exponent.
func FloatParam(place Place, name string) *ParamOf[float64] {
	return &ParamOf[float64]{place: place, name: name, problem: "float_parsing", message: "not a number", parse: parseFloat}
}

// BoolParam declares a yes or no: true 1 yes on t y, false 0 no off f n, in any case.
func BoolParam(place Place, name string) *ParamOf[bool] {
	return &ParamOf[bool]{place: place, name: name, problem: "bool_parsing", message: "not a boolean", parse: parseBool}
}

// UUIDParam declares 8-4-4-4-12 hexadecimal digits, in any case. The value is what
// was sent.
func UUIDParam(place Place, name string) *ParamOf[string] {
	return &ParamOf[string]{place: place, name: name, problem: "uuid_parsing", message: "not a uuid", parse: parseUUID}
}

// EnumParam declares one of some strings.
func EnumParam(place Place, name string, options ...string) *ParamOf[string] {
	parse := func(s string) (string, bool) {
		for _, o := range options {
			if o == s {
				return s, true
			}
		}
		return "", false
	}
	message := "not one of " + strings.Join(options, ", ")
	return &ParamOf[string]{place: place, name: name, problem: "enum", message: message, parse: parse}
}

// digits returns how many decimal digits s begins with.
func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// unsigned returns s without a sign.
func unsigned(s string) string {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:]
	}
	return s
}

func parseInt(s string) (int64, bool) {
	if d := unsigned(s); d == "" || digits(d) != len(d) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func parseFloat(s string) (float64, bool) {
	rest := unsigned(s)
	n := digits(rest)
	if n == 0 {
		return 0, false
	}
	rest = rest[n:]
	if strings.HasPrefix(rest, ".") {
		if n = digits(rest[1:]); n == 0 {
			return 0, false
		}
		rest = rest[1+n:]
	}
	if rest != "" && rest[0]|0x20 == 'e' {
		rest = unsigned(rest[1:])
		if n = digits(rest); n == 0 {
			return 0, false
		}
		rest = rest[n:]
	}
	if rest != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil // a number that is too large is not finite
}

func parseBool(s string) (bool, bool) {
	switch lower(s) {
	case "true", "1", "yes", "on", "t", "y":
		return true, true
	case "false", "0", "no", "off", "f", "n":
		return false, true
	}
	return false, false
}

func parseUUID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return "", false
			}
		default:
			if hexDigit(s[i]) < 0 {
				return "", false
			}
		}
	}
	return s, true
}

// A ParamError says what is wrong with a parameter.
type ParamError struct {
	Type    string // stable: missing, int_parsing, ...
	Place   Place
	Name    string
	Message string // for people
	Input   string // what was sent, at most 64 bytes of valid text; "" if it is missing
}

// readParams reads the parameters and returns what is wrong, in their order.
func (r *Request) readParams(params []Param) (problems []ParamError) {
	for _, p := range params {
		if problem, input := p.read(r); problem != "" {
			e := p.describe(problem)
			e.Input = validText(cutText(input, 64))
			problems = append(problems, e)
		}
	}
	return problems
}

// refuse is the default for parameters that are not valid.
func (c *Conn) refuse(problems []ParamError) {
	line := c.site.route + ": invalid parameters:"
	body := []byte(`{"detail":[`)
	for i, p := range problems {
		if i > 0 {
			line += ","
			body = append(body, ',')
		}
		line += " " + p.Place.String() + " " + p.Name + " " + p.Type
		body = append(body, `{"type":`...)
		body = appendString(body, p.Type)
		body = append(body, `,"loc":[`...)
		body = appendString(body, p.Place.String())
		body = append(body, ',')
		body = appendString(body, p.Name)
		body = append(body, `],"msg":`...)
		body = appendString(body, p.Message)
		if p.Type != "missing" {
			body = append(body, `,"input":`...)
			body = appendString(body, p.Input)
		}
		body = append(body, '}')
	}
	Log(LevelWarn, line)
	c.become(Closing)
	answer(abi.Reject, c.handle, StatusForbidden, jsonHeader(nil), append(body, `]}`...))
}

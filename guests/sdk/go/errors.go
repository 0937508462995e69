package wherry

import "strconv"

// A CloseError is what a handler returns to close its connection with a code and a
// reason, by some policy. Before the handshake is accepted the client sees 403.
type CloseError struct {
	Code   int
	Reason string
}

// NewCloseError returns a [*CloseError].
func NewCloseError(code int, reason string) error { return &CloseError{code, reason} }

func (e *CloseError) Error() string {
	text := "close " + strconv.Itoa(e.Code)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// An HTTPError is what a handler returns to answer with an HTTP status: to refuse a
// handshake, or to respond to a request. On a connection that is open it is as
// unexpected as any other error.
type HTTPError struct {
	Status int
	Detail string // for the client; the standard phrase if it is empty
	Header Header // behind content-type
}

// NewHTTPError returns an [*HTTPError].
func NewHTTPError(status int, detail string, header ...Field) error {
	return &HTTPError{status, detail, header}
}

func (e *HTTPError) Error() string { return "http " + strconv.Itoa(e.Status) + ": " + e.detail() }

// detail returns what the client is told.
func (e *HTTPError) detail() string {
	if e.Detail == "" {
		return StatusText(e.Status)
	}
	return e.Detail
}

// A StateError is the answer to a call that is not possible where the connection
// stands. No command was made.
type StateError struct {
	Operation string // accept, deny, close, send, attach, join, leave, respond
	Phase     Phase
}

func (e *StateError) Error() string { return e.Operation + " while " + e.Phase.String() }

// An ArgumentError is the answer to a call with a value that is never possible. No
// command was made.
type ArgumentError struct {
	Operation string // as for a StateError, and broadcast
	Problem   string
}

func (e *ArgumentError) Error() string { return e.Operation + ": " + e.Problem }

// find is errors.As without reflection.
func find[T error](err error) (found T, ok bool) {
	for err != nil {
		if found, ok = err.(T); ok {
			return found, true
		}
		if x, has := err.(interface{ As(any) bool }); has && x.As(&found) {
			return found, true
		}
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			for _, e := range x.Unwrap() {
				if found, ok = find[T](e); ok {
					return found, true
				}
			}
			return found, false
		default:
			return found, false
		}
	}
	return found, false
}

// A Failure is an error of a handler, and where it came from.
type Failure struct {
	Conn     *Conn     // nil where it was an HTTP request
	Exchange *Exchange // nil where it was a connection
	Endpoint *Endpoint
	Route    string
	Event    string // on_connect, on_receive, ...
	Err      error
}

// HandleError registers a handler for errors of type T, or that wrap one, of all
// endpoints. It reports whether it has dealt with the error; if not, the next
// handler is asked. An error of its own is logged as unexpected.
func HandleError[T error](f func(f *Failure, err T) (done bool, own error)) {
	mustBeEarly("HandleError")
	guest.byType = append(guest.byType, func(failure *Failure) (done bool, own error) {
		cause, ok := find[T](failure.Err)
		if !ok {
			return false, nil
		}
		return f(failure, cause)
	})
}

// A statusHandler is for HTTP errors of one status.
type statusHandler struct {
	status int
	call   func(*Failure, *HTTPError) (bool, error)
}

// HandleStatus registers a handler for every [*HTTPError] with that status. It is
// asked after those of [HandleError], and reports as they do.
func HandleStatus(status int, f func(f *Failure, err *HTTPError) (done bool, own error)) {
	mustBeEarly("HandleStatus")
	guest.byStatus = append(guest.byStatus, statusHandler{status, f})
}

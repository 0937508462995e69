package virtual

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// A Request is an HTTP request that is no handshake.
type Request struct {
	Method string      // (GET)
	Target string      // such as "/page?x=1"
	Host   string      // (DefaultHost)
	Header http.Header // further fields
	Body   []byte
}

// A Response is what came for a [Request].
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// A Call is a request that was sent.
type Call struct {
	world    *World
	done     chan struct{} // closed when response or err is there
	response *Response
	err      error
}

// Ask sends a request and returns its response, or [ErrNothing] if the guest has not
// answered it.
func (w *World) Ask(r Request) (*Response, error) {
	c, err := w.BeginAsk(r)
	if err != nil {
		return nil, err
	}
	return c.Response()
}

// BeginAsk is Ask without asking for the response.
func (w *World) BeginAsk(r Request) (*Call, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil, ErrEnded
	}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	fields := http.Header{"Connection": {"close"}}
	if len(r.Body) > 0 {
		fields.Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	head, err := appendHead(nil, r.Method, r.Target, r.Host, fields, r.Header)
	if err != nil {
		return nil, err
	}
	conn, err := w.stepped.Dial(w.address())
	if err != nil {
		return nil, err
	}
	c := &Call{world: w, done: make(chan struct{})}
	w.calls.Add(1)
	go c.exchange(conn, r.Method, append(head, r.Body...))
	return c, w.settle()
}

// exchange writes the request and reads the response. The server answers it on a
// goroutine of its own, too.
func (c *Call) exchange(conn net.Conn, method string, request []byte) {
	c.response, c.err = exchange(conn, method, request)
	conn.Close()
	close(c.done)
	c.world.calls.Add(-1)
	c.world.stepped.Wake()
}

func exchange(conn net.Conn, method string, request []byte) (*Response, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return &Response{r.StatusCode, r.Header, body}, err
}

// Response returns the response, or [ErrNothing] if there is none yet and none will
// come before time passes or a client does something.
func (c *Call) Response() (*Response, error) {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	if !c.world.ended {
		if err := c.world.rest(); err != nil {
			return nil, err
		}
		select {
		case <-c.done:
			return c.response, c.err
		default:
			return nil, ErrNothing
		}
	}
	// Nothing is left for the server to do but to hang up, on goroutines that nobody
	// steps.
	select {
	case <-c.done:
		return c.response, c.err
	case <-time.After(hangUpTime):
		return nil, ErrNothing
	}
}

// hangUpTime is how long a server that has ended may take to close a connection, in
// real time.
const hangUpTime = 5 * time.Second

package runtime_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/runtime"
)

// request sends a request with a connection of its own and returns the response,
// whose body has been read.
func request(method, url string, body io.Reader, fields ...string) (*http.Response, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, "", err
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	response, err := (&http.Transport{DisableKeepAlives: true, DisableCompression: true}).RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response, string(text), err
}

// fetch is request for what must get a response.
func fetch(t *testing.T, method, url string, body io.Reader, fields ...string) (*http.Response, string) {
	t.Helper()
	r, text, err := request(method, url, body, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return r, text
}

// page answers requests with what it was asked.
func page(x runtime.Exchange, r *runtime.Request) {
	var b strings.Builder
	for name, value := range r.Fields {
		switch name {
		case ":peer", "host", ":authority", "connection", "user-agent":
		default:
			fmt.Fprintf(&b, "%s=%s\n", name, value)
		}
	}
	x.Respond(200, []byte(b.String()), runtime.Field{Name: "x-a", Value: "1"}, runtime.Field{Name: "x-a", Value: "2"})
}

func servePage(t *testing.T, request func(runtime.Exchange, *runtime.Request), limits runtime.Limits) *testServer {
	start := func() runtime.Handler { return &eager{request: request} }
	return serve(t, runtime.Config{
		Tenants: []runtime.Tenant{{Name: "page", Handler: start, Limits: limits}},
		Routes:  []runtime.Route{{Pattern: "/a/{name}", Tenant: "page", Origins: []string{"https://here"}}},
		Loops:   2,
	})
}

// TestRequest: what a program is told of a request, and what of its response gets
// to the client, on the server's own port and in somebody else's.
func TestRequest(t *testing.T) {
	s := servePage(t, page, runtime.Limits{})
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	for _, url := range []string{"http://" + s.addr, mounted.URL} {
		want := ":method=POST\n:scheme=http\n:path=/a/b%20c\n:query=q=%20\n:route=/a/{name}\n:param.name=b c\n" +
			"content-length=5\nx-y=1\nx-y=2\n:body=\x00body\n"
		r, text := fetch(t, "POST", url+"/a/b%20c?q=%20", strings.NewReader("\x00body"), "X-Y: 1", "X-Y: 2")
		if r.StatusCode != 200 || text != want {
			t.Errorf("%s: %s, %q, want %q", url, r.Status, text, want)
		}
		if got := r.Header["X-A"]; len(got) != 2 || got[0] != "1" || got[1] != "2" || r.Header["Content-Type"] != nil || len(r.Header["Date"]) != 1 {
			t.Errorf("%s: %v", url, r.Header)
		}
		r, text = fetch(t, "HEAD", url+"/a/b", nil)
		if r.StatusCode != 200 || text != "" || r.ContentLength < 10 {
			t.Errorf("%s: HEAD: %s, %d bytes announced, %q", url, r.Status, r.ContentLength, text)
		}
		r, _ = fetch(t, "GET", url+"/a/b", nil, "Origin: https://elsewhere")
		if r.StatusCode != 403 {
			t.Errorf("%s: a foreign origin got %s", url, r.Status)
		}
		if r, _ = fetch(t, "GET", url+"/a/b", nil, "Origin: https://HERE"); r.StatusCode != 200 {
			t.Errorf("%s: the origin that may connect got %s", url, r.Status)
		}
		if r, _ = fetch(t, "GET", url+"/a/b", nil, "X-"+strings.Repeat("y", 70_000)+": 1"); r.StatusCode != 431 {
			t.Errorf("%s: a head of 70 000 bytes: %s, want a 431", url, r.Status)
		}
		if r, _ = fetch(t, "GET", url+"/", nil); r.StatusCode != 404 {
			t.Errorf("%s: no route: %s", url, r.Status)
		}
	}
}

// TestRequestKeepAlive: requests that follow each other on a connection, pipelined
// and with a body in chunks, and then a WebSocket.
func TestRequestKeepAlive(t *testing.T) {
	s := servePage(t, page, runtime.Limits{})
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	const chunked = "POST /a/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
	fmt.Fprint(conn, chunked+"GET /a/2 HTTP/1.1\r\nHost: a\r\n\r\n"+chunked)
	r := bufio.NewReader(conn)
	for i, want := range []string{":body=abc\n", ":param.name=2\n", ":body=abc\n"} {
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 || !strings.Contains(string(text), want) {
			t.Fatalf("response %d: %s, %q, %v", i, response.Status, text, err)
		}
	}
	fmt.Fprint(conn, upgradeRequest("/a/3")+"\r\n")
	c := &client{&earlyConn{conn, r}, t}
	c.readHead(t)
	c.echoes(1, []byte("a socket after all"))
}

// TestRequestBodies: what a body can be. Who brings too much is told, whether he
// says so before or not.
func TestRequestBodies(t *testing.T) {
	const most = 64 << 10
	measure := func(x runtime.Exchange, r *runtime.Request) {
		x.Respond(200, []byte(itoa(len(r.Field(":body")))))
	}
	s := servePage(t, measure, runtime.Limits{ConnectTimeout: 200 * time.Millisecond})
	for _, tc := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"none", "Content-Length: 0\r\n\r\n", 200, "0"},
		{"as much as can be", "Content-Length: 65536\r\n\r\n" + strings.Repeat("x", most), 200, "65536"},
		{"too much", "Content-Length: 65537\r\n\r\n" + strings.Repeat("x", most+1), 413, ""},
		{"too much, and asks first", "Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n", 413, ""},
		{"too much in chunks", "Transfer-Encoding: chunked\r\n\r\n10001\r\n" + strings.Repeat("x", most+1) + "\r\n0\r\n\r\n", 413, ""},
		{"bad chunk", "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400, ""},
		{"incomplete", "Content-Length: 2\r\n\r\nx", 408, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := s.ask(t, "POST /a/b HTTP/1.1\r\nHost: a\r\n"+tc.request)
			text, _ := io.ReadAll(r.Body)
			if r.StatusCode != tc.status || tc.status == 200 && string(text) != tc.body {
				t.Errorf("%s, %q; want %d %q", r.Status, text, tc.status, tc.body)
			}
		})
	}
}

// TestRespond goes through what a guest can do with a request's handle.
func TestRespond(t *testing.T) {
	s, c, o := serveEager(t, runtime.Limits{ConnectTimeout: -1, MessageBytes: 4 << 20})
	type got struct {
		*http.Response
		body string
		err  error
	}
	answers := make(chan got, 1)
	ask := func(method string) (handle uint64) {
		go func() {
			r, text, err := request(method, "http://"+s.addr+"/", nil)
			answers <- got{r, text, err}
		}()
		return o.seesKind(abi.Request).Conn
	}
	respond := func(handle uint64, status uint32, fields ...string) command {
		var b []byte
		for i := 0; i < len(fields); i += 2 {
			b = abi.AppendField(b, fields[i], fields[i+1])
		}
		return command{abi.Record{Kind: abi.Respond, Conn: handle, Code: status, Token: 5}, string(b)}
	}
	first := ask("GET")
	for _, tc := range []struct {
		name string
		command
		want abi.Status
	}{
		{"status 199", respond(first, 199), abi.Invalid},
		{"status 600", respond(first, 600), abi.Invalid},
		{"malformed fields", command{abi.Record{Kind: abi.Respond, Conn: first, Code: 200}, "x"}, abi.Invalid},
		{"a name in capitals with a blank", respond(first, 200, "A b", "c"), abi.Invalid},
		{"a line end in a value", respond(first, 200, "a", "b\r\nc: d"), abi.Invalid},
		{"a subprotocol", respond(first, 200, ":protocol", "a"), abi.Invalid},
		{"its own framing", respond(first, 200, "content-length", "3"), abi.Denied},
		{"a connection's field", respond(first, 200, "connection", "close"), abi.Denied},
		{"a body over 1 MiB", command{abi.Record{Kind: abi.Respond, Conn: first, Code: 200, Token: 5}, string(abi.AppendField(nil, ":body", strings.Repeat("x", 1<<20+1)))}, abi.TooBig},
		{"header lines over 16 KiB", respond(first, 200, "a", strings.Repeat("x", 8000), "b", strings.Repeat("x", 8000), "c", strings.Repeat("x", 8000)), abi.TooBig},
		{"another generation", respond(first+1<<24, 200), abi.Denied},
		{"another slot", respond(first+1, 200), abi.Denied},
		{"another home's", respond(first^1<<63, 200), abi.Denied},
		{"none", respond(noConn, 200), abi.Denied},
		{"a connection's handle", respond(0, 200), abi.Denied},
		{"a message to a request", command{abi.Record{Kind: abi.Message, Conn: first}, "x"}, abi.Denied},
		{"an accept of a request", command{abi.Record{Kind: abi.Accept, Conn: first}, ""}, abi.Denied},
		{"a close of a request", command{abi.Record{Kind: abi.Close, Code: 1000, Conn: first}, ""}, abi.Denied},
	} {
		c.command(tc.command)
		if e := o.seesKind(abi.Fault); abi.Status(e.Code) != tc.want {
			t.Errorf("%s: the guest sees %v, want %v", tc.name, e, tc.want)
		}
	}
	c.command(respond(first, 201, "x-a", "1", ":body", "done", "x-a", "2"), respond(first, 200))
	if e := o.seesKind(abi.Fault); abi.Status(e.Code) != abi.Closed {
		t.Errorf("a second response: the guest sees %v, want closed", e)
	}
	if a := await(t, answers, "response"); a.err != nil || a.StatusCode != 201 || a.body != "done" || len(a.Header["X-A"]) != 2 || a.Header["Content-Type"] != nil {
		t.Errorf("the client got %+v", a)
	}
	for _, tc := range []struct {
		status uint32
		length int64
		body   string
	}{{204, 0, ""}, {304, 0, ""}, {426, 4, "body"}, {599, 4, "body"}} {
		c.command(respond(ask("GET"), tc.status, ":body", "body"))
		a := await(t, answers, "response")
		if a.err != nil || a.StatusCode != int(tc.status) || a.body != tc.body {
			t.Errorf("%d: the client got %+v", tc.status, a)
		}
		if upgrade := a.Header.Get("Upgrade"); (upgrade == "websocket") != (tc.status == 426) {
			t.Errorf("%d: offers %q", tc.status, upgrade)
		}
	}
	again := ask("GET")
	if again == first {
		t.Errorf("two requests have the handle %x", first)
	}
	c.command(respond(first, 200), respond(again, 200))
	if e := o.seesKind(abi.Fault); abi.Status(e.Code) != abi.Closed {
		t.Errorf("a stale handle: the guest sees %v, want closed", e)
	}
	await(t, answers, "response")
}

// TestRequestEnds: how a request ends that the program does not answer.
func TestRequestEnds(t *testing.T) {
	t.Run("too late", func(t *testing.T) {
		s, c, o := serveEager(t, runtime.Limits{ConnectTimeout: 50 * time.Millisecond})
		if r, _ := fetch(t, "GET", "http://"+s.addr+"/", nil); r.StatusCode != 504 {
			t.Errorf("got %s, want a 504", r.Status)
		}
		late := o.seesKind(abi.Request).Conn
		c.command(command{Record: abi.Record{Kind: abi.Respond, Conn: late, Code: 200}})
		if e := o.seesKind(abi.Fault); abi.Status(e.Code) != abi.Closed {
			t.Errorf("the guest sees %v, want closed", e)
		}
	})
	t.Run("the client goes", func(t *testing.T) {
		s, c, o := serveEager(t, runtime.Limits{ConnectTimeout: -1, Requests: 1})
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		gone := o.seesKind(abi.Request).Conn
		conn.Close()
		for { // net/http sees the end in time, and another request has room then
			r, _, err := request("GET", "http://"+s.addr+"/?trap", nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.StatusCode == 500 {
				break
			}
		}
		o.expectClose(1011, "handler failed")
		c.expectClose(1011, "handler failed")
		o = s.observe(t, "/")
		c = s.dial(t, "/")
		c.command(command{Record: abi.Record{Kind: abi.Respond, Conn: gone, Code: 200}})
		if e := o.seesKind(abi.Fault); abi.Status(e.Code) != abi.Closed {
			t.Errorf("the guest sees %v, want closed", e)
		}
	})
	t.Run("trap", func(t *testing.T) {
		s, _, o := serveEager(t, runtime.Limits{})
		answers := make(chan int, 1)
		go func() {
			r, _, err := request("GET", "http://"+s.addr+"/", nil)
			if err != nil {
				t.Error(err)
				answers <- 0
				return
			}
			answers <- r.StatusCode
		}()
		o.seesKind(abi.Request)
		if r, _ := fetch(t, "GET", "http://"+s.addr+"/?trap", nil); r.StatusCode != 500 {
			t.Errorf("got %s, want a 500", r.Status)
		}
		if status := await(t, answers, "response"); status != 500 {
			t.Errorf("the request that waited got %d, want a 500", status)
		}
	})
	t.Run("too many", func(t *testing.T) {
		s, c, o := serveEager(t, runtime.Limits{Requests: 1, ConnectTimeout: -1})
		answers := make(chan int, 1)
		go func() {
			r, _, err := request("GET", "http://"+s.addr+"/", nil)
			if err != nil {
				t.Error(err)
			} else {
				answers <- r.StatusCode
			}
		}()
		first := o.seesKind(abi.Request).Conn
		r, _ := fetch(t, "GET", "http://"+s.addr+"/", nil)
		if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
			t.Errorf("got %s, Retry-After %q; want a 503", r.Status, r.Header.Get("Retry-After"))
		}
		c.command(command{Record: abi.Record{Kind: abi.Respond, Conn: first, Code: 200}})
		if status := await(t, answers, "response"); status != 200 {
			t.Errorf("the first got %d", status)
		}
	})
	t.Run("shutdown", func(t *testing.T) {
		s, _, o := serveEager(t, runtime.Limits{ConnectTimeout: -1})
		mounted := httptest.NewServer(s)
		defer mounted.Close()
		answers := make(chan int, 1)
		go func() {
			r, _, err := request("GET", mounted.URL, nil)
			if err != nil {
				t.Error(err)
			} else {
				answers <- r.StatusCode
			}
		}()
		o.seesKind(abi.Request)
		stop(s.Server)
		if status := await(t, answers, "response"); status != 503 {
			t.Errorf("the request that waited got %d, want a 503", status)
		}
		if r, _ := fetch(t, "GET", mounted.URL, nil); r.StatusCode != 503 {
			t.Errorf("after the shutdown got %s, want a 503", r.Status)
		}
	})
}

// TestRequestStorm: many at once, of which some make their handler panic, and then
// a shutdown in their middle. Every one gets an answer that it may get.
func TestRequestStorm(t *testing.T) {
	start := func() runtime.Handler {
		return &eager{request: func(x runtime.Exchange, r *runtime.Request) {
			switch r.Field(":query") {
			case "panic":
				panic("as it must")
			case "later":
				go x.Do(func(x runtime.Exchange) { x.Respond(200, []byte("ok")) })
			default:
				x.Respond(200, []byte("ok"))
			}
		}}
	}
	s := serveOne(t, runtime.Tenant{Handler: start, Limits: runtime.Limits{Requests: 6}}, 2)
	mounted := httptest.NewServer(s)
	defer mounted.Close()
	var group sync.WaitGroup
	halfway := make(chan struct{}, 8*50)
	for i := range 8 {
		group.Go(func() {
			for j := range 100 {
				query := []string{"", "later", "panic"}[(i+j)%3]
				r, text, err := request("GET", mounted.URL+"/?"+query, nil)
				switch {
				case err != nil:
					t.Error(err)
				case r.StatusCode == 503, r.StatusCode == 500: // too many, shutting down; a neighbour's panic
				case r.StatusCode != 200 || text != "ok" || query == "panic":
					t.Errorf("%q got %s, %q", query, r.Status, text)
				}
				if j < 50 {
					halfway <- struct{}{}
				}
			}
		})
	}
	for range 8 * 50 {
		await(t, halfway, "answer")
	}
	stop(s.Server)
	group.Wait()
}

// TestRequestLarge: a request that is larger than the inbox goes to a buffer that
// the guest lends; where there is no buffer it is refused.
func TestRequestLarge(t *testing.T) {
	s, c, o := serveEager(t, runtime.Limits{})
	answers := make(chan int, 1)
	go func() {
		r, _, err := request("POST", "http://"+s.addr+"/", strings.NewReader(strings.Repeat("x", 50_000)))
		if err != nil {
			t.Error(err)
		} else {
			answers <- r.StatusCode
		}
	}()
	e := o.seesKind(abi.Request)
	if e.Len < 50_000 {
		t.Errorf("the guest sees %v", e)
	}
	c.command(command{Record: abi.Record{Kind: abi.Respond, Conn: e.Conn, Code: 200}})
	if status := await(t, answers, "response"); status != 200 {
		t.Errorf("got %d", status)
	}
	s, _, _ = serveEager(t, runtime.Limits{MemoryPages: 3}) // all that it starts with
	if r, _ := fetch(t, "POST", "http://"+s.addr+"/", strings.NewReader(strings.Repeat("x", 50_000))); r.StatusCode != 413 {
		t.Errorf("without memory for it: got %s, want a 413", r.Status)
	}
}

// TestRequestUnwanted: a handler that does not want requests is not asked.
func TestRequestUnwanted(t *testing.T) {
	s := serveOne(t, runtime.Tenant{Handler: nativeHandler{}.handle}, 1)
	if r, _ := fetch(t, "GET", "http://"+s.addr+"/", nil); r.StatusCode != 426 || r.Header.Get("Upgrade") != "websocket" {
		t.Errorf("GET: %s, Upgrade %q", r.Status, r.Header.Get("Upgrade"))
	}
	if r, _ := fetch(t, "POST", "http://"+s.addr+"/", nil); r.StatusCode != 405 || r.Header.Get("Allow") != "GET" {
		t.Errorf("POST: %s, Allow %q", r.Status, r.Header.Get("Allow"))
	}
}

// TestExchangeDo: a handler can take its time on another goroutine, and the answer
// is good once.
func TestExchangeDo(t *testing.T) {
	errs := make(chan error, 2)
	s := servePage(t, func(x runtime.Exchange, _ *runtime.Request) {
		go x.Do(func(x runtime.Exchange) {
			errs <- x.Respond(200, []byte("later"))
			errs <- x.Respond(200, []byte("too late"))
		})
	}, runtime.Limits{})
	if r, text := fetch(t, "GET", "http://"+s.addr+"/a/b", nil); r.StatusCode != 200 || text != "later" {
		t.Errorf("%s, %q", r.Status, text)
	}
	if err := await(t, errs, "answer"); err != nil {
		t.Error(err)
	}
	if err := await(t, errs, "answer"); err != runtime.ErrClosed {
		t.Errorf("a second response: %v, want ErrClosed", err)
	}
}

// TestStop: a program that wants it hears of a shutdown before its connections
// close, and can say goodbye.
func TestStop(t *testing.T) {
	t.Run("guest", func(t *testing.T) {
		s, c, o := serveEager(t, runtime.Limits{})
		go stop(s.Server)
		if e := o.sees(); e.Record != (abi.Record{Kind: abi.Stop, Code: abi.StopShutdown}) {
			t.Errorf("the guest sees %v, want stop", e)
		}
		c.readClose(1001, "server is shutting down")
		o.readClose(1001, "server is shutting down")
	})
	t.Run("handler", func(t *testing.T) {
		start := func() runtime.Handler {
			h := &eager{}
			h.connect = func(c runtime.Conn, _ *runtime.Request) {
				c.Accept("")
				c.Subscribe("all")
			}
			h.stop = func(in runtime.Instance) { in.Publish("all", true, []byte("goodbye")) }
			return h
		}
		s := serveOne(t, runtime.Tenant{Handler: start}, 1)
		c := s.dial(t, "/")
		c.echoes(1, []byte("hello"))
		go stop(s.Server)
		c.expect("goodbye")
		c.readClose(1001, "server is shutting down")
	})
}

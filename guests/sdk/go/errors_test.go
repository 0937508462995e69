package wherry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-c6589352/wherry/abi"
)

func TestErrorTexts(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{NewCloseError(1008, "no"), "close 1008: no"},
		{NewCloseError(4000, ""), "close 4000"},
		{NewHTTPError(403, "nope"), "http 403: nope"},
		{NewHTTPError(410, ""), "http 410: Gone"},
		{NewHTTPError(599, ""), "http 599: "},
		{&StateError{"send", Closed}, "send while closed"},
		{&ArgumentError{"close", "code 1 cannot be sent"}, "close: code 1 cannot be sent"},
		{&JSONTypeError{"chan int"}, "cannot encode chan int"},
	} {
		if got := tc.err.Error(); got != tc.want {
			t.Errorf("got %q; want %q", got, tc.want)
		}
	}
}

// An asHTTP says that it is an HTTP error without wrapping one.
type asHTTP struct{}

func (asHTTP) Error() string { return "as" }
func (asHTTP) As(target any) bool {
	if e, ok := target.(**HTTPError); ok {
		*e = &HTTPError{Status: 418}
		return true
	}
	return false
}

// TestFind agrees with errors.As.
func TestFind(t *testing.T) {
	base := &HTTPError{Status: 404}
	for name, err := range map[string]error{
		"nil": nil, "itself": base, "wrapped": fmt.Errorf("x: %w", base), "twice": fmt.Errorf("y: %w", fmt.Errorf("x: %w", base)),
		"joined": errors.Join(errors.New("a"), fmt.Errorf("b: %w", base)), "as": asHTTP{}, "joined as": errors.Join(asHTTP{}, base),
		"another": errors.New("a"), "joined others": errors.Join(errors.New("a"), NewCloseError(1, "")),
	} {
		var want *HTTPError
		wantOK := errors.As(err, &want)
		got, ok := find[*HTTPError](err)
		if ok != wantOK || ok && got.Status != want.Status {
			t.Errorf("%s: got %v, %v; errors.As has %v, %v", name, got, ok, want, wantOK)
		}
	}
}

// An odd is an error of an application's own.
type odd struct{ text string }

func (o odd) Error() string { return o.text }

// TestHandlers: who is asked, in which order, and what follows.
func TestHandlers(t *testing.T) {
	var asked []string
	answer := map[string]error{} // by handler: nil for done, errPass for no
	pass := errors.New("pass")
	ask := func(name string) (bool, error) {
		asked = append(asked, name)
		switch err, ok := answer[name]; {
		case !ok || err == pass:
			return false, nil
		default:
			return err == nil, err
		}
	}
	w := newWorld(t)
	HandleStatus(404, func(*Failure, *HTTPError) (bool, error) { return ask("status") })
	HandleStatus(500, func(*Failure, *HTTPError) (bool, error) { return ask("other status") })
	HandleError(func(_ *Failure, _ odd) (bool, error) { return ask("type") })
	HandleError(func(_ *Failure, _ *HTTPError) (bool, error) { return ask("http type") })
	HandleError(func(f *Failure, _ error) (bool, error) { return ask("any type " + f.Route + " " + f.Event) })
	var fail error
	Register("/", Endpoint{
		OnReceive: func(*Conn, Message) error { return fail },
		OnError:   func(f *Failure) (bool, error) { return ask("endpoint") },
	})
	for i, tc := range []struct {
		fail    error
		answer  map[string]error
		asked   string
		command string
		log     string
	}{
		{odd{"o"}, nil, "type,any type / on_receive,endpoint", `close %d 1011 "internal error"`, "error / on_receive: o"},
		{odd{"o"}, map[string]error{"type": nil}, "type", "", ""},
		{odd{"o"}, map[string]error{"type": errors.New("own")}, "type", `close %d 1011 "internal error"`, "error / on_receive: own"},
		{fmt.Errorf("x: %w", odd{"o"}), map[string]error{"endpoint": nil}, "type,any type / on_receive,endpoint", "", ""},
		{NewHTTPError(404, "d"), map[string]error{"status": nil}, "http type,any type / on_receive,status", "", ""},
		{NewHTTPError(404, "d"), nil, "http type,any type / on_receive,status,endpoint", `close %d 1011 "internal error"`, "error / on_receive: http 404: d"},
		{NewCloseError(3000, "r"), nil, "any type / on_receive,endpoint", `close %d 3000 "r"`, ""},
		{NewCloseError(1005, "r"), nil, "any type / on_receive,endpoint", `close %d 1011 "internal error"`, "error / on_receive: close: code 1005 cannot be sent"},
		{NewCloseError(3000, "r"), map[string]error{"endpoint": NewHTTPError(404, "")}, "any type / on_receive,endpoint", `close %d 1011 "internal error"`, "error / on_receive: http 404: Not Found"},
		{&StateError{"send", Closing}, nil, "any type / on_receive,endpoint", "", ""},
		{&StateError{"send", Connecting}, nil, "any type / on_receive,endpoint", `close %d 1011 "internal error"`, "error / on_receive: send while connecting"},
	} {
		conn := uint64(i + 1)
		w.turn(connecting(conn, ":route", "/"))
		asked, answer, fail = nil, tc.answer, tc.fail
		got := w.turn(texting(conn, "x"))
		want := tc.command
		if want != "" {
			want = fmt.Sprintf(want, conn)
		}
		if log := w.logged(); got != want || strings.Join(asked, ",") != tc.asked || log != tc.log {
			t.Errorf("%v, %v:\n got %s, asked %q, logged %q\nwant %s, asked %q, logged %q", tc.fail, tc.answer, got, asked, log, want, tc.asked, tc.log)
		}
	}
}

// TestUnanswerable: errors where nothing can be answered any more are logged, and
// that is all.
func TestUnanswerable(t *testing.T) {
	w := newWorld(t)
	Register("/close", Endpoint{
		OnReceive: func(c *Conn, m Message) error {
			_ = c.Close(1000, "")
			return map[string]error{"plain": odd{"o"}, "http": NewHTTPError(404, ""), "close": NewCloseError(3000, "r")}[m.Text()]
		},
		OnDisconnect: func(c *Conn, d Disconnect) error {
			if d.Reason == "late" {
				return c.SendText("x")
			}
			return NewHTTPError(404, "gone")
		},
	})
	Register("/http", Endpoint{OnRequest: func(x *Exchange) error {
		return errors.Join(x.Respond(200, nil, nil), odd{"after"})
	}})
	OnStart(func() error { return odd{"no start"} })
	OnStop(func(StopReason) error { return odd{"no stop"} })
	for i, what := range []string{"plain", "http", "close"} {
		conn := uint64(i + 1)
		w.turn(connecting(conn, ":route", "/close"))
		if got, want := w.turn(texting(conn, what)), fmt.Sprintf(`close %d 1000 ""`, conn); got != want {
			t.Errorf("%s: got %s; want %s", what, got, want)
		}
	}
	w.turn(
		input{abi.Record{Kind: abi.Close, Conn: 1}, ""},
		input{abi.Record{Kind: abi.Close, Conn: 2}, "late"},
		input{abi.Record{Kind: abi.Start}, ""},
		input{abi.Record{Kind: abi.Stop}, ""},
		input{abi.Record{Kind: abi.Request, Conn: 9}, block(":route", "/http")},
	)
	want := `error /close on_receive: o
error /close on_receive: http 404: Not Found
error /close on_receive: close 3000: r
error /close on_disconnect: http 404: gone
error on_start: no start
error on_stop: no stop
error /http on_request: after`
	if got := w.logged(); got != want {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
}

// TestArguments: what is never possible is refused, and what is not possible now.
func TestArguments(t *testing.T) {
	w := newWorld(t)
	Register("/", Endpoint{OnConnect: func(*Conn) error { return nil }})
	w.turn(connecting(1, ":route", "/"), connecting(2, ":route", "/"), connecting(3, ":route", "/"))
	waiting, open, gone := conns.find(1), conns.find(2), conns.find(3)
	if err := open.Accept(); err != nil {
		t.Fatal(err)
	}
	if err := gone.Deny(404, nil, nil); err != nil {
		t.Fatal(err)
	}
	long := Header{{strings.Repeat("x", 1<<16), "y"}}
	x := &Exchange{request: new(Request)}
	for want, err := range map[string]error{
		"deny: status 199 is not from 200 to 599": waiting.Deny(199, nil, nil),
		"deny: status 600 is not from 200 to 599": waiting.Deny(600, nil, nil),
		"deny: field name of 65536 bytes":         waiting.Deny(200, long, nil),
		"accept: field name of 65536 bytes":       waiting.AcceptWith("", long),
		"close: code 65536 cannot be sent":        waiting.Close(65536, ""),
		"close: code -1 cannot be sent":           waiting.Close(-1, ""),
		"send while connecting":                   waiting.SendJSON(nil),
		"close: code 1004 cannot be sent":         open.Close(1004, ""),
		"close: code 1006 cannot be sent":         open.Close(1006, ""),
		"close: code 1010 cannot be sent":         open.Close(1010, ""),
		"close: code 1015 cannot be sent":         open.Close(1015, ""),
		"close: code 2999 cannot be sent":         open.Close(2999, ""),
		"close: code 5000 cannot be sent":         open.Close(5000, ""),
		"close: code 0 cannot be sent":            open.Close(0, ""),
		"accept while open":                       open.Accept(),
		"deny while open":                         open.Deny(404, nil, nil),
		"cannot encode chan int":                  open.SendJSON(make(chan int)),
		"attach: attachment of 16385 bytes":       open.Attach(make([]byte, 16385)),
		"join: topic of 0 bytes":                  Room("").Join(open),
		"leave: topic of 257 bytes":               Room(strings.Repeat("x", 257)).Leave(open),
		"broadcast: topic of 0 bytes":             Room("").BroadcastText("x"),
		"close while closing":                     gone.Close(1000, ""),
		"send while closing":                      gone.SendBytes(nil),
		"attach while closing":                    gone.Attach(nil),
		"join while closing":                      Room("r").Join(gone),
		"leave while closing":                     Room("r").Leave(gone),
		"respond: status 99 is not from 200 to 599": func() error {
			return x.Respond(99, nil, nil)
		}(),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
	if err := errors.Join(x.Respond(204, nil, nil)); err != nil {
		t.Error(err)
	}
	if err := x.Respond(204, nil, nil); err == nil || err.Error() != "respond while closed" || !x.Answered() {
		t.Errorf("a second response: %v", err)
	}
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]uint32{
		0: 1, -time.Hour: 1, time.Nanosecond: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000,
		1<<32*time.Millisecond - time.Millisecond: 1<<32 - 1, 1 << 62: 1<<32 - 1,
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v: got %d; want %d", d, got, want)
		}
	}
}

// TestCommandNames agrees with the table of kinds.
func TestCommandNames(t *testing.T) {
	for _, k := range abi.Kinds() {
		if strings.Contains(k.Doc, "command: ") && commandName(abi.Kind(k.Value)) != k.Name {
			t.Errorf("%s is %s", k.Name, commandName(abi.Kind(k.Value)))
		}
	}
	if got := (Fault{Command: 77, Status: 77}).String(); got != "unknown refused: unknown" {
		t.Error(got)
	}
}

package runtime_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// greeter is a handler in native Go, behind the same events as a guest.
type greeter struct{}

func (greeter) Connect(c runtime.Conn, r *runtime.Request) { c.Accept("") }
func (greeter) Message(c runtime.Conn, text bool, payload []byte) {
	c.Send(true, append([]byte("hello, "), payload...))
}
func (greeter) Close(c runtime.Conn, end runtime.End) {}

// A server of its own, with a guest and a native handler.
func ExampleServer() {
	srv, err := runtime.New(runtime.Config{
		Tenants: []runtime.Tenant{
			{Name: "echo", Module: guests.Echo()}, // or os.ReadFile("your.wasm")
			{Name: "greeter", Handler: func() runtime.Handler { return greeter{} }},
		},
		Routes: []runtime.Route{
			{Pattern: "/echo", Tenant: "echo"},
			{Pattern: "/greet/{name}", Tenant: "greeter", Placement: runtime.PerLoop},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Shutdown(context.Background())
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(ask("ws://"+addr.String()+"/echo", "ferry me over"))
	fmt.Println(ask("ws://"+addr.String()+"/greet/you", "you"))
	// Output:
	// ferry me over
	// hello, you
}

// A server inside of one that exists already.
func ExampleServer_ServeHTTP() {
	srv, err := runtime.New(runtime.Config{
		Tenants: []runtime.Tenant{{Name: "echo", Module: guests.Echo()}},
		Routes:  []runtime.Route{{Pattern: "/echo", Tenant: "echo"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Shutdown(context.Background())

	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the rest of the site") })
	mux.Handle("/ws/", http.StripPrefix("/ws", srv))
	site := httptest.NewServer(mux) // or http.ListenAndServe(":8080", mux)
	defer site.Close()

	fmt.Println(ask("ws"+strings.TrimPrefix(site.URL, "http")+"/ws/echo", "ferry me over"))
	// Output:
	// ferry me over
}

// ask sends one message and returns the answer.
func ask(url, text string) string {
	conn, _, _, err := ws.Dial(context.Background(), url)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
		log.Fatal(err)
	}
	answer, err := wsutil.ReadServerText(conn)
	if err != nil {
		log.Fatal(err)
	}
	return string(answer)
}

// Wherry-native is Wherry without a sandbox: the echo as a handler in Go, in the
// process of the server, by package runtime.
//
// Usage: wherry-native [PORT [deflate]], where 0, the default, takes any free port.
package main

import (
	"log"
	"log/slog"
	"os"
	goruntime "runtime"

	"github.com/seed-c6589352/wherry/runtime"
)

// echo answers every message with itself.
type echo struct{}

func (echo) Connect(c runtime.Conn, _ *runtime.Request)        { c.Accept("") }
func (echo) Message(c runtime.Conn, text bool, payload []byte) { c.Send(text, payload) }
func (echo) Close(runtime.Conn, runtime.End)                   {}

// all tells every message to everybody.
type all struct{}

func (all) Connect(c runtime.Conn, _ *runtime.Request) {
	c.Accept("")
	c.Subscribe("all")
}
func (all) Message(c runtime.Conn, text bool, payload []byte) { c.Publish("all", text, payload) }
func (all) Close(runtime.Conn, runtime.End)                   {}

func main() {
	log.SetFlags(0)
	port := "0"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	var deflate *runtime.Deflate
	if len(os.Args) > 2 && os.Args[2] == "deflate" {
		deflate = new(runtime.Deflate)
	}
	limits := runtime.Limits{MessageBytes: 16 << 20, ConnRate: 1_000_000}
	goruntime.GOMAXPROCS(2) // one more than loops, as the binary does
	srv, err := runtime.New(runtime.Config{
		Loops:        1,
		Dedicated:    true,
		AddressConns: -1,
		Logger:       slog.New(slog.DiscardHandler),
		Tenants: []runtime.Tenant{
			{Name: "echo", Handler: func() runtime.Handler { return echo{} }, Limits: limits},
			{Name: "all", Handler: func() runtime.Handler { return all{} }, Limits: limits},
		},
		Routes: []runtime.Route{
			{Pattern: "/", Tenant: "echo", Deflate: deflate},
			{Pattern: "/all", Tenant: "all"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	addr, err := srv.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", addr)
	select {}
}

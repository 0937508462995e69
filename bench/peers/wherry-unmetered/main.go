// Wherry-unmetered is Wherry with guests that nobody counts: what metering costs is
// the difference to wherry. A server of anybody's guests must never be like this.
//
// Usage: wherry-unmetered [PORT [deflate]], where 0, the default, takes any free port.
// It runs in the module's root, where the guest for broadcasts is.
package main

import (
	"log"
	"log/slog"
	"os"
	goruntime "runtime"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

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
	broadcast, err := os.ReadFile("peers/wherry/broadcast.wasm")
	if err != nil {
		log.Fatal(err)
	}
	limits := runtime.Limits{MessageBytes: 16 << 20, ConnRate: 1_000_000}
	goruntime.GOMAXPROCS(2) // one more than loops, as the binary does
	srv, err := runtime.New(runtime.Config{
		Unmetered:    true,
		Loops:        1,
		Dedicated:    true,
		AddressConns: -1,
		Logger:       slog.New(slog.DiscardHandler),
		Tenants: []runtime.Tenant{
			{Name: "echo", Module: guests.Echo(), Limits: limits},
			{Name: "all", Module: broadcast, Limits: limits},
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

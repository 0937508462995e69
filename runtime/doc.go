// Package runtime embeds Wherry in a Go program: a [Server] that hands the
// WebSocket connections of its routes to tenants' handlers, which are
// WebAssembly guests or, behind the same events, native Go.
//
//	srv, err := runtime.New(runtime.Config{
//		Tenants: []runtime.Tenant{{Name: "acme", Module: wasm}},
//		Routes:  []runtime.Route{{Pattern: "/rooms/{room}", Tenant: "acme"}},
//	})
//	...
//	addr, err := srv.Listen("tcp", "127.0.0.1:8080")
//	defer srv.Shutdown(ctx)
//
// A Server is also an [http.Handler]: mounted in somebody's net/http server it
// takes the upgrades that arrive there to its own loops.
//
// It has the name of a package of the standard library, as in other Go projects
// that have such a package; a file that needs both aliases the standard one.
//
// # How a connection comes to its guest
//
// A route names a tenant and a placement. With [Single], the default, one
// instance on one loop serves all the route's connections, so that its memory is
// one truth for all of them; with [PerLoop] there is an instance on every loop.
// A connection is accepted on any loop and, when its head is there, moves to its
// instance's. From then on everything about it happens on that loop, a turn at a
// time: events are gathered in the guest's inbox, one call delivers them, its
// commands are applied, and the output is written.
package runtime

module github.com/seed-c6589352/wherry/bench

go 1.26.0

replace github.com/seed-c6589352/wherry => ../

require (
	github.com/coder/websocket v1.8.15 // a peer, and a foreign client
	github.com/gobwas/ws v1.5.0 // two peers
	github.com/gorilla/websocket v1.5.3 // the same
	github.com/lxzan/gws v1.8.9 // a peer, and the server in the load generator's tests
	github.com/seed-c6589352/wherry v0.0.0-00010101000000-000000000000 // what it is about
	golang.org/x/sys v0.49.0 // epoll, affinity, clocks and counters of other processes
)

require (
	github.com/dolthub/maphash v0.1.0 // indirect
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/klauspost/compress v1.17.9 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
)

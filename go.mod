module github.com/seed-c6589352/wherry

go 1.26.0

require (
	github.com/gobwas/ws v1.5.0 // the RFC's vocabulary: opcodes, close codes, header rules, and a client for tests
	github.com/pelletier/go-toml/v2 v2.4.3 // the configuration file; only the binary has it
	github.com/tetratelabs/wazero v1.12.0 // the WebAssembly engine: a compiler without cgo
	golang.org/x/sys v0.49.0 // epoll, kqueue, accept4, sendmsg
)

require github.com/gobwas/httphead v0.1.0 // indirect; comes with gobwas/ws

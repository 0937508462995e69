// Package guests holds the compiled example guests: small programs that show
// what a guest is, that tests of other packages run, and that the conformance
// suite keeps for ever. build.sh rebuilds them from the sources beside them,
// byte for byte. The SDKs that they use are in sdk.
package guests

import _ "embed"

// Strings, so that nobody can change what others get.
var (
	//go:embed echo/echo.wasm
	echo string
	//go:embed chat/chat.wasm
	chat string
	//go:embed recorder/recorder.wasm
	recorder string
	//go:embed echo-wat/echo-wat.wasm
	echoWAT string
)

// Echo returns a module that accepts every connection and sends every message
// back. It is written in C, against sdk/c. The slice is the caller's.
func Echo() []byte { return []byte(echo) }

// Chat returns a module with rooms over topics: the route's parameter "room" or
// the query "room=" names one, and every text message goes to all who are in
// it. It is written in C, against sdk/c. The slice is the caller's.
func Chat() []byte { return []byte(chat) }

// EchoWAT returns the same program as [Echo] in WebAssembly text, without an
// SDK, an import or a buffer for large messages: the least that a guest can be.
// The slice is the caller's.
func EchoWAT() []byte { return []byte(echoWAT) }

// Recorder returns a module for tests that plays the scripts of its
// configuration, one for each route, and publishes every event that it sees as
// JSON. Its source says what a script can be. It is written in C, against sdk/c.
// The slice is the caller's.
func Recorder() []byte { return []byte(recorder) }

// Package wherry is the SDK for guests in Go: it hides the records of the ABI
// behind endpoints, connections, requests and rooms. README.md beside this file
// shows each of them; what they do is the same in the SDKs of all languages.
//
// A guest registers its endpoints in func init and has an empty func main:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -trimpath -o guest.wasm .
//
// A guest runs in one thread, one handler at a time. What a handler commands takes
// effect after the turn, so no call here waits for anything, and an error that a
// call returns is one of the guest's own making: what the host refuses comes back
// later, to [OnFault].
//
// The package also compiles for other systems, so that a guest's own logic can be
// tested there; no host calls it then.
package wherry

// Package guesttest tests guests, in any language, with "go test": it runs a compiled
// module on a server in memory, with clients that the test drives and a time that the
// test moves.
//
//	func TestEcho(t *testing.T) {
//		h := guesttest.New(t, guesttest.Build(t, "."), guesttest.Config{Routes: []string{"/ws"}})
//		c := h.MustDial("/ws")
//		c.SendText("hello")
//		c.ExpectText("hello")
//	}
//
// The server is the one that "wherry serve" runs, with its frame engine, admission,
// metering and limits: what a test sees is what a server does. Three things are
// different. Sockets are inside the process. Time stands still until [Host.Advance]: the
// guest's clocks and timers, deadlines, pings and rates are all in that time, so that an
// hour costs a few milliseconds. And a call returns when everything has happened that
// happens without time passing. So nothing ever waits: where nothing can come,
// [Client.Receive] says [ErrNothing] at once.
//
// Tests may run in parallel; each has a server of its own. Where there is neither epoll
// nor kqueue there is no server, and [New] skips the test.
package guesttest

// Package conformance holds the cases of testdata/conformance, those that a program
// makes better, and a client that plays them against a server over TCP. Its own
// tests do so with a whole server and a guest; those of netpoll's sans-IO packages
// use the cases only. It knows nothing of the server but its address, and is support
// for tests alone. README.md says which part of the Autobahn test suite is covered
// by what.
//
// A case is given and checked here; what it means that one fails is the test's to
// say. A case that cannot pass is listed there with its reason, still played, and
// fails the test once it passes.
package conformance

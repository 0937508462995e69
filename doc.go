// Package wherry is the root of Wherry, a WebSocket server that runs untrusted
// WebAssembly guests. It has no code of its own; its test holds the packages to
// the architecture that ARCHITECTURE.md describes. Start from one of these:
//
//   - cmd/wherry, the server as a program;
//   - [github.com/seed-c6589352/wherry/runtime], the server as a package;
//   - [github.com/seed-c6589352/wherry/abi], the contract between host and guest,
//     with SPEC.md, its normative text.
package wherry

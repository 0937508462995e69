// Package interop has no code of its own: its tests drive the real wherry binary with
// WebSocket clients that somebody else wrote, because a client and a server by the
// same hand agree on the same mistakes.
package interop

// Package attack holds what a hostile or broken guest could try, 61 programs, and
// runs each beside a victim on the same loop of a real server.
//
// What must hold is the same for all of them, the victim rule: the victim, an
// echo with 100 connections at 20 messages a second each, keeps its latency, its
// connections and every byte; the process keeps its memory and its pauses; and
// the attacker is told. What must hold for one of them stands with it. One line
// is printed for each:
//
//	go test -v -run TestAttacks ./internal/attack
//
// A short window is the default. WHERRY_LONG=1 attacks for a minute each, and
// -attack.window for as long as it says.
package attack

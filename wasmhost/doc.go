// Package wasmhost runs guests. It decides which WebAssembly modules may run
// (admission), keeps their compiled code and instances, and carries records
// between the host and guest memory as package abi lays them out. It knows
// nothing of sockets, tenants or routes.
//
// Three types, one inside the other:
//
//	Host      one per process: the engine and the compiled code it shares
//	Module    one admitted guest program
//	Instance  one run of it, with a memory of its own
//
// An instance belongs to one loop. A turn of that loop stages events with
// [Instance.Push], delivers them with one [Instance.Turn], and reads what the
// guest wants with [Instance.Command] and [Instance.View]. None of the four
// allocates or takes a lock.
//
// A guest's mistake is a status, a guest's crash is a [TrapError] after which
// the instance is dead, and a host's mistake is a panic. Nothing that the host
// relies on lives in guest memory: addresses and sizes are read once, checked,
// and kept here.
package wasmhost

// Package meter reads modules of WebAssembly, and writes them anew so that they
// can be stopped.
//
// [Decode] takes a module apart in linear time and memory, and refuses what is
// malformed, too large, or of a feature that is off. [Module.Rewrite] writes a
// module that does what the first one did, and besides
//
//   - counts the work that it does down from an amount of fuel, and asks the host
//     for more when that is used up;
//   - counts the stack that it takes up in recursion down from an amount, and
//     stops when that is used up;
//   - has no memory or table that can grow beyond its limit;
//   - leaves its data segments and its start function to the host, so that an
//     instance can start from a copy of another one's memory;
//   - has no custom section but the names of its functions.
//
// The counters are globals behind the module's own, which its code cannot name:
// Decode refuses an index beyond what the module declares.
//
// # Fuel
//
// One unit is about one instruction, and about a tenth of a nanosecond ([cost] is
// the table). Of the values that a call, a branch or the end of a block moves, those
// beyond a few are a unit each. A reference to an imported function leads to one
// that charges for it as for a direct call. Instructions are charged in advance, in
// as few places as is sound:
// at the start of a function, at the head of each loop, and where a piece of code
// begins that is long and that not everybody who was charged before will reach.
// What a piece costs is charged at a place that every way to it passes, within
// the same loop, so no way through the code is free, and a branch that is not
// taken is charged with at most [maxBorrowed] units at each place. A tight loop is
// written out several times and charged for as many rounds at once, of which the last
// may not all be run ([unrolled]).
//
// Fuel depends on the module's bytes and on its input, and on nothing else.
//
// # Stack
//
// Only recursion makes a stack deep. A depth-first walk of the graph of calls
// finds a set of functions of which every cycle has one, and those count. What
// one counts is an estimate of its own frame and of the deepest chain of calls
// from it that is not counted by itself ([graph]).
package meter

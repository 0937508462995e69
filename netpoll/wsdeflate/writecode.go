package wsdeflate

import (
	"math/bits"
	"slices"
)

// A prefix is the code of one symbol.
type prefix struct {
	bits uint16 // its first bit lowest, as the stream has it
	size uint8  // in bits, or 0 if the symbol has no code
}

// A writeCode is what a block's symbols are written in.
type writeCode struct {
	lit  [maxLiterals + 2]prefix
	dist [maxDistances + 2]prefix
}

// cost returns how many bits it takes to write each symbol as often as said.
func cost(c []prefix, often []uint16) (n int) {
	for i, times := range often {
		n += int(times) * int(c[i].size)
	}
	return n
}

// fixedWrite is the code that is not sent. Set here, never changed.
var fixedWrite = makeFixedWrite()

func makeFixedWrite() *writeCode {
	c := new(writeCode)
	for i, n := range fixedLiteralLengths {
		c.lit[i].size = n
	}
	for i, n := range fixedDistanceLengths {
		c.dist[i].size = n
	}
	assign(c.lit[:])
	assign(c.dist[:])
	return c
}

// assign sets the bits of a canonical code whose sizes are set (RFC 1951,
// section 3.2.2).
func assign(c []prefix) {
	var next [maxCodeBits + 2]uint16
	for _, p := range c {
		if p.size > 0 {
			next[p.size+1]++
		}
	}
	for n := 2; n < len(next); n++ {
		next[n] = (next[n-1] + next[n]) << 1
	}
	for i, p := range c {
		if p.size > 0 {
			c[i].bits = bits.Reverse16(next[p.size]) >> (16 - p.size)
			next[p.size]++
		}
	}
}

// optimize gives every symbol that is needed a code of at most longest bits so
// that they take as little as can be, or nearly, and returns what they take, in
// bits. At least two symbols get a code, because some decoders refuse less.
func optimize(c []prefix, often []uint16, longest int) (cost int) {
	var sorted [maxLiterals]uint32 // how often, and which
	n := 0
	for i, times := range often {
		c[i] = prefix{}
		if times > 0 {
			sorted[n] = uint32(times)<<16 | uint32(i)
			n++
		}
	}
	for i := 0; n < 2; i++ {
		if n == 0 || int(sorted[0]&0xffff) != i {
			sorted[n] = uint32(i)
			n++
		}
	}
	slices.Sort(sorted[:n])
	count := depths(sorted[:n])
	limitDepths(&count, longest)
	size := longest
	for _, s := range sorted[:n] {
		for count[size] == 0 {
			size--
		}
		count[size]--
		c[s&0xffff].size = uint8(size)
		cost += int(s>>16) * size
	}
	assign(c)
	return cost
}

// maxDepth bounds the depth of a Huffman tree over one block: depth n takes as
// many symbols as the n-th Fibonacci number.
const maxDepth = 32

// depths returns how many leaves of the Huffman tree lie at each depth. Sorted
// has how often each of two or more leaves comes in its upper half, the rarest
// first.
//
// Nodes are made in order of their weight, so both leaves and nodes wait in
// order, and the two lightest are at the heads of two queues.
func depths(sorted []uint32) (count [maxDepth + 1]int) {
	var weight, parent [maxLiterals]uint32 // of nodes
	leaf, node := 0, 0
	made := len(sorted) - 1
	lightest := func(to int) uint32 {
		if leaf < len(sorted) && (node == to || sorted[leaf]>>16 <= weight[node]) {
			leaf++
			return sorted[leaf-1] >> 16
		}
		parent[node] = uint32(to)
		node++
		return weight[node-1]
	}
	var children [maxLiterals]uint8 // that are nodes
	for to := range made {
		before := node
		weight[to] = lightest(to) + lightest(to)
		children[to] = uint8(node - before)
	}
	var depth [maxLiterals]uint8
	for i := made - 1; i >= 0; i-- {
		if i < made-1 {
			depth[i] = depth[parent[i]] + 1
		}
		count[depth[i]+1] += 2 - int(children[i])
	}
	return count
}

// limitDepths moves leaves up to depth longest, and makes room for them there by
// moving as few as possible down.
func limitDepths(count *[maxDepth + 1]int, longest int) {
	full := 1 << longest
	used := 0 // of the code, in units of its longest codes
	for n := longest + 1; n <= maxDepth; n++ {
		count[longest] += count[n]
		count[n] = 0
	}
	for n := 1; n <= longest; n++ {
		used += count[n] << (longest - n)
	}
	for ; used > full; used-- {
		n := longest - 1
		for count[n] == 0 {
			n--
		}
		// A leaf at n becomes a node, with that leaf and one of the longest below.
		count[n]--
		count[n+1] += 2
		count[longest]--
	}
}

package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// A Delivery cuts what a client sends at once into writes.
type Delivery struct {
	Name string

	// Settle is called between two writes, to return when the server has read
	// the first. Without it, how many reads they become is up to the kernel.
	Settle func()

	cut func(b []byte) []int // where to cut b, ascending
}

// pieces returns b, cut. They are views into b.
func (d Delivery) pieces(b []byte) (pieces [][]byte) {
	start := 0
	for _, at := range d.cut(b) {
		if at > start && at < len(b) {
			pieces = append(pieces, b[start:at])
			start = at
		}
	}
	return append(pieces, b[start:])
}

// Whole is one write.
func Whole() Delivery {
	return Delivery{Name: "whole", cut: func([]byte) []int { return nil }}
}

// Bytewise is a write for every byte. Of what is longer than twice bytewiseEnds
// only the ends are sent so, and the rest in chunks: every header of a case is
// near an end, and a million writes would tell no more.
func Bytewise() Delivery {
	return Delivery{Name: "bytewise", cut: func(b []byte) (cuts []int) {
		for at := 1; at < len(b); {
			cuts = append(cuts, at)
			if at < bytewiseEnds || at >= len(b)-bytewiseEnds {
				at++
			} else {
				at = min(at+bytewiseChunk, len(b)-bytewiseEnds)
			}
		}
		return cuts
	}}
}

const (
	bytewiseEnds  = 512
	bytewiseChunk = 1021 // a prime, so that no frame size keeps step with it
)

// Random cuts at up to six points that seed decides.
func Random(seed uint64) Delivery {
	return Delivery{Name: fmt.Sprintf("random(%d)", seed), cut: func(b []byte) (cuts []int) {
		r := rand.New(rand.NewPCG(seed, uint64(len(b))))
		for range 1 + r.IntN(6) {
			cuts = append(cuts, r.IntN(len(b)+1))
		}
		slices.Sort(cuts)
		return cuts
	}}
}

// Chunks is writes of n bytes.
func Chunks(n int) Delivery {
	return Delivery{Name: fmt.Sprintf("chunks(%d)", n), cut: func(b []byte) (cuts []int) {
		for at := n; at < len(b); at += n {
			cuts = append(cuts, at)
		}
		return cuts
	}}
}

// CutAt is two writes, the first of n bytes.
func CutAt(n int) Delivery {
	return Delivery{Name: fmt.Sprintf("cut at %d", n), cut: func([]byte) []int { return []int{n} }}
}

// TailSplit sends the last n bytes one by one.
func TailSplit(n int) Delivery {
	return Delivery{Name: fmt.Sprintf("tail(%d)", n), cut: func(b []byte) (cuts []int) {
		for at := max(len(b)-n, 0); at < len(b); at++ {
			cuts = append(cuts, at)
		}
		return cuts
	}}
}

// named returns the deliveries that a case's own field asks for, for n bytes at
// once: "each-split" is one for every place where they can be cut.
func named(name string, n int) (ds []Delivery) {
	var size int
	switch {
	case name == "":
	case name == "bytewise", name == "whole", name == "hold", name == "trickle:1s", name == "then-fin":
		// Either among those that every case gets, or no way to cut.
	case name == "each-split":
		for at := 1; at < n; at++ {
			ds = append(ds, CutAt(at))
		}
	case name == "split-header":
		ds = append(ds, Delivery{Name: name, cut: func([]byte) []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14} }})
	case scan(name, "chunks:%d", &size):
		ds = append(ds, Chunks(size))
	case scan(name, "tail-split:%d", &size):
		ds = append(ds, TailSplit(size))
	default:
		panic("conformance: unknown delivery " + name)
	}
	return ds
}

func scan(s, format string, n *int) bool {
	_, err := fmt.Sscanf(s, format, n)
	return err == nil
}

// deliveries returns how a case is delivered: whole, bytewise, cut at random, and
// as it asks itself.
func deliveries(id, own string, n int, seed uint64) []Delivery {
	for _, c := range id {
		seed = seed*31 + uint64(c) // every case has cuts of its own
	}
	return append([]Delivery{Whole(), Bytewise(), Random(seed)}, named(own, n)...)
}

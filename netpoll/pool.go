package netpoll

import "math/bits"

// A pool keeps a loop's buffers in size classes that are four times apart, last
// in, first out, so that the buffer that comes next is the one still in the
// cache. Owned by the loop goroutine; no lock.
type pool struct {
	free [poolClasses][][]byte
}

const (
	poolSmallest = 512
	poolClasses  = 9       // 512 B to 32 MiB
	poolRetain   = 4 << 20 // bytes of free buffers that each class may keep
)

// classOf returns the smallest class that holds n bytes.
func classOf(n int) int {
	if n <= poolSmallest {
		return 0
	}
	return (bits.Len(uint(n-1)/poolSmallest) + 1) / 2
}

// classBytes is how large the buffers of class k are.
func classBytes(k int) int { return poolSmallest << (2 * k) }

// get returns an empty buffer with room for at least n bytes. Its bytes are
// whatever they were: whoever takes it writes before it reads.
func (p *pool) get(n int) []byte {
	k := classOf(n)
	if k >= poolClasses {
		return make([]byte, 0, n)
	}
	if last := len(p.free[k]) - 1; last >= 0 {
		b := p.free[k][last]
		p.free[k][last] = nil
		p.free[k] = p.free[k][:last]
		return b
	}
	return make([]byte, 0, classBytes(k))
}

// put takes back a buffer that get returned; nobody may hold a view of it. One
// that append has moved since is not of a class any more, and is dropped: whoever
// got it next would find less room than it asked for.
func (p *pool) put(b []byte) {
	k := classOf(cap(b))
	if k >= poolClasses || cap(b) != classBytes(k) || (len(p.free[k])+1)*cap(b) > max(poolRetain, cap(b)) {
		return
	}
	p.free[k] = append(p.free[k], b[:0])
}

// grow returns a buffer with b's bytes and room for at least n in all, and takes
// b back.
func (p *pool) grow(b []byte, n int) []byte {
	if n <= cap(b) {
		return b
	}
	bigger := append(p.get(n), b...)
	p.put(b)
	return bigger
}

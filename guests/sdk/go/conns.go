package wherry

import "math/bits"

// A table finds connections by their handles: open addressing with linear probing,
// at most three quarters full. Go's map would take a third of the time of a
// message.
type table struct {
	entries []*Conn // a power of two of them; nil is vacant
	count   int
}

// conns is every connection that the guest knows.
var conns table

// home returns the place where a handle is looked for first.
func (t *table) home(handle uint64) int {
	return int(handle * 0x9e3779b97f4a7c15 >> (64 - uint(bits.TrailingZeros(uint(len(t.entries))))))
}

// find returns the connection with this handle, or nil.
func (t *table) find(handle uint64) *Conn {
	if t.count == 0 {
		return nil
	}
	for i := t.home(handle); ; i++ {
		c := t.entries[i&(len(t.entries)-1)]
		if c == nil || c.handle == handle {
			return c
		}
	}
}

// put adds c, in place of one with the same handle.
func (t *table) put(c *Conn) {
	if 4*(t.count+1) > 3*len(t.entries) {
		t.resize(max(16, 2*len(t.entries)))
	}
	i := t.home(c.handle)
	for ; ; i++ {
		at := &t.entries[i&(len(t.entries)-1)]
		if *at == nil {
			t.count++
		} else if (*at).handle != c.handle {
			continue
		}
		*at = c
		return
	}
}

// take removes the connection with this handle and returns it, or nil.
func (t *table) take(handle uint64) *Conn {
	c := t.find(handle)
	if c == nil {
		return nil
	}
	mask := len(t.entries) - 1
	hole := t.home(handle)
	for t.entries[hole&mask] != c {
		hole++
	}
	// What comes behind moves up, unless it would stand in front of its home.
	for i := hole + 1; t.entries[i&mask] != nil; i++ {
		if (i-t.home(t.entries[i&mask].handle))&mask >= (i-hole)&mask {
			t.entries[hole&mask] = t.entries[i&mask]
			hole = i
		}
	}
	t.entries[hole&mask] = nil
	t.count--
	if n := len(t.entries); n > 1024 && 8*t.count < n {
		t.resize(n / 2) // a crowd has left
	}
	return c
}

// resize makes room for n entries, a power of two.
func (t *table) resize(n int) {
	old := t.entries
	t.entries, t.count = make([]*Conn, n), 0
	for _, c := range old {
		if c != nil {
			t.put(c)
		}
	}
}

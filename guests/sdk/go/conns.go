package wherry

import "math/bits"

// A table finds connections by their handles: open addressing with linear probing,
// at most three quarters full. Go's map would take most of the time of a message.
type table struct {
	entries []*Conn // a power of two of them, never none
	shift   uint    // of a hash, for the index of an entry
	count   int
}

// vacant stands for a connection where there is none. No handle is 0.
var vacant = new(Conn)

// conns is every connection that the guest knows.
var conns = newTable(16)

// newTable returns a table with n entries, a power of two.
func newTable(n int) table {
	t := table{entries: make([]*Conn, n), shift: 64 - uint(bits.TrailingZeros(uint(n)))}
	for i := range t.entries {
		t.entries[i] = vacant
	}
	return t
}

// home returns the place where a handle is looked for first.
func (t *table) home(handle uint64) int {
	return int(handle * 0x9e3779b97f4a7c15 >> (t.shift & 63))
}

// find returns the connection with this handle, or nil.
func (t *table) find(handle uint64) *Conn {
	for i := t.home(handle); ; i++ {
		switch c := t.entries[i&(len(t.entries)-1)]; {
		case c == vacant:
			return nil
		case c.handle == handle:
			return c
		}
	}
}

// put adds c, in place of one with the same handle.
func (t *table) put(c *Conn) {
	if 4*(t.count+1) > 3*len(t.entries) {
		t.resize(2 * len(t.entries))
	}
	for i := t.home(c.handle); ; i++ {
		at := &t.entries[i&(len(t.entries)-1)]
		if *at == vacant {
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
	for i := hole + 1; t.entries[i&mask] != vacant; i++ {
		if (i-t.home(t.entries[i&mask].handle))&mask >= (i-hole)&mask {
			t.entries[hole&mask] = t.entries[i&mask]
			hole = i
		}
	}
	t.entries[hole&mask] = vacant
	t.count--
	if n := len(t.entries); n > 1024 && 8*t.count < n {
		t.resize(n / 2) // a crowd has left
	}
	return c
}

// resize makes room for n entries, a power of two.
func (t *table) resize(n int) {
	old := t.entries
	*t = newTable(n)
	for _, c := range old {
		if c != vacant {
			t.put(c)
		}
	}
}

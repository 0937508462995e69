package wherry

import (
	"math/rand/v2"
	"testing"
)

// TestTable plays random operations on a table and on a map. Handles are few, so that
// they meet, and some are chosen to have the same home.
func TestTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const inverse = 0xf1de83e19937733d // of the table's multiplier, so that homes can be chosen
	table, have := newTable(16), map[uint64]*Conn{}
	for i := range 200_000 {
		handle := 1 + rng.Uint64N(3000)
		if i%3 == 0 {
			handle = (1<<60 + rng.Uint64N(200)) * inverse
		}
		grow := i < 50_000 || i > 150_000
		switch c := have[handle]; {
		case c == nil && rng.IntN(2) == 0 == grow:
			have[handle] = &Conn{handle: handle}
			table.put(have[handle])
		case rng.IntN(10) == 0 || !grow:
			if table.take(handle) != c {
				t.Fatalf("step %d: took another connection", i)
			}
			delete(have, handle)
		}
		if table.find(handle) != have[handle] || table.count != len(have) {
			t.Fatalf("step %d: found %v of %d; want %v of %d", i, table.find(handle), table.count, have[handle], len(have))
		}
	}
	for handle, c := range have {
		if table.take(handle) != c {
			t.Fatalf("connection %d is lost", handle)
		}
	}
	if table.count != 0 || len(table.entries) > 1024 {
		t.Errorf("%d connections in %d entries are left", table.count, len(table.entries))
	}
}

// TestTableInPlace: a handle that is put again has the new connection.
func TestTableInPlace(t *testing.T) {
	table := newTable(16)
	first, second := &Conn{handle: 7}, &Conn{handle: 7}
	table.put(first)
	table.put(second)
	if table.find(7) != second || table.count != 1 {
		t.Errorf("%d connections", table.count)
	}
}

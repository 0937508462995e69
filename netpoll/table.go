package netpoll

// A table holds a loop's connections in slots that never move, so that a *Conn
// stays good for as long as its tenancy lasts. Owned by the loop goroutine.
type table struct {
	loop   *Loop
	chunks []*[chunkConns]Conn
	vacant []uint32
	used   int
}

// chunkConns is how many connections are allocated at a time: as many as fill one
// of the allocator's 8 KiB blocks.
const chunkConns = 53

// take returns a vacant slot, as good as new.
func (t *table) take() *Conn {
	if len(t.vacant) == 0 {
		t.grow()
	}
	last := len(t.vacant) - 1
	slot := t.vacant[last]
	t.vacant = t.vacant[:last]
	t.used++
	c := t.at(slot)
	*c = Conn{loop: t.loop, slot: slot, seq: c.seq + 1}
	return c
}

func (t *table) grow() {
	first := uint32(len(t.chunks) * chunkConns)
	chunk := new([chunkConns]Conn)
	t.chunks = append(t.chunks, chunk)
	for i := range chunk {
		c := &chunk[len(chunk)-1-i]
		c.slot, c.phase = first+uint32(len(chunk)-1-i), closed
		t.vacant = append(t.vacant, c.slot)
	}
}

func (t *table) at(slot uint32) *Conn {
	return &t.chunks[slot/chunkConns][slot%chunkConns]
}

// find returns the connection that id was made for, or nil if it has gone.
func (t *table) find(id readyID) *Conn {
	if int(id.slot()/chunkConns) >= len(t.chunks) {
		return nil
	}
	c := t.at(id.slot())
	if c.seq != id.seq() || c.phase == closed {
		return nil
	}
	return c
}

// free makes c's slot vacant.
func (t *table) free(c *Conn) {
	if c.more != nil {
		t.loop.giveExtra(c.more)
		c.more = nil
	}
	c.deflation = nil // its windows are large, and the slot may stay vacant
	t.used--
	t.vacant = append(t.vacant, c.slot)
}

// each calls f for every connection whose socket is open. f may end them.
func (t *table) each(f func(*Conn)) {
	for _, chunk := range t.chunks {
		for i := range chunk {
			if c := &chunk[i]; c.phase != closed {
				f(c)
			}
		}
	}
}

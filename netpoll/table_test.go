package netpoll

import (
	"math/rand/v2"
	"testing"
)

// The id of a tenancy that is over never finds the next tenant of its slot.
func TestTableStaleIDs(t *testing.T) {
	var (
		table = table{loop: &Loop{}}
		rnd   = rand.New(rand.NewPCG(1, 2))
		live  = map[readyID]*Conn{}
		stale []readyID
	)
	for range 20_000 {
		if len(live) < 100 && rnd.IntN(2) == 0 {
			c := table.take()
			if live[c.readyID()] != nil || c.phase != opening || c.loop != table.loop {
				t.Fatalf("take returned %+v", c)
			}
			live[c.readyID()] = c
			continue
		}
		for id, c := range live {
			c.phase = closed
			if table.find(id) != nil {
				t.Fatal("found a connection that is closed and not freed yet")
			}
			table.free(c)
			delete(live, id)
			stale = append(stale, id)
			break
		}
		for id, c := range live {
			if table.find(id) != c {
				t.Fatal("a connection is not found")
			}
			break
		}
	}
	for _, id := range stale {
		if c := table.find(id); c != nil {
			t.Fatalf("stale id %x found a connection", id)
		}
	}
	if table.used != len(live) || len(table.chunks) > (100+chunkConns-1)/chunkConns {
		t.Errorf("%d of %d slots used for %d connections", table.used, len(table.chunks)*chunkConns, len(live))
	}
	if table.find(makeReadyID(1<<20, 1)) != nil || table.find(makeReadyID(0, 0)) != nil {
		t.Error("an id that never was found a connection")
	}
}

func TestTableEach(t *testing.T) {
	table := table{loop: &Loop{}}
	for range 50 {
		table.take()
	}
	seen := map[*Conn]bool{}
	table.each(func(c *Conn) {
		seen[c] = true
		c.phase = closed
		table.free(c)
	})
	if len(seen) != 50 || table.used != 0 {
		t.Errorf("each saw %d of 50 connections, %d are left", len(seen), table.used)
	}
	table.each(func(*Conn) { t.Error("each saw a vacant slot") })
}

func TestReadyIDs(t *testing.T) {
	if n, ok := listenerReadyID(3).listener(); n != 3 || !ok {
		t.Errorf("listenerReadyID(3) is listener %d, %v", n, ok)
	}
	for _, id := range []readyID{wakeID, timerID, makeReadyID(0, 0), makeReadyID(7, listenerSlot)} {
		if _, ok := id.listener(); ok {
			t.Errorf("id %x is a listener's", id)
		}
	}
	if id := makeReadyID(5, 9); id.slot() != 5 || id.seq() != 9 {
		t.Errorf("makeReadyID(5, 9) is %d, %d", id.slot(), id.seq())
	}
}

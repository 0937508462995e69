//go:build unix

package runtime_test

import (
	"bytes"
	"fmt"
	"net"
	goruntime "runtime"
	"syscall"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/runtime"
)

// A rawClient does round trips without allocating, so that what the process
// allocates meanwhile is the server's.
type rawClient struct {
	t        testing.TB
	fd       int
	request  []byte // frames, all sent in one write
	response []byte // what must come back
	buf      []byte
}

// newRawClient has depth messages of size bytes in flight.
func newRawClient(t testing.TB, s *testServer, size, depth int) *rawClient {
	conn := s.dial(t, "/").Conn.(*net.TCPConn)
	f, err := conn.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	c := &rawClient{t: t, fd: int(f.Fd())} // Fd makes it block
	payload := bytes.Repeat([]byte("x"), size)
	for range depth {
		c.request = append(c.request, clientFrame(ws.OpBinary, payload)...)
		c.response = append(c.response, ws.MustCompileFrame(ws.NewBinaryFrame(payload))...)
	}
	c.buf = make([]byte, len(c.response))
	return c
}

func (c *rawClient) roundTrip() {
	for sent := 0; sent < len(c.request); {
		n, err := syscall.Write(c.fd, c.request[sent:])
		if err != nil {
			c.t.Fatal(err)
		}
		sent += n
	}
	for got := 0; got < len(c.buf); {
		n, err := syscall.Read(c.fd, c.buf[got:])
		if n <= 0 {
			c.t.Fatal(n, err)
		}
		got += n
	}
}

// TestPublishBudget: however many members a topic has, a publication is encoded
// once.
func TestPublishBudget(t *testing.T) {
	const members, bytesEach, publications = 16, 100_000, 50
	s := serveChat(t, 1, runtime.Limits{})
	var clients []*rawClient
	for range members {
		c := newRawClient(t, s, bytesEach, 1)
		c.request, c.buf = clientFrame(ws.OpText, []byte("join a")), c.buf[:len("..ok")]
		c.roundTrip()
		c.request, c.buf = nil, c.buf[:len(c.response)]
		clients = append(clients, c)
	}
	payload := bytes.Repeat([]byte("x"), bytesEach)
	var m1, m2 goruntime.MemStats
	goruntime.ReadMemStats(&m1)
	for range publications {
		if err := s.Publish("chat", "a", false, payload); err != nil {
			t.Fatal(err)
		}
		for _, c := range clients {
			c.roundTrip()
		}
	}
	goruntime.ReadMemStats(&m2)
	if n := (m2.TotalAlloc - m1.TotalAlloc) / publications; n > 2*bytesEach {
		t.Errorf("%d bytes allocated for a publication of %d", n, bytesEach)
	}
	for _, c := range clients {
		if !bytes.Equal(c.buf, c.response) {
			t.Fatal("what came is something else")
		}
	}
}

// TestTurnBudget: an echo allocates nothing, and costs one read and one write for
// however many messages are in flight.
func TestTurnBudget(t *testing.T) {
	const trips = 1000
	for _, tc := range []struct {
		size, depth int
		exact       bool // a segment comes in one piece
	}{
		{64, 1, true},
		{64, 16, true},
		{4 << 10, 1, true},
		{64 << 10, 1, false},
		{200 << 10, 1, false},
	} {
		t.Run(fmt.Sprintf("%d bytes, %d deep", tc.size, tc.depth), func(t *testing.T) {
			s := serveOne(t, runtime.Tenant{Module: guests.Echo()}, 1)
			c := newRawClient(t, s, tc.size, tc.depth)
			for range 200 {
				c.roundTrip()
			}
			if !bytes.Equal(c.buf, c.response) {
				t.Fatal("what came back is something else")
			}
			before := s.Stats()
			var m1, m2 goruntime.MemStats
			goruntime.ReadMemStats(&m1)
			for range trips {
				c.roundTrip()
			}
			goruntime.ReadMemStats(&m2)
			after := s.Stats()
			// The few are the runtime's own: threads, timers, the collector.
			if n := m2.Mallocs - m1.Mallocs; n > trips/20 {
				t.Errorf("%d allocations in %d round trips; the budget is 0", n, trips)
			}
			reads, writes, waits := after.Reads-before.Reads, after.Writes-before.Writes, after.Waits-before.Waits
			t.Logf("%d round trips: %d reads, %d writes, %d waits, %d allocations", trips, reads, writes, waits, m2.Mallocs-m1.Mallocs)
			if tc.exact && (reads != trips || writes != trips) {
				t.Errorf("%d reads and %d writes for %d round trips of %d messages; the budget is 1 of each", reads, writes, trips, tc.depth)
			}
		})
	}
}

package attack_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

const (
	victimConns    = 100
	victimInterval = 50 * time.Millisecond // between two messages of a connection
)

// victimSecret is in every message of the victim's, at an address that is a
// multiple of 8, and nowhere else.
const victimSecret = "\xa7S3cr3t\x19\x8eV1ct1m\xf1"

// A victim is an echo with connections that talk at a steady rate. Latencies are
// from when a message was to be sent, so that a server that stands still is not
// spared the messages it keeps from being sent.
type victim struct {
	conns []*victimConn
	gap   time.Duration // between two messages, of one connection after the other
	start time.Time
	stop  chan struct{}
	done  sync.WaitGroup

	sent atomic.Int64 // messages, of all connections in turn

	mu      sync.Mutex
	delays  []delay // Guarded by mu.
	failure error   // Guarded by mu: the first
}

// A delay is how long the answer to a message took that was to be sent at a time
// since the start.
type delay struct{ at, took time.Duration }

type victimConn struct {
	*client
	number   int
	received atomic.Int64
}

// startVictim connects a victim and has it talk until the test ends.
func startVictim(t testing.TB, s *server, target string, conns int) *victim {
	t.Helper()
	v := &victim{stop: make(chan struct{}), gap: victimInterval / time.Duration(conns)}
	for i := range conns {
		c, err := s.dial(target, "")
		if err != nil {
			t.Fatalf("victim: %v", err)
		}
		c.SetDeadline(time.Time{})
		v.conns = append(v.conns, &victimConn{client: c, number: i})
	}
	v.start = time.Now()
	v.done.Go(v.talk)
	for _, c := range v.conns {
		v.done.Go(func() {
			if err := v.listen(c); err != nil {
				v.fail(fmt.Errorf("connection %d: %w", c.number, err))
			}
		})
	}
	t.Cleanup(v.end)
	return v
}

func (v *victim) end() {
	close(v.stop)
	for _, c := range v.conns {
		c.Close()
	}
	v.done.Wait()
}

func (v *victim) ending() bool {
	select {
	case <-v.stop:
		return true
	default:
		return false
	}
}

// fail keeps the first thing that went wrong, unless it is the end.
func (v *victim) fail(err error) {
	if v.ending() {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failure == nil {
		v.failure = err
	}
}

func (v *victim) failed() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failure
}

// victimMessage is the n-th message of a connection.
func victimMessage(conn int, n int64) []byte {
	b := append(make([]byte, 0, 64), victimSecret...)
	b = binary.LittleEndian.AppendUint64(b, uint64(conn))
	b = binary.LittleEndian.AppendUint64(b, uint64(n))
	for len(b) < 64 {
		b = append(b, byte(int64(len(b))*n+int64(conn)))
	}
	return b
}

// talk sends what is due, a message of each connection after the other.
func (v *victim) talk() {
	tick := time.NewTicker(v.gap)
	conns := int64(len(v.conns))
	defer tick.Stop()
	for {
		for due := int64(time.Since(v.start) / v.gap); v.sent.Load() < due; {
			n := v.sent.Load()
			c := v.conns[n%conns]
			v.sent.Add(1)
			if err := c.send(ws.OpBinary, victimMessage(c.number, n/conns)); err != nil {
				v.fail(fmt.Errorf("connection %d cannot send: %w", c.number, err))
				return
			}
		}
		select {
		case <-v.stop:
			return
		case <-tick.C:
		}
	}
}

// listen holds what c receives against what was sent.
func (v *victim) listen(c *victimConn) error {
	frame := make([]byte, 2+64)
	for n := int64(0); ; n++ {
		if _, err := io.ReadFull(c.r, frame); err != nil {
			return err
		}
		took := time.Since(v.start)
		if want := victimMessage(c.number, n); frame[0] != 0x82 || frame[1] != 64 || !bytes.Equal(frame[2:], want) {
			return fmt.Errorf("message %d is %x, want %x", n, frame, want)
		}
		at := time.Duration(n*int64(len(v.conns))+int64(c.number)) * v.gap
		v.mu.Lock()
		v.delays = append(v.delays, delay{at, took - at})
		v.mu.Unlock()
		c.received.Add(1)
	}
}

// catchUp waits until everything that was sent so far has come back.
func (v *victim) catchUp() error {
	sent, conns := v.sent.Load(), int64(len(v.conns))
	var behind int64
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if err := v.failed(); err != nil {
			return err
		}
		behind = 0
		for i, c := range v.conns {
			if want := (sent + conns - 1 - int64(i)) / conns; c.received.Load() < want {
				behind += want - c.received.Load()
			}
		}
		if behind == 0 {
			return nil
		}
	}
	return fmt.Errorf("%d messages have not come back in %v", behind, patience)
}

// now is a moment of the victim's time.
func (v *victim) now() time.Duration { return time.Since(v.start) }

// at is when it was at with v what it was at with another.
func (v *victim) at(other *victim, moment time.Duration) time.Duration {
	return other.start.Add(moment).Sub(v.start)
}

// p99 returns the 99th of 100 delays of what was to be sent between two moments,
// and the longest, and forgets all that came before them.
func (v *victim) p99(from, to time.Duration) (p99, longest time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.delays = slices.DeleteFunc(v.delays, func(d delay) bool { return d.at < from })
	var took []time.Duration
	for _, d := range v.delays {
		if d.at < to {
			took = append(took, d.took)
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)*99/100], took[len(took)-1]
}

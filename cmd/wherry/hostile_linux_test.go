package main

import (
	"bytes"
	encoding "encoding/binary"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// ifLong returns n, or what is enough for everyday and fits anywhere.
func ifLong(n, otherwise int) int {
	if os.Getenv("WHERRY_LONG") != "" && !raceEnabled() {
		return n
	}
	return otherwise
}

// latencies sends rounds numbered messages on conn, each when the one before is
// back, and returns the sorted times that they took. One that is lost, late by
// patience, out of order or damaged fails the test.
func latencies(t *testing.T, conn net.Conn, rounds int) []time.Duration {
	t.Helper()
	frame, want, got := bytes.Clone(message), bytes.Clone(reply), make([]byte, len(reply))
	took := make([]time.Duration, rounds)
	for i := range took {
		encoding.BigEndian.PutUint64(frame[len(frame)-8:], uint64(i))
		encoding.BigEndian.PutUint64(want[len(want)-8:], uint64(i))
		start := time.Now()
		conn.SetDeadline(start.Add(patience))
		if _, err := conn.Write(frame); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(got); {
			m, err := conn.Read(got[n:])
			if err != nil {
				t.Fatalf("echo %d: %v", i, err)
			}
			n += m
		}
		took[i] = time.Since(start)
		if !bytes.Equal(got, want) {
			t.Fatalf("echo %d is %x, want %x", i, got, want)
		}
		time.Sleep(time.Millisecond) // a client that thinks: the rounds are to span seconds
	}
	slices.Sort(took)
	return took
}

// checkUndisturbed makes sure that what disturb starts, which returns how to end
// it, does not make the 99th percentile of an echo client more than three times
// what it is without. Both are measured one after the other. Below a floor the
// numbers are the scheduler's, and other processes of the machine can only spoil
// them: one good attempt of three is enough.
func checkUndisturbed(t *testing.T, p *process, rounds int, disturb func() (end func())) {
	t.Helper()
	const attempts, ratio, floor = 3, 3, 5 * time.Millisecond
	conn, err := connect(p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p99 := func() time.Duration { return latencies(t, conn, rounds)[rounds*99/100] }
	for attempt := 1; ; attempt++ {
		alone := p99()
		end := disturb()
		beside := p99()
		end()
		t.Logf("the 99th percentile of %d echoes is %v alone and %v beside it", rounds, alone, beside)
		if beside <= max(ratio*alone, floor) {
			return
		}
		if attempt == attempts {
			t.Fatalf("an echo client waits %v instead of %v", beside, alone)
		}
	}
}

// TestHalfOpen: thousands of handshakes that come in at a byte a second, and never
// to an end, are not noticed by an echo client on the same loop. Each is given up
// and begun anew before the server's deadline would end it.
func TestHalfOpen(t *testing.T) {
	clients := ifLong(5000, 200)
	p := serveBinary(t, "--loops", "1", "--log-level", "warn", "/ws=echo")
	before := p.descriptors(t)
	checkUndisturbed(t, p, ifLong(3000, 1000), func() func() {
		crowd := &slowCrowd{addr: p.addr, clients: make([]slowClient, clients)}
		for i := range crowd.clients {
			if err := crowd.send(&crowd.clients[i]); err != nil {
				t.Fatal(err)
			}
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var err error
		wg.Go(func() { err = crowd.run(stop) })
		return func() {
			if open := p.descriptors(t) - before; open < clients*9/10 {
				t.Errorf("the server has only %d connections; there should be %d", open, clients)
			}
			close(stop)
			wg.Wait()
			crowd.leave()
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d clients sent %d bytes", clients, crowd.sent)
		}
	})
}

// A slowCrowd is clients that send a handshake at a byte a second.
type slowCrowd struct {
	addr    string
	clients []slowClient
	sent    int // bytes
}

type slowClient struct {
	conn *net.TCPConn
	sent int // bytes of its handshake
}

// slowBytes is what a client sends before it starts over: the server gives a head
// five seconds by default.
const slowBytes = 4

// send sends the next byte of a client's handshake, on a new connection if need be.
func (s *slowCrowd) send(c *slowClient) error {
	if c.sent == slowBytes {
		end(c.conn, true) // with a reset, which leaves no port behind
		*c = slowClient{}
	}
	if c.conn == nil {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			return err
		}
		c.conn = conn.(*net.TCPConn)
	}
	// That the server has closed it on a machine that stood still is no error.
	c.conn.Write([]byte(handshakeHead[c.sent : c.sent+1]))
	c.sent++
	s.sent++
	return nil
}

// run goes round once a second, and has a thousandth of the clients send at a time.
func (s *slowCrowd) run(stop <-chan struct{}) error {
	const parts = 1000
	ticker := time.NewTicker(time.Second / parts)
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % parts {
		for at := i; at < len(s.clients); at += parts {
			if err := s.send(&s.clients[at]); err != nil {
				return err
			}
		}
		select {
		case <-stop:
			return nil
		case <-ticker.C:
		}
	}
}

func (s *slowCrowd) leave() {
	for i := range s.clients {
		if conn := s.clients[i].conn; conn != nil {
			end(conn, true)
		}
	}
}

// TestNeverReads: a client that sends and never reads costs the server what may be
// unsent and a message more, however much it sends, and an echo client on the same
// loop does not notice.
func TestNeverReads(t *testing.T) {
	const (
		sendBytes    = 1 << 20  // the default of send_bytes
		messageBytes = 64 << 10 // of which one more may be queued
		fixed        = 16 << 20 // for guest memory, and what the collector has not come to
	)
	if raceEnabled() {
		t.Skip("the race detector has memory of its own for every word")
	}
	clients, each := ifLong(64, 16), ifLong(32<<20, 8<<20)
	p := serveBinary(t, "--loops", "1", "--log-level", "warn", "/ws=echo")
	frame := binaryFrame(messageBytes)
	before := p.rss(t)
	highest := before
	checkUndisturbed(t, p, ifLong(3000, 1000), func() func() {
		deaf := make([]*net.TCPConn, clients)
		errs := make(chan error, clients+1)
		send := func(i, bytes int) error {
			for range bytes / messageBytes {
				deaf[i].SetWriteDeadline(time.Now().Add(patience))
				if _, err := deaf[i].Write(frame); err != nil {
					return fmt.Errorf("client %d: %w", i, err)
				}
			}
			return nil
		}
		var wg sync.WaitGroup
		for i := range deaf {
			var err error
			if deaf[i], err = connect(p.addr); err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { errs <- send(i, each) })
		}
		wg.Wait()
		stop := make(chan struct{})
		wg.Go(func() { // they go on, while an echo client is watched
			ticker := time.NewTicker(10 * time.Millisecond)
			defer ticker.Stop()
			var err error
			for i := 0; err == nil; i = (i + 1) % clients {
				err = send(i, messageBytes)
				select {
				case <-stop:
					errs <- err
					return
				case <-ticker.C:
				}
			}
			errs <- err
		})
		return func() {
			close(stop)
			wg.Wait()
			highest = max(highest, p.rss(t))
			close(errs)
			for err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			for _, conn := range deaf {
				end(conn, true)
			}
		}
	})
	grown, bound := highest-before, clients*(sendBytes+messageBytes)+fixed
	t.Logf("%d clients that sent %d MiB each: %d KiB more, of %d KiB that may be", clients, each>>20, grown>>10, bound>>10)
	if grown > bound {
		t.Errorf("%d clients that do not read cost %d KiB; at most %d KiB is right", clients, grown>>10, bound>>10)
	}
	if grown < clients*sendBytes/2 {
		t.Errorf("the backlogs take only %d KiB: the test tests nothing", grown>>10)
	}
}

// binaryFrame is a message of n zeros, masked with zeros.
func binaryFrame(n int) []byte {
	head := encoding.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, uint64(n))
	return append(head, make([]byte, 4+n)...)
}

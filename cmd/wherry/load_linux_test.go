package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// long skips what takes many descriptors and most of a minute, unless the
// environment asks for it, and under the race detector, which needs memory of
// its own for every goroutine and word.
func long(t *testing.T) {
	if os.Getenv("WHERRY_LONG") == "" || raceEnabled() {
		t.Skip("takes 15 000 descriptors and most of a minute: set WHERRY_LONG=1, without -race")
	}
}

// A handshake for the echo guest, and a message of 16 bytes with its reply.
const handshakeHead = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

var (
	message    = append([]byte{0x82, 0x80 | 16, 0, 0, 0, 0}, make([]byte, 16)...)
	reply      = append([]byte{0x82, 16}, make([]byte, 16)...)
	closeFrame = []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}
)

// connect opens a connection that has exchanged one message.
func connect(addr string) (*net.TCPConn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := conn.Write(append([]byte(handshakeHead), message...)); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(conn, 512)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == "\r\n" {
			break
		}
	}
	got := make([]byte, len(reply))
	for n := 0; n < len(got); {
		m, err := r.Read(got[n:])
		if err != nil {
			return nil, err
		}
		n += m
	}
	if !bytes.Equal(got, reply) {
		return nil, fmt.Errorf("the reply is %x", got)
	}
	return conn.(*net.TCPConn), nil
}

// rss returns the resident memory of the server, in bytes.
func (p *process) rss(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var kib int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	t.Fatalf("no Rss in %q", b)
	return 0
}

// descriptors returns how many the server has open.
func (p *process) descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// goroutines ends the server with a dump of its goroutines, and returns how many
// there were.
func (p *process) goroutines(t *testing.T) (n int) {
	t.Helper()
	p.signal(t, syscall.SIGQUIT)
	p.wait(t)
	for _, line := range p.lines() {
		if strings.HasPrefix(line, "goroutine ") {
			n++
		}
	}
	if n == 0 {
		t.Fatal("no goroutines in the dump")
	}
	return n
}

// TestIdleMemory: an idle connection costs at most a quarter of a KiB, as the
// slope from 2 000 to 15 000.
func TestIdleMemory(t *testing.T) {
	long(t)
	p := serveBinary(t, "--loops", "1", "--log-level", "warn", "/ws=echo")
	var conns []net.Conn
	open := func(n int) {
		for len(conns) < n {
			c, err := connect(p.addr)
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
		}
	}
	open(2_000)
	few := p.rss(t)
	open(15_000)
	many := p.rss(t)
	each := float64(many-few) / 13_000
	t.Logf("2 000 connections: %d KiB, 15 000: %d KiB: %.0f bytes each", few>>10, many>>10, each)
	if each > 256 {
		t.Errorf("an idle connection costs %.0f bytes, more than 256", each)
	}
	for _, c := range conns {
		c.Close()
	}
}

// TestChurn: 200 000 connections that end in all the ways there are leave nothing:
// no descriptor, no memory and no goroutine. That no deadline and no buffer is left
// is for the test of the same name in package netpoll.
func TestChurn(t *testing.T) {
	long(t)
	const workers, each = 4, 50_000
	config := filepath.Join(t.TempDir(), "wherry.toml")
	const faster = "[[tenant]]\nname = \"echo\"\nmodule = \"echo\"\nlimits = { conn_rate = 1000000 }\n[[route]]\npattern = \"/ws\"\ntenant = \"echo\"\n"
	if err := os.WriteFile(config, []byte(faster), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serveBinary(t, "--loops", "2", "--log-level", "warn", "--config", config)
	round := func(n int) {
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for i := range n {
					if err := comeAndGo(p.addr, i); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	fds := p.descriptors(t)
	settle := func() {
		t.Helper()
		deadline := time.Now().Add(30 * time.Second)
		for p.descriptors(t) > fds {
			if time.Now().After(deadline) {
				t.Fatalf("%d descriptors are open, %d were before", p.descriptors(t), fds)
			}
			time.Sleep(10 * time.Millisecond) // between two looks
		}
	}
	round(each / 10) // what is kept for later is there from here on
	settle()
	before := p.rss(t)
	round(each)
	settle()
	grown := p.rss(t) - before
	t.Logf("%d connections: %d KiB more, of %d KiB", workers*each, grown>>10, before>>10)
	if grown > 8<<20 {
		t.Errorf("%d connections left %d KiB", workers*each, grown>>10)
	}
	fresh := serveBinary(t, "--loops", "2", "--log-level", "warn", "/ws=echo")
	if err := comeAndGo(fresh.addr, 3); err != nil {
		t.Fatal(err)
	}
	was, is := fresh.goroutines(t), p.goroutines(t)
	t.Logf("%d goroutines, %d in a server that has had one connection", is, was)
	if is > was+2 { // the collector has some that come and go
		t.Errorf("%d goroutines are left, %d are right", is, was)
	}
}

// comeAndGo opens a connection and ends it in the i-th way.
func comeAndGo(addr string, i int) error {
	if i%4 == 0 { // half a handshake
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer end(conn.(*net.TCPConn), i%8 == 0)
		_, err = conn.Write([]byte(handshakeHead[:len(handshakeHead)/2]))
		return err
	}
	conn, err := connect(addr)
	if err != nil {
		return err
	}
	defer end(conn, i%4 == 1)
	if i%4 == 3 {
		if _, err := conn.Write(closeFrame); err != nil {
			return err
		}
		_, err = conn.Read(make([]byte, 16))
	}
	return err
}

// end closes conn with a reset or with the end of the stream.
func end(conn *net.TCPConn, reset bool) {
	if reset {
		conn.SetLinger(0)
	}
	conn.Close()
}

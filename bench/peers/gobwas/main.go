// Gobwas is an echo server on github.com/gobwas/ws with a goroutine for each
// connection: its zero-copy upgrade, frames read through a buffer, one write for each.
//
// Usage: gobwas [PORT], where 0, the default, takes any free port.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"sync"

	"github.com/gobwas/ws"
)

const (
	readBytes    = 4 << 10  // buffer of a connection
	messageBytes = 64 << 20 // largest frame taken
)

// A club is the connections to /all, each of which gets whatever one of them says.
type club struct {
	mu      sync.Mutex
	members map[net.Conn]bool // Guarded by mu.
}

func (c *club) join(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[conn] = true
}

func (c *club) leave(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, conn)
}

func (c *club) tell(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for member := range c.members {
		_, _ = member.Write(frame) // a failure ends the member's read loop
	}
}

// A session is one connection. Owned by its goroutine.
type session struct {
	conn     net.Conn
	r        *bufio.Reader
	isMember bool
	out      bytes.Buffer // the frame that is being answered
}

func main() {
	log.SetFlags(0)
	port := "0"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	all := &club{members: make(map[net.Conn]bool)}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn, all)
	}
}

// serve upgrades conn and answers until the client leaves.
func serve(conn net.Conn, all *club) {
	defer conn.Close()
	s := &session{conn: conn}
	upgrader := ws.Upgrader{OnRequest: func(uri []byte) error {
		s.isMember = string(uri) == "/all"
		return nil
	}}
	if _, err := upgrader.Upgrade(conn); err != nil {
		return
	}
	s.r = bufio.NewReaderSize(conn, readBytes)
	if s.isMember {
		all.join(conn)
		defer all.leave(conn)
	}
	for s.answer(all) == nil {
	}
}

// answer reads one frame and answers it.
func (s *session) answer(all *club) error {
	header, err := ws.ReadHeader(s.r)
	if err != nil {
		return err
	}
	if header.Length > messageBytes {
		return ws.ErrHeaderLengthUnexpected
	}
	reply := ws.Header{Fin: header.Fin, OpCode: header.OpCode, Length: header.Length}
	if header.OpCode == ws.OpPing {
		reply.OpCode = ws.OpPong
	}
	s.out.Reset()
	if err := ws.WriteHeader(&s.out, reply); err != nil {
		return err
	}
	headBytes := s.out.Len()
	if _, err := io.CopyN(&s.out, s.r, header.Length); err != nil {
		return err
	}
	frame := s.out.Bytes()
	ws.Cipher(frame[headBytes:], header.Mask, 0)
	switch {
	case header.OpCode == ws.OpPong:
		return nil
	case s.isMember && !header.OpCode.IsControl():
		all.tell(frame)
		return nil
	}
	if _, err := s.conn.Write(frame); err != nil {
		return err
	}
	if header.OpCode == ws.OpClose {
		return errClosed
	}
	return nil
}

// errClosed ends a session whose close frame is answered.
var errClosed = errors.New("closed")

//go:build linux

// Gobwas-epoll is an echo server on github.com/gobwas/ws and an epoll loop of its own,
// the way to use it for many connections: one locked thread, raw system calls, one
// receive buffer, all answers of a read in one write, nothing kept for idle ones.
//
// Usage: gobwas-epoll [PORT], where 0, the default, takes any free port.
package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

const (
	receiveBytes = 512 << 10
	messageBytes = 64 << 20 // largest frame taken
	headBytes    = 8 << 10  // longest handshake
	maxReady     = 512
)

// A conn owns memory besides itself only while a frame is incomplete, or while the
// kernel refuses its output.
type conn struct {
	fd       int
	open     bool // the handshake is done
	isMember bool // it came by /all
	gone     bool
	spill    []byte // of an incomplete frame or handshake; its capacity has room for all of it
	backlog  []byte // what the kernel did not take; reading stops meanwhile
}

// A server owns everything; there is no other goroutine.
type server struct {
	epoll   int
	conns   map[int]*conn // by descriptor
	members []*conn
	rx, tx  []byte // of the read that is being answered
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
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	runtime.LockOSThread()
	err = run(int(file.Fd()))
	runtime.KeepAlive(file) // which would otherwise close its descriptor when it is collected
	log.Fatal(err)
}

func run(listener int) error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	s := &server{epoll: epoll, conns: make(map[int]*conn), rx: make([]byte, receiveBytes)}
	if err := unix.SetNonblock(listener, true); err != nil {
		return err
	}
	if err := s.watch(unix.EPOLL_CTL_ADD, listener, unix.EPOLLIN); err != nil {
		return err
	}
	var ready [maxReady]unix.EpollEvent
	for {
		n, err := unix.EpollWait(epoll, ready[:], -1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, r := range ready[:max(n, 0)] {
			if int(r.Fd) == listener {
				s.accept(listener)
			} else if c := s.conns[int(r.Fd)]; c != nil {
				s.serve(c)
			}
		}
	}
}

func (s *server) watch(op, fd int, events uint32) error {
	return unix.EpollCtl(s.epoll, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

func (s *server) accept(listener int) {
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if s.watch(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) != nil {
			unix.Close(fd)
			continue
		}
		s.conns[fd] = &conn{fd: fd}
	}
}

// serve takes what c has ready: room for its backlog, or bytes.
func (s *server) serve(c *conn) {
	if len(c.backlog) > 0 {
		rest := c.backlog
		c.backlog = nil
		s.write(c, rest)
		if len(c.backlog) == 0 && !c.gone {
			_ = s.watch(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN)
		}
		return
	}
	b, ok := s.read(c)
	if !ok {
		return
	}
	s.tx = s.tx[:0]
	used, err := s.take(c, b)
	if err != nil {
		s.hangUp(c)
		return
	}
	s.keep(c, b[used:])
	if len(s.tx) > 0 {
		s.write(c, s.tx)
	}
}

// read returns the bytes that c has, those of its spill in front.
func (s *server) read(c *conn) ([]byte, bool) {
	if size := cap(c.spill); size > receiveBytes {
		n := s.receive(c, c.spill[len(c.spill):size])
		c.spill = c.spill[:len(c.spill)+n]
		return c.spill, n > 0 && len(c.spill) == size
	}
	kept := copy(s.rx, c.spill)
	n := s.receive(c, s.rx[kept:])
	return s.rx[:kept+n], n > 0
}

// receive reads once; 0 is nothing, and then c may be gone.
func (s *server) receive(c *conn, b []byte) int {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return 0
	}
	if errno != 0 || n == 0 {
		s.hangUp(c)
		return 0
	}
	return int(n)
}

// take answers what is complete in b into tx, and returns how much that was.
func (s *server) take(c *conn, b []byte) (used int, err error) {
	if !c.open {
		if used, err = s.handshake(c, b); used == 0 || err != nil {
			return used, err
		}
	}
	for {
		n, err := s.frame(c, b[used:])
		if n == 0 || err != nil {
			return used, err
		}
		used += n
	}
}

func (s *server) handshake(c *conn, b []byte) (used int, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > headBytes {
			return 0, ws.ErrMalformedRequest
		}
		return 0, nil
	}
	used = end + 4
	var out bytes.Buffer
	upgrader := ws.Upgrader{OnRequest: func(uri []byte) error {
		c.isMember = string(uri) == "/all"
		return nil
	}}
	_, err = upgrader.Upgrade(struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(b[:used]), &out})
	s.tx = append(s.tx, out.Bytes()...)
	c.open = err == nil
	if c.open && c.isMember {
		s.members = append(s.members, c)
	}
	return used, err
}

// frame answers the frame at the front of b, and returns its size, or 0 if it is not
// complete.
func (s *server) frame(c *conn, b []byte) (size int, err error) {
	r := bytes.NewReader(b)
	header, err := ws.ReadHeader(r)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if header.Length > messageBytes {
		return 0, ws.ErrHeaderLengthUnexpected
	}
	head := len(b) - r.Len()
	size = head + int(header.Length)
	if size > len(b) {
		return 0, nil
	}
	payload := b[head:size]
	ws.Cipher(payload, header.Mask, 0)
	s.answer(c, header, payload)
	return size, nil
}

func (s *server) answer(c *conn, header ws.Header, payload []byte) {
	reply := ws.Header{Fin: header.Fin, OpCode: header.OpCode, Length: header.Length}
	switch header.OpCode {
	case ws.OpPong:
		return
	case ws.OpPing:
		reply.OpCode = ws.OpPong
	}
	start := len(s.tx)
	out := bytes.NewBuffer(s.tx)
	_ = ws.WriteHeader(out, reply) // a buffer takes everything
	out.Write(payload)
	s.tx = out.Bytes()
	if c.isMember && !header.OpCode.IsControl() {
		frame := slices.Clone(s.tx[start:])
		s.tx = s.tx[:start]
		for _, member := range s.members {
			s.write(member, frame)
		}
	}
}

// keep saves b, the front of something incomplete, with room for all of it if its
// size is known.
func (s *server) keep(c *conn, b []byte) {
	if len(b) == 0 || c.gone {
		c.spill = nil
		return
	}
	size := len(b)
	r := bytes.NewReader(b)
	if header, err := ws.ReadHeader(r); c.open && err == nil {
		size = max(size, len(b)-r.Len()+int(header.Length))
	}
	if len(c.spill) == len(b) && cap(c.spill) == size {
		return // it is there already
	}
	spill := make([]byte, len(b), size)
	copy(spill, b)
	c.spill = spill[:len(b):size]
}

// write sends b behind c's backlog, and makes a backlog of what the kernel does not take.
func (s *server) write(c *conn, b []byte) {
	if c.gone {
		return
	}
	if len(c.backlog) > 0 {
		c.backlog = append(c.backlog, b...)
		return
	}
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno == unix.EAGAIN || errno == unix.EINTR {
		n, errno = 0, 0
	}
	if errno != 0 {
		s.hangUp(c)
		return
	}
	if rest := b[n:]; len(rest) > 0 {
		c.backlog = slices.Clone(rest)
		_ = s.watch(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLOUT)
	}
}

func (s *server) hangUp(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	delete(s.conns, c.fd)
	if c.isMember {
		// A copy, because somebody may be going through the old one.
		s.members = slices.DeleteFunc(slices.Clone(s.members), func(m *conn) bool { return m == c })
	}
	unix.Close(c.fd)
}

package runtime

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// plainSide answers what is no upgrade: a net/http server that is given
// connections, with the bytes that were read, instead of accepting them. Outside
// the hot path a well-kept parser beats ours.
type plainSide struct {
	server  *Server
	handler http.Handler // of the embedding program; may be nil
	http    *http.Server
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

const plainBacklog = 256

func newPlainSide(s *Server, handler http.Handler) *plainSide {
	p := &plainSide{
		server:  s,
		handler: handler,
		conns:   make(chan net.Conn, plainBacklog),
		done:    make(chan struct{}),
	}
	p.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelInfo),
	}
	return p
}

// start begins to serve.
func (p *plainSide) start() { go p.http.Serve(p) }

// take moves a connection of peer's from its loop to net/http. It runs on the loop.
func (p *plainSide) take(c *netpoll.Conn, peer netip.AddrPort, head *wshead.Head) {
	skip := head.Lead // net/http does not skip an empty line
	fd, received := c.Detach()
	conn, err := netpoll.NetConn(fd)
	if err != nil {
		return
	}
	select {
	case p.conns <- &readConn{Conn: conn, peer: peer, early: received[skip:]}:
	default:
		conn.Close() // net/http is behind by plainBacklog connections; a loop must not wait for it
	}
}

// Accept implements [net.Listener].
func (p *plainSide) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *plainSide) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr implements [net.Listener].
func (p *plainSide) Addr() net.Addr { return &net.TCPAddr{} }

func (p *plainSide) shutdown(ctx context.Context) error {
	err := p.http.Shutdown(ctx)
	if err != nil {
		p.http.Close() // whoever is still being answered
	}
	p.Close()
	return err
}

// drop closes what came too late to be accepted. The loops have ended.
func (p *plainSide) drop() {
	for {
		select {
		case c := <-p.conns:
			c.Close()
		default:
			return
		}
	}
}

// serve answers a request that is no upgrade.
func (p *plainSide) serve(w http.ResponseWriter, r *http.Request) {
	route := p.server.finder.match(r.Host, r.URL.EscapedPath())
	if route == nil || route.disabled {
		if p.handler != nil {
			p.handler.ServeHTTP(w, r)
			return
		}
		writeRefusal(w, wshead.NotFound)
		return
	}
	if p.server.ask(w, r, route) {
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		writeRefusal(w, wshead.UpgradeRequired)
		return
	}
	writeRefusal(w, wshead.MethodNotAllowed)
}

// A readConn is a connection of which the first bytes were read by a loop.
type readConn struct {
	net.Conn
	peer  netip.AddrPort // which is not the socket's where a PROXY header named it
	early []byte
}

func (c *readConn) RemoteAddr() net.Addr {
	if !c.peer.IsValid() {
		return c.Conn.RemoteAddr()
	}
	return net.TCPAddrFromAddrPort(c.peer)
}

func (c *readConn) Read(b []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(b, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// errNotHijackable is for the log of the embedding program.
var errNotHijackable = errors.New("runtime: the http.ResponseWriter cannot be hijacked; HTTP/2 and some middleware do not let it")

// bridgeStall is how long a peer behind a bridge may take nothing. The loop sees
// only the pipe, and cannot end a write to the outer connection.
const bridgeStall = 30 * time.Second

// bridge copies between a connection that no loop can own, such as one of TLS,
// and a pipe that one can, until either ends.
func bridge(outer, inner net.Conn) {
	var once sync.Once
	end := func() { once.Do(func() { outer.Close(); inner.Close() }) }
	go func() {
		io.Copy(inner, outer)
		end()
	}()
	io.Copy(hurried{outer}, inner)
	end()
}

// hurried is a connection each write to which must make progress.
type hurried struct{ conn net.Conn }

func (w hurried) Write(b []byte) (int, error) {
	w.conn.SetWriteDeadline(time.Now().Add(bridgeStall))
	return w.conn.Write(b)
}

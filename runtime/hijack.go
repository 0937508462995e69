package runtime

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// ServeHTTP implements [http.Handler]. An upgrade is hijacked and moves to a
// loop; the program sees the request's fields in alphabetical order, since
// net/http does not keep theirs. Anything else is answered as on the server's
// own port: by Config.HTTP, or with a 404; at a route by its program, or with a
// 426 that says what this is.
//
// A TCP connection is moved as it is. One of TLS cannot be: two goroutines copy
// between it and the loop for as long as it lives.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 || !asksUpgrade(r.Header) {
		s.plain.serve(w, r)
		return
	}
	head := synthesize(r)
	var (
		parser wshead.Parser
		limits wshead.Limits
		h      wshead.Head
	)
	_, refusal := parser.Parse(head, &limits, &h)
	if refusal == nil {
		refusal = h.CheckUpgrade()
	}
	route := s.finder.match(r.Host, r.URL.EscapedPath())
	if refusal == nil && len(r.TransferEncoding) > 0 {
		refusal = wshead.BodyOnUpgrade // net/http has taken that field out of the head
	}
	if refusal == nil && s.isClosed() {
		refusal = wshead.ShuttingDown
	}
	if refusal == nil && route == nil {
		if s.plain.handler != nil {
			s.plain.handler.ServeHTTP(w, r)
			return
		}
		refusal = wshead.NotFound
	}
	if refusal == nil && route.disabled {
		refusal = wshead.WebSocketOff
	}
	if refusal == nil && !route.allows(r.Header.Get("Origin"), r.Header["Origin"] != nil) {
		refusal = wshead.OriginRefused
	}
	if refusal != nil {
		peer := r.RemoteAddr
		if direct, err := netip.ParseAddrPort(peer); err == nil {
			peer = s.proxies.caller(direct, &h).peer.String()
		}
		s.logger.Info("handshake refused", slog.String("error", refusal.Name),
			slog.Int("status", refusal.Status), slog.String("peer", peer))
		writeRefusal(w, refusal)
		return
	}
	if err := s.hijack(w, r, route, head); err != nil {
		s.logger.Error("cannot take over a connection", slog.String("error", "hijack_failed"), slog.String("detail", err.Error()))
		http.Error(w, "This server cannot switch protocols here.", http.StatusInternalServerError)
	}
}

func asksUpgrade(h http.Header) bool {
	for _, v := range h.Values("Upgrade") {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "websocket") {
				return true
			}
		}
	}
	return false
}

// synthesize writes the request's head again, for a loop to parse.
func synthesize(r *http.Request) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/%d.%d\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.ProtoMajor, r.ProtoMinor, r.Host)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// hijack takes the connection from net/http to the loop of one of the route's
// homes. After an error the response can still be written.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request, route *route, head []byte) error {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("%w: %w", errNotHijackable, err)
	}
	conn.SetDeadline(time.Time{})
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	received := append(head, early...)
	if c, ok := conn.(*readConn); ok {
		received = append(received, c.early...)
		conn = c.Conn
	}
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	fd, err := moveConn(conn)
	if err != nil {
		conn.Close()
		s.logger.Error("cannot take over a connection", slog.String("error", "hijack_failed"), slog.String("detail", err.Error()))
		return nil
	}
	home := route.homeFor(int(s.arrivals.Add(1)) % len(s.shards))
	home.shard.loop.Adopt(fd, peer, received)
	return nil
}

// moveConn returns a descriptor that carries conn's stream from where it stands.
func moveConn(conn net.Conn) (fd int, err error) {
	switch c := conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		fd, err = netpoll.DupSocket(c.(syscall.Conn))
		conn.Close()
		return fd, err
	}
	fd, other, err := netpoll.Pipe()
	if err != nil {
		return -1, err
	}
	go bridge(conn, other)
	return fd, nil
}

// writeRefusal writes through net/http what a loop would have answered.
func writeRefusal(w http.ResponseWriter, r *wshead.Refusal) {
	addLines(w.Header(), r.Fields)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(r.Status)
	fmt.Fprintln(w, r.Text)
}

// Gws is the echo server of github.com/lxzan/gws, set up for speed: handlers run on
// the reading goroutine, UTF-8 is not checked, and nothing is compressed unless asked
// for. Broadcasts are encoded once, by its Broadcaster.
//
// Usage: gws [PORT [deflate]], where 0, the default, takes any free port.
package main

import (
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/lxzan/gws"
)

const messageBytes = 64 << 20 // largest message taken

// An echo answers every message with itself, written from the buffer it was read
// into. Those on /all it tells to all of them.
type echo struct {
	gws.BuiltinEventHandler
	mu      sync.Mutex
	members map[*gws.Conn]bool // Guarded by mu.
}

// isMember reports whether conn came by /all.
func isMember(conn *gws.Conn) bool {
	_, ok := conn.Session().Load("all")
	return ok
}

func authorize(r *http.Request, session gws.SessionStorage) bool {
	if r.URL.Path == "/all" {
		session.Store("all", true)
	}
	return true
}

func (e *echo) OnOpen(conn *gws.Conn) {
	if isMember(conn) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.members[conn] = true
	}
}

func (e *echo) OnClose(conn *gws.Conn, _ error) {
	if isMember(conn) {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.members, conn)
	}
}

func (e *echo) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

func (e *echo) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	if isMember(conn) {
		e.tell(message)
		return
	}
	_ = conn.WriteMessage(message.Opcode, message.Bytes()) // a failure ends the read loop
}

func (e *echo) tell(message *gws.Message) {
	b := gws.NewBroadcaster(message.Opcode, message.Bytes())
	defer b.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	for member := range e.members {
		_ = b.Broadcast(member)
	}
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
	server := gws.NewServer(&echo{members: make(map[*gws.Conn]bool)}, &gws.ServerOption{
		ReadMaxPayloadSize:  messageBytes,
		WriteMaxPayloadSize: messageBytes,
		Authorize:           authorize,
		PermessageDeflate: gws.PermessageDeflate{
			Enabled:   len(os.Args) > 2 && os.Args[2] == "deflate",
			Threshold: 128,
		},
	})
	server.OnError = func(net.Conn, error) {} // a client that left is no news
	log.Fatal(server.RunListener(listener))
}

// Gorilla is the echo server of github.com/gorilla/websocket behind net/http, as its
// own examples write it: one goroutine a connection, ReadMessage and WriteMessage,
// write buffers shared through a pool, broadcasts prepared once.
//
// Usage: gorilla [PORT [deflate]], where 0, the default, takes any free port.
package main

import (
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

// A club is the connections to /all, each of which gets whatever one of them says.
// Whoever writes to a member holds the lock.
type club struct {
	mu      sync.Mutex
	members map[*websocket.Conn]bool // Guarded by mu.
}

func (c *club) join(conn *websocket.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[conn] = true
}

func (c *club) leave(conn *websocket.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, conn)
}

func (c *club) tell(kind int, message []byte) {
	prepared, err := websocket.NewPreparedMessage(kind, message)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for member := range c.members {
		_ = member.WritePreparedMessage(prepared) // a failure ends the member's read loop
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
	upgrader := &websocket.Upgrader{
		WriteBufferPool:   new(sync.Pool),
		EnableCompression: len(os.Args) > 2 && os.Args[2] == "deflate",
	}
	all := &club{members: make(map[*websocket.Conn]bool)}
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(w, r, upgrader, all)
	})))
}

// serve upgrades the request and answers until the client leaves.
func serve(w http.ResponseWriter, r *http.Request, upgrader *websocket.Upgrader, all *club) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer conn.Close()
	isMember := r.URL.Path == "/all"
	if isMember {
		all.join(conn)
		defer all.leave(conn)
	}
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if isMember {
			all.tell(kind, message)
		} else if conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// Coder is the echo server of github.com/coder/websocket behind net/http: one goroutine
// a connection, which reads a message and writes it.
//
// Usage: coder [PORT [deflate]], where 0, the default, takes any free port.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/coder/websocket"
)

const messageBytes = 64 << 20 // largest message taken

// A club is the connections to /all, each of which gets whatever one of them says.
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

func (c *club) tell(ctx context.Context, kind websocket.MessageType, message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for member := range c.members {
		_ = member.Write(ctx, kind, message) // a failure ends the member's read loop
	}
}

func main() {
	log.SetFlags(0)
	port := "0"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	options := &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled}
	if len(os.Args) > 2 && os.Args[2] == "deflate" {
		options.CompressionMode = websocket.CompressionNoContextTakeover
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	all := &club{members: make(map[*websocket.Conn]bool)}
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(w, r, options, all)
	})))
}

// serve upgrades the request and answers until the client leaves.
func serve(w http.ResponseWriter, r *http.Request, options *websocket.AcceptOptions, all *club) {
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(messageBytes)
	isMember := r.URL.Path == "/all"
	if isMember {
		all.join(conn)
		defer all.leave(conn)
	}
	ctx := context.Background()
	for {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if isMember {
			all.tell(ctx, kind, message)
		} else if conn.Write(ctx, kind, message) != nil {
			return
		}
	}
}

// Gorilla is the echo server of github.com/gorilla/websocket behind net/http, as its
// own examples write it: one goroutine a connection, ReadMessage and WriteMessage,
// write buffers shared through a pool.
//
// Usage: gorilla [PORT], where 0, the default, takes any free port.
package main

import (
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

// echo upgrades the request and answers every message with itself until the client leaves.
func echo(upgrader *websocket.Upgrader, w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, message); err != nil {
			return
		}
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
	upgrader := &websocket.Upgrader{WriteBufferPool: new(sync.Pool)}
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		echo(upgrader, w, r)
	})))
}

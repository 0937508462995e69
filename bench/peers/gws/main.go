// Gws is the echo server of github.com/lxzan/gws, set up for speed: handlers run on
// the reading goroutine, UTF-8 is not checked and nothing is compressed.
//
// Usage: gws [PORT], where 0, the default, takes any free port.
package main

import (
	"log"
	"net"
	"os"

	"github.com/lxzan/gws"
)

const messageBytes = 64 << 20 // largest message taken

// echo answers every message with itself, written from the buffer it was read into.
type echo struct{ gws.BuiltinEventHandler }

func (echo) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

func (echo) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = conn.WriteMessage(message.Opcode, message.Bytes()) // a failure ends the read loop
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
	server := gws.NewServer(echo{}, &gws.ServerOption{
		ReadMaxPayloadSize:  messageBytes,
		WriteMaxPayloadSize: messageBytes,
	})
	server.OnError = func(net.Conn, error) {} // a client that left is no news
	log.Fatal(server.RunListener(listener))
}

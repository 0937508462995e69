package wsframe_test

import (
	"fmt"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/netpoll/wsframe"
)

// An echo server without a socket: what came in one read, and what to write.
func Example() {
	received := wire(text("hello"), ping("still there?"), closing(1000, "bye"))

	r := wsframe.NewReader(1 << 20)
	message := make([]byte, 1<<20) // where messages belong, say guest memory
	var reply []byte
	var it wsframe.Item
	for b := received; len(b) > 0; {
		n, err := r.Next(b, &it)
		if err != nil {
			fmt.Println(err)
			return
		}
		b = b[n:]
		switch it.Kind {
		case wsframe.Message:
			if err := r.Copy(message, &it); err != nil {
				fmt.Println(err)
				return
			}
			reply = wsframe.AppendFrame(reply, it.Op, message[:len(it.Payload)])
		case wsframe.Ping:
			reply = wsframe.AppendFrame(reply, ws.OpPong, it.Payload)
		case wsframe.Close:
			reply = wsframe.AppendClose(reply, it.Code, it.Reason)
		}
	}
	fmt.Printf("%q\n", reply)
	// Output: "\x81\x05hello\x8a\fstill there?\x88\x05\x03\xe8bye"
}

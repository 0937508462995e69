package wsdeflate_test

import (
	"fmt"

	"github.com/seed-c6589352/wherry/netpoll/wsdeflate"
)

// A connection's handshake, one message that comes and one that goes.
func Example() {
	offers := func(yield func([]byte) bool) { // wshead.Head.Extensions
		yield([]byte("permessage-deflate; client_max_window_bits"))
	}
	config := wsdeflate.Config{MinBytes: 16}
	params, ok := wsdeflate.Negotiate(offers, config)
	if !ok {
		return // no compression, then
	}
	fmt.Printf("Sec-WebSocket-Extensions: %s\n", params.Append(nil))

	var inflater wsdeflate.Inflater // the loop's
	memory := make([]byte, 64<<10)  // the loop's, too
	payload := []byte("\xf2H\xcd\xc9\xc9\x07\x00")
	inflater.Start(params.InflateWindow(), len(memory), true)
	_, at, err := inflater.Inflate(memory, payload, true)
	fmt.Printf("%q %v %v\n", memory[:inflater.Size()], at == wsdeflate.Done, err)

	deflater := wsdeflate.NewDeflater(config) // the loop's
	answer := []byte("to and fro, to and fro, to and fro")
	wire, compressed := deflater.Append(nil, answer, params, params.DeflateWindow())
	fmt.Println(len(answer), "bytes become", len(wire), compressed)
	// Output:
	// Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover
	// "Hello" true <nil>
	// 34 bytes become 16 true
}

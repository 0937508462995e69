// Command guest is what the tests of the SDK run: an echo, a report of how much was
// allocated, and a bug.
package main

import (
	"runtime"
	"strconv"

	wherry "github.com/seed-c6589352/wherry/guests/sdk/go"
)

func init() {
	wherry.Register("/echo", wherry.Endpoint{
		Encoding:  wherry.Bytes,
		OnReceive: func(c *wherry.Conn, m wherry.Message) error { return c.SendBytes(m.Bytes()) },
	})
	wherry.Register("/mallocs", wherry.Endpoint{OnReceive: func(c *wherry.Conn, _ wherry.Message) error {
		runtime.ReadMemStats(&stats)
		return c.SendText(strconv.FormatUint(stats.Mallocs, 10))
	}})
	wherry.Register("/heap", wherry.Endpoint{OnReceive: func(c *wherry.Conn, _ wherry.Message) error {
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return c.SendText(strconv.FormatUint(stats.HeapAlloc, 10))
	}})
	wherry.Register("/bug", wherry.Endpoint{OnReceive: func(*wherry.Conn, wherry.Message) error { return findTheBug(nil) }})
}

func main() {}

// stats is large, and not to be allocated.
var stats runtime.MemStats

//go:noinline
func findTheBug(list []int) error { panic("the list has " + strconv.Itoa(len(list)) + " entries") }

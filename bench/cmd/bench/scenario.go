//go:build linux

package main

// A scenario is one shape of load.
type scenario struct {
	Name  string `json:"name"`
	Conns int    `json:"conns"`
	Size  int    `json:"size"`  // payload bytes of a message
	Depth int    `json:"depth"` // messages in flight on each connection
}

func scenarios() []scenario {
	return []scenario{
		{"pp64", 1, 64, 1},
		{"c100", 100, 64, 1},
		{"c1000", 1000, 128, 1},
		{"d16", 100, 128, 16},
		{"4K", 100, 4 << 10, 1},
		{"64K", 16, 64 << 10, 1},
		{"1M", 4, 1 << 20, 1},
	}
}

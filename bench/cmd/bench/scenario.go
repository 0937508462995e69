//go:build linux

package main

import "github.com/seed-c6589352/wherry/bench/internal/loadgen"

// A scenario is one shape of load, and what of it is the figure.
type scenario struct {
	Name   string       `json:"name"`
	About  string       `json:"about"`
	Figure string       `json:"figure"` // a name of figures
	Work   loadgen.Work `json:"work"`

	Conns   int  `json:"conns"`
	Few     int  `json:"few,omitempty"`     // of idle: connections at the first look
	Sources int  `json:"sources,omitempty"` // addresses that connections come from; 0: as many as it takes
	Size    int  `json:"size"`              // payload bytes of a message
	Depth   int  `json:"depth,omitempty"`   // messages in flight on each connection, or publications; 0 is 1
	Rate    int  `json:"rate,omitempty"`    // of an open loop: messages a second
	Tenants int  `json:"tenants,omitempty"` // instances that connections are spread over; 0: the peer's only one
	Loops   int  `json:"loops,omitempty"`   // and cores of the server, and as many load generators; 0 is 1
	Deflate bool `json:"deflate,omitempty"`
	Noises  int  `json:"noises,omitempty"` // connections that keep an endless guest busy
}

// A figure is what a scenario is there to show of a measurement.
type figure struct {
	name string
	unit string // in tables and charts
	more bool   // is better; otherwise less is
	of   func(loadgen.Result) float64
}

func figures() []figure {
	cpu := func(r loadgen.Result) float64 { return r.ServerCPUNanos }
	return []figure{
		{"cpu", "ns of server CPU for each message", false, cpu},
		{"cpu-delivery", "ns of server CPU for each delivery", false, cpu},
		{"cpu-conn", "ns of server CPU for each connection", false, cpu},
		{"rss", "bytes of server memory for each connection", false, func(r loadgen.Result) float64 { return r.RSSBytesPerConn }},
		{"p99", "µs, 99th percentile of latency", false, func(r loadgen.Result) float64 { return r.Latency.P99 }},
		{"rate", "messages a second", true, func(r loadgen.Result) float64 { return r.PerSecond }},
	}
}

// scenarios are all that can be measured, in the order of reports.
func scenarios() []scenario {
	return []scenario{
		{Name: "pp64", Figure: "cpu", Work: loadgen.Echo, Conns: 1, Size: 64, About: "one connection, 64 B, one message in flight"},
		{Name: "c100", Figure: "cpu", Work: loadgen.Echo, Conns: 100, Size: 64, About: "100 connections, 64 B"},
		{Name: "c1000", Figure: "cpu", Work: loadgen.Echo, Conns: 1000, Size: 128, About: "1000 connections, 128 B"},
		{Name: "d16", Figure: "cpu", Work: loadgen.Echo, Conns: 100, Size: 128, Depth: 16, About: "100 connections, 128 B, 16 messages in flight on each"},
		{Name: "4K", Figure: "cpu", Work: loadgen.Echo, Conns: 100, Size: 4 << 10, About: "100 connections, 4 KiB"},
		{Name: "64K", Figure: "cpu", Work: loadgen.Echo, Conns: 16, Size: 64 << 10, About: "16 connections, 64 KiB"},
		{Name: "1M", Figure: "cpu", Work: loadgen.Echo, Conns: 4, Size: 1 << 20, About: "4 connections, 1 MiB"},
		{Name: "open", Figure: "p99", Work: loadgen.Open, Conns: 100, Size: 64, Rate: 10_000, About: "10 000 messages a second on 100 connections, whatever comes back; latency from when each was due"},
		{Name: "conn", Figure: "cpu-conn", Work: loadgen.Churn, Conns: 32, About: "connect, handshake and reset, 32 at a time"},
		{Name: "idle", Figure: "rss", Work: loadgen.Idle, Conns: 15_000, Few: 2_000, Sources: 4, About: "connections that exchanged one message, from four addresses; what each adds between 2 000 and 15 000"},
		{Name: "bc64", Figure: "cpu-delivery", Work: loadgen.Broadcast, Conns: 1000, Size: 64, About: "64 B to 1000 receivers"},
		{Name: "bc1k", Figure: "cpu-delivery", Work: loadgen.Broadcast, Conns: 1000, Size: 1 << 10, About: "1 KiB to 1000 receivers"},
		{Name: "burst", Figure: "cpu-delivery", Work: loadgen.Broadcast, Conns: 1000, Size: 64, Depth: 16, About: "16 messages of 64 B at once to 1000 receivers"},
		{Name: "deflate", Figure: "cpu", Work: loadgen.Echo, Conns: 100, Size: 1 << 10, Deflate: true, About: "100 connections, 1 KiB of JSON, permessage-deflate without context takeover"},
		{Name: "t1", Figure: "cpu", Work: loadgen.Echo, Conns: 1000, Size: 64, Tenants: 1, About: "1000 connections, 64 B, to one tenant"},
		{Name: "t64", Figure: "cpu", Work: loadgen.Echo, Conns: 1000, Size: 64, Tenants: 64, About: "the same to 64 tenants in turn"},
		{Name: "t1000", Figure: "cpu", Work: loadgen.Echo, Conns: 1000, Size: 64, Tenants: 1000, About: "the same to 1000 tenants: one event for each instance"},
		{Name: "t4000", Figure: "cpu", Work: loadgen.Echo, Conns: 4000, Size: 64, Tenants: 4000, About: "4000 connections to 4000 tenants"},
		{Name: "quiet", Figure: "p99", Work: loadgen.Open, Conns: 50, Size: 64, Rate: 5_000, Tenants: 1, About: "5 000 messages a second to one tenant, alone"},
		{Name: "noisy", Figure: "p99", Work: loadgen.Open, Conns: 50, Size: 64, Rate: 5_000, Tenants: 1, Noises: 4, About: "the same beside a tenant whose guest never comes back from a message, which four connections send over and over"},
		{Name: "loops1", Figure: "rate", Work: loadgen.Echo, Conns: 200, Size: 64, Loops: 1, About: "throughput of 200 connections on one core"},
		{Name: "loops2", Figure: "rate", Work: loadgen.Echo, Conns: 200, Size: 64, Loops: 2, About: "of 200 for each of two cores"},
		{Name: "loops4", Figure: "rate", Work: loadgen.Echo, Conns: 200, Size: 64, Loops: 4, About: "of 200 for each of four"},
		{Name: "loops8", Figure: "rate", Work: loadgen.Echo, Conns: 200, Size: 64, Loops: 8, About: "of 200 for each of eight"},
	}
}

// An ability is what a scenario needs of a peer beside echoing.
type ability int

const (
	broadcasts ability = 1 << iota
	deflates
	hosts  // many tenants, and guests that are not to be trusted
	scales // to more than one core

)

// needs is what a peer must be able to for s.
func (s *scenario) needs() (a ability) {
	for need, is := range map[ability]bool{
		broadcasts: s.Work == loadgen.Broadcast,
		deflates:   s.Deflate,
		hosts:      s.Tenants > 0,
		scales:     s.Loops > 0,
	} {
		if is {
			a |= need
		}
	}
	return a
}

// loops is how many cores the server gets.
func (s *scenario) loops() int { return max(s.Loops, 1) }

// figure is what s is there to show. Every scenario names one that there is.
func (s *scenario) figure() figure {
	for _, f := range figures() {
		if f.name == s.Figure {
			return f
		}
	}
	panic("bench: no figure is called " + s.Figure)
}

// quick is s with a tenth of what takes long.
func (s scenario) quick() scenario {
	if s.Work == loadgen.Idle {
		s.Few, s.Conns = s.Few/10, s.Conns/10
	}
	return s
}

package conformance_test

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/internal/conformance"
	"github.com/seed-c6589352/wherry/runtime"
)

const largestMessage = 16 << 20 // bytes

// long reports whether exchanges have the sizes of the Autobahn suite and more of
// its counts; otherwise they are a sample that takes seconds.
func long() bool { return os.Getenv("WHERRY_LONG") != "" }

// ifLong returns n, or what is enough for everyday.
func ifLong(n, otherwise int) int {
	if long() {
		return n
	}
	return otherwise
}

// An exchangeJob is an exchange, the section that it stands for, and where it goes.
type exchangeJob struct {
	section, path string
	alone         bool // it is large
	conformance.Exchange
}

// TestExchanges plays sections 9, 10, 12 and 13 against an echo guest.
func TestExchanges(t *testing.T) {
	routes := map[string]*runtime.Deflate{
		"/ws":       nil,
		"/forget":   {Level: runtime.DeflateFastest},
		"/takeover": {ServerContextTakeover: true, ClientContextTakeover: true, Level: runtime.DeflateBalanced},
		"/small":    {ServerContextTakeover: true, ClientContextTakeover: true, ServerWindowBits: 9, ClientWindowBits: 10, Level: runtime.DeflateSmallest, MinBytes: 1},
	}
	config := runtime.Config{
		Loops:   2, // so that connections move
		Tenants: []runtime.Tenant{{Name: "echo", Module: guests.Echo(), Limits: runtime.Limits{MessageBytes: largestMessage}}},
		Logger:  slog.New(slog.DiscardHandler),
	}
	for path, deflate := range routes {
		config.Routes = append(config.Routes, runtime.Route{Pattern: path, Tenant: "echo", Deflate: deflate})
	}
	server, addr := serve(t, config)
	var messages, compressed atomic.Int64
	var jobs []*job
	for _, e := range append(largeExchanges(), append(fragmentedExchanges(), deflateExchanges()...)...) {
		jobs = append(jobs, &job{id: e.String(), delivery: e.section, alone: e.alone, play: func() (bool, error) {
			n, small, err := e.Play(addr, e.path)
			messages.Add(int64(n))
			compressed.Add(int64(small))
			if err == nil && small == 0 && e.Offer != "" && e.Kind != conformance.Noise && slices.Max(e.Sizes) >= 1024 {
				err = errors.New("nothing came back compressed")
			}
			return false, err
		}})
	}
	playAll(jobs)
	judge(t, jobs, nil)
	t.Logf("%d messages came back, %d of them compressed", messages.Load(), compressed.Load())
	logStats(t, server)
}

// largeExchanges is section 9: limits and performance.
func largeExchanges() (all []exchangeJob) {
	for op, kind := range map[ws.OpCode]conformance.Payload{ws.OpText: conformance.Greek, ws.OpBinary: conformance.Noise} {
		add := func(section string, e conformance.Exchange) {
			e.Op, e.Kind = op, kind
			e.Count = max(e.Count, 1)
			all = append(all, exchangeJob{section, "/ws", true, e})
		}
		for _, size := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, largestMessage} {
			add("large, whole (9.1, 9.2)", conformance.Exchange{Sizes: []int{size}})
		}
		// The smallest frames make as many as a message may have.
		for frame := 64; frame <= 4<<20; frame *= 4 {
			add("large, in frames (9.3, 9.4)", conformance.Exchange{Sizes: []int{4 << 20}, Frame: frame})
		}
		for chop := 64; chop <= 2048; chop *= 2 {
			add("chopped (9.5, 9.6)", conformance.Exchange{Sizes: []int{ifLong(1<<20, 64<<10)}, Chop: chop})
		}
		for _, size := range []int{0, 16, 64, 256, 1024, 4096} {
			add("many (9.7, 9.8)", conformance.Exchange{Sizes: []int{size}, Count: ifLong(1000, 50)})
		}
	}
	return all
}

// fragmentedExchanges is section 10: frames of whatever size is at hand.
func fragmentedExchanges() (all []exchangeJob) {
	for op, kind := range map[ws.OpCode]conformance.Payload{ws.OpText: conformance.Greek, ws.OpBinary: conformance.Noise} {
		for _, frame := range []int{1, 125, 126, 1300, 4096, 65535, 65536} {
			all = append(all, exchangeJob{"fragmented (10)", "/ws", false, conformance.Exchange{Op: op, Kind: kind, Sizes: []int{65536}, Count: 1, Frame: frame}})
		}
	}
	return all
}

// deflateExchanges is sections 12, what is compressed, and 13, what is agreed on.
func deflateExchanges() (all []exchangeJob) {
	for op, kinds := range map[ws.OpCode][]conformance.Payload{
		ws.OpText:   {conformance.JSON, conformance.Greek},
		ws.OpBinary: {conformance.Image, conformance.Noise},
	} {
		for _, kind := range kinds {
			for size := 16; size <= 128<<10; size *= 2 {
				all = append(all, exchangeJob{"compressed (12)", "/takeover", false, conformance.Exchange{
					Op: op, Kind: kind, Sizes: []int{size}, Count: ifLong(50, 3), Offer: "permessage-deflate; client_max_window_bits"}})
			}
			for _, frame := range []int{256, 1024, 4096, 32768} {
				all = append(all, exchangeJob{"compressed, in frames (12)", "/takeover", false, conformance.Exchange{
					Op: op, Kind: kind, Sizes: []int{128 << 10}, Count: ifLong(50, 3), Frame: frame, Offer: "permessage-deflate"}})
			}
		}
	}
	sizes := []int{16, 300, 3000}
	if long() {
		sizes = []int{16, 64, 256, 1024, 4096, 8192, 32768, 131072}
	}
	for _, offer := range offers() {
		for _, path := range []string{"/forget", "/takeover", "/small"} {
			all = append(all, exchangeJob{"parameters (13)", path, false, conformance.Exchange{
				Op: ws.OpText, Kind: conformance.JSON, Sizes: sizes, Count: 2, Frame: 1000, Offer: offer}})
		}
	}
	return all
}

// offers returns what a client can offer: every parameter, alone and with every
// other, and section 13.7, where a client has second and third choices.
func offers() (all []string) {
	for _, serverTakeover := range []string{"", "; server_no_context_takeover"} {
		for _, clientTakeover := range []string{"", "; client_no_context_takeover"} {
			for _, serverBits := range []string{"", "; server_max_window_bits=8", "; server_max_window_bits=9", "; server_max_window_bits=15"} {
				for _, clientBits := range []string{"", "; client_max_window_bits", "; client_max_window_bits=9", "; client_max_window_bits=15"} {
					all = append(all, "permessage-deflate"+serverTakeover+clientTakeover+serverBits+clientBits)
				}
			}
		}
	}
	return append(all, strings.Join([]string{
		"permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
		"permessage-deflate; server_no_context_takeover", "permessage-deflate",
	}, ", "))
}

//go:build unix

package runtime

import (
	"context"
	"log/slog"
	"testing"

	"github.com/gobwas/ws"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/guests"
)

// onLoop calls f on the loop of a server with the echo guest and one connection, with
// the guest's home and the connection's handle.
func onLoop(b *testing.B, f func(h *home, g *guest, conn uint64)) {
	b.Helper()
	srv, err := New(Config{
		Loops:   1,
		Logger:  slog.New(slog.DiscardHandler),
		Tenants: []Tenant{{Name: "echo", Module: guests.Echo()}},
		Routes:  []Route{{Pattern: "/", Tenant: "echo"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Shutdown(context.Background())
	addr, err := srv.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	conn, _, _, err := ws.Dial(b.Context(), "ws://"+addr.String()+"/")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	done := make(chan struct{})
	posted := srv.shards[0].loop.Post(func() {
		defer close(done)
		for _, h := range srv.shards[0].homes {
			if g, ok := h.program.(*guest); ok {
				f(h, g, uint64(makeHandle(0, h.sessions.at(0).generation, h.sessions.tag)))
				return
			}
		}
		b.Error("no home has a guest")
	})
	if !posted {
		b.Fatal("the loop has ended")
	}
	<-done
}

// BenchmarkApply is what a command costs without its output: to be looked at, checked
// and carried out.
func BenchmarkApply(b *testing.B) {
	for _, tc := range []struct {
		name   string
		record abi.Record
		data   string
		want   abi.Status
	}{
		{"command=subscribe", abi.Record{Kind: abi.Subscribe}, "lobby", abi.OK},
		{"command=attach", abi.Record{Kind: abi.Attach}, "a name", abi.OK},
		{"command=publish-to-nobody", abi.Record{Kind: abi.Publish, Code: 5}, "lobbyhello", abi.OK},
		{"command=unknown", abi.Record{Kind: 31}, "", abi.Unsupported},
		{"command=foreign-handle", abi.Record{Kind: abi.Message, Conn: 1 << 40}, "", abi.Denied},
	} {
		b.Run(tc.name, func(b *testing.B) {
			onLoop(b, func(h *home, g *guest, conn uint64) {
				const at = 64 // of the guest's stack, of which it uses nothing between turns
				place, ok := g.in.View(at, uint32(len(tc.data)))
				if !ok {
					b.Error("the guest has no memory")
					return
				}
				copy(place, tc.data)
				r := tc.record
				r.Data, r.Len = at, uint32(len(tc.data))
				if r.Conn == 0 && r.Kind != abi.Publish {
					r.Conn = conn
				}
				b.ReportAllocs()
				for b.Loop() {
					h.shard.cost = 0
					if status := h.apply(g, &r); status != tc.want {
						b.Errorf("status %v, want %v", status, tc.want)
						return
					}
				}
			})
		})
	}
}

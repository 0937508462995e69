package runtime

import (
	"context"
	"time"

	"github.com/gobwas/ws"
)

// statusRestart is the close code of the IANA registry for a server that will be
// back.
const statusRestart ws.StatusCode = 1012

// drainReasons are the codes that a server can close all connections with, and
// what it says with them. Never changed.
var drainReasons = map[ws.StatusCode]string{
	ws.StatusGoingAway: "server is shutting down",
	statusRestart:      "server is restarting",
}

// drainStep is how often a part of the open connections is closed.
const drainStep = 100 * time.Millisecond

// drain closes open connections, spread evenly over the server's window: so many
// clients that come back at the same time would be another server's trouble.
// Whoever comes meanwhile is refused with 503. The programs that want to know are
// told first. It returns when the window is over,
// nobody is left, or ctx is done.
func (s *Server) drain(ctx context.Context) {
	for _, shard := range s.shards {
		shard.loop.Post(func() {
			shard.draining = true
			shard.stop()
			if s.drainWindow > 0 {
				shard.loop.StartDrain(s.drainCode, drainReasons[s.drainCode])
			}
		})
	}
	if s.drainWindow == 0 {
		return
	}
	parts := int(max(s.drainWindow/drainStep, 1))
	step := time.NewTicker(s.drainWindow / time.Duration(parts))
	defer step.Stop()
	for part := 1; part <= parts && s.conns.Load() > 0; part++ {
		for _, shard := range s.shards {
			shard.loop.Post(func() {
				shard.loop.DrainPart(part, parts, s.drainCode, drainReasons[s.drainCode])
			})
		}
		select {
		case <-step.C:
		case <-ctx.Done():
			return
		}
	}
}

package runtime

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/netpoll"
	"github.com/seed-c6589352/wherry/wasmhost"
)

// A logQueue hands records to another handler on a goroutine of its own: a loop
// must not wait for a disk, nor for whoever does not read our standard error. If
// it is full, records are dropped, and a line says how many as soon as one gets
// through.
type logQueue struct {
	to    slog.Handler
	lines *logSpool
}

type logSpool struct {
	queue   chan logLine
	ended   chan struct{}
	dropped atomic.Int64
	written sync.WaitGroup
}

type logLine struct {
	to     slog.Handler
	record slog.Record
}

// logQueueLines is how many records may wait.
const logQueueLines = 4096

// newLogQueue returns a handler that queues for to. End ends it.
func newLogQueue(to slog.Handler) *logQueue {
	q := &logQueue{to: to, lines: &logSpool{queue: make(chan logLine, logQueueLines), ended: make(chan struct{})}}
	q.lines.written.Go(func() { q.lines.write(to) })
	return q
}

// write hands over what is queued until the queue has ended and is empty.
func (l *logSpool) write(to slog.Handler) {
	for {
		select {
		case line := <-l.queue:
			l.writeLine(to, line)
			continue
		case <-l.ended:
		}
		for {
			select {
			case line := <-l.queue:
				l.writeLine(to, line)
				continue
			default:
			}
			return
		}
	}
}

func (l *logSpool) writeLine(to slog.Handler, line logLine) {
	if n := l.dropped.Swap(0); n > 0 {
		lost := slog.NewRecord(line.record.Time, slog.LevelWarn, "log lines were dropped", 0)
		lost.AddAttrs(slog.String("error", "log_overflow"), slog.Int64("dropped", n))
		to.Handle(context.Background(), lost)
	}
	line.to.Handle(context.Background(), line.record)
}

// end writes what is queued. What is logged after it is lost. No queue has nothing.
func (q *logQueue) end() {
	if q == nil {
		return
	}
	close(q.lines.ended)
	q.lines.written.Wait()
}

// Enabled implements [slog.Handler].
func (q *logQueue) Enabled(ctx context.Context, level slog.Level) bool {
	return q.to.Enabled(ctx, level)
}

// Handle implements [slog.Handler]. It does not block.
func (q *logQueue) Handle(_ context.Context, r slog.Record) error {
	select {
	case q.lines.queue <- logLine{q.to, r.Clone()}:
	default:
		q.lines.dropped.Add(1)
	}
	return nil
}

// WithAttrs implements [slog.Handler].
func (q *logQueue) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logQueue{q.to.WithAttrs(attrs), q.lines}
}

// WithGroup implements [slog.Handler].
func (q *logQueue) WithGroup(name string) slog.Handler {
	return &logQueue{q.to.WithGroup(name), q.lines}
}

// logEnd writes the one access line of a connection that a program was to serve.
// However it ended, that is no error of the server's.
func (h *home) logEnd(c *netpoll.Conn, s *session, e *netpoll.End) {
	logger := h.shard.server.logger
	if !logger.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	received, sent := c.Traffic()
	status := e.Status
	if e.Opened {
		status = 101
	}
	attrs := []slog.Attr{
		slog.String("peer", c.Peer().String()),
		slog.String("route", h.shard.server.routes[s.route].pattern.text),
		slog.String("tenant", h.tenant.name),
		slog.Int("status", status),
		slog.Int("code", int(e.Code)),
		slog.String("reason", string(e.Reason)),
		slog.String("by", causeName(e.Cause)),
		slog.Bool("clean", e.Clean),
		slog.Uint64("received", received),
		slog.Uint64("sent", sent),
		slog.Duration("duration", c.Age()),
	}
	if s.extra != nil && s.extra.drops.all > 0 {
		attrs = append(attrs, slog.Uint64("dropped", s.extra.drops.all))
	}
	logger.LogAttrs(context.Background(), slog.LevelInfo, "connection", attrs...)
}

func causeName(c netpoll.Cause) string {
	switch c {
	case netpoll.ByPeer:
		return "peer"
	case netpoll.ByHandler:
		return "guest"
	}
	return "host"
}

// logTrap writes down that a program has ended, at an event of which kind and,
// where it is a guest, with its stack; and counts it.
func (h *home) logTrap(err error, at abi.Kind) {
	reason := "start_failed"
	var trap *wasmhost.TrapError
	switch {
	case errors.As(err, &trap):
		reason = string(trap.Reason)
	case errors.Is(err, errFlooded):
		reason = "fault_flood"
	case errors.Is(err, errPanicked):
		reason = "panic"
	}
	logger := h.shard.server.logger
	logger.Error("guest trapped", slog.String("error", "guest_trapped"),
		slog.String("reason", reason), slog.String("tenant", h.tenant.name), slog.String("module", h.tenant.digest()),
		slog.String("event", eventName(at)), slog.String("detail", err.Error()))
	h.tenant.counters.traps.Add(1)
	h.shard.tell()
	if wait := h.tenant.backoff.trapped(h.shard.clock.Mono); wait > 0 {
		logger.Warn("guest traps too often: new connections are refused for a while",
			slog.String("error", "guest_backoff"), slog.String("tenant", h.tenant.name), slog.Duration("wait", wait))
	}
}

// eventName returns the name of an event's kind, as in SPEC.md.
func eventName(k abi.Kind) string {
	for _, row := range abi.Kinds() {
		if row.Value == uint32(k) && !strings.HasPrefix(row.Doc, "command:") {
			return row.Name
		}
	}
	return "unknown"
}

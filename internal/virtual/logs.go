package virtual

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// A Line is what the guest or the server has logged.
type Line struct {
	Level slog.Level
	Guest bool              // the guest's own, and not the server's about it
	Text  string            // the message
	Attrs map[string]string // of a server's line; "error" is a name of docs/errors.md
}

// String returns the line with its level and attributes, in alphabetical order.
func (l Line) String() string {
	var b strings.Builder
	b.WriteString(strings.ToLower(l.Level.String()) + " " + l.Text)
	var names []string
	for name := range l.Attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString(" " + name + "=" + l.Attrs[name])
	}
	return b.String()
}

// Logs returns what was logged since the world began.
func (w *World) Logs() []Line { return w.logs.copy() }

// A logBook is lines that were logged.
type logBook struct {
	mu    sync.Mutex
	lines []Line // Guarded by mu.
}

func (b *logBook) add(l Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, l)
}

func (b *logBook) copy() []Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// A logHandler writes to a logBook. It implements [slog.Handler].
type logHandler struct {
	book  *logBook
	attrs []slog.Attr
}

func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	l := Line{Level: r.Level, Text: r.Message, Attrs: make(map[string]string)}
	note := func(a slog.Attr) bool {
		l.Attrs[a.Key] = a.Value.String()
		return true
	}
	for _, a := range h.attrs {
		note(a)
	}
	r.Attrs(note)
	if text, ok := l.Attrs["line"]; ok && r.Message == "guest" {
		l.Guest, l.Text, l.Attrs = true, text, nil
	}
	h.book.add(l)
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.book, append(slices.Clip(h.attrs), attrs...)}
}

// WithGroup keeps names as they are: the server has no groups.
func (h *logHandler) WithGroup(string) slog.Handler { return h }

package wsdeflate

// A Window is the last bytes of one direction of a connection: all that context
// takeover carries from one message to the next. It belongs to the connection,
// and grows with what was said, up to the size that was agreed on.
//
// A Window is made by [Params.InflateWindow] or [Params.DeflateWindow].
type Window struct {
	size int    // bytes that it may hold
	buf  []byte // a ring once it holds size bytes; until then next is 0
	next int    // where the ring begins: its oldest byte, and the next to go
}

func newWindow(size int) *Window { return &Window{size: size} }

// Bytes returns how much memory the window takes now, in bytes.
func (w *Window) Bytes() int {
	if w == nil {
		return 0
	}
	return cap(w.buf)
}

// have is how far back from the end of the window there is something, in bytes.
func (w *Window) have() int {
	if w == nil {
		return 0
	}
	return len(w.buf)
}

// Remember puts a message at the end of the window. [Deflater.Append] does so by
// itself; call it for a message that the connection sends compressed though it
// was deflated without its window, as one that many connections share.
func (w *Window) Remember(p []byte) {
	if w == nil {
		return
	}
	p = p[max(len(p)-w.size, 0):]
	w.grow(len(p))
	n := min(len(p), w.size-len(w.buf))
	w.buf = append(w.buf, p[:n]...)
	for p = p[n:]; len(p) > 0; p = p[n:] {
		n = copy(w.buf[w.next:], p)
		w.next = (w.next + n) % w.size
	}
}

// grow makes room for n more bytes, but for no more than the window's size.
func (w *Window) grow(n int) {
	want := min(len(w.buf)+n, w.size)
	if want <= cap(w.buf) {
		return
	}
	// Double, so that copying costs little; never beyond the size, as append may.
	bigger := make([]byte, len(w.buf), min(max(want, 2*cap(w.buf), 256), w.size))
	copy(bigger, w.buf)
	w.buf = bigger
}

// copyFrom copies what begins back bytes before the window's end, at most as
// much as dst holds, and returns how much that was. Back is 1 to have.
func (w *Window) copyFrom(dst []byte, back int) int {
	at := w.next - back
	if at < 0 {
		at += len(w.buf)
	}
	dst = dst[:min(len(dst), back)]
	n := copy(dst, w.buf[at:])
	return n + copy(dst[n:], w.buf)
}

// deflateWindowBytes is how much of what was sent a connection keeps, at most.
const deflateWindowBytes = 4 << 10

// appendTo appends the window's bytes, the oldest first.
func (w *Window) appendTo(dst []byte) []byte {
	return append(append(dst, w.buf[w.next:]...), w.buf[:w.next]...)
}

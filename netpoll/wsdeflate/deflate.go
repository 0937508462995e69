package wsdeflate

import "slices"

// A Deflater deflates messages for any number of connections, one after the
// other: a loop has one. It takes 120 KiB, and 128 KiB more above Fastest.
type Deflater struct {
	minBytes int
	effort   effort
	finder   finder
	block    block
	out      bitWriter
	joined   []byte // a window and the first of the payload behind it
}

// joinedBytes is how much of a payload can match what is in the window. What
// comes later has enough in the payload itself.
const joinedBytes = 16 << 10

// maxDeflateBytes is the largest message that is deflated: positions in it have
// 32 bits.
const maxDeflateBytes = 1 << 30

// NewDeflater returns a Deflater that follows the Level and MinBytes of cfg.
func NewDeflater(cfg Config) *Deflater {
	cfg = cfg.withDefaults()
	d := &Deflater{minBytes: cfg.MinBytes, effort: cfg.Level.effort()}
	d.finder.init(cfg.Level)
	return d
}

// Append appends payload, deflated into one message for a connection that
// agreed on p, and returns true; or leaves dst as it is and returns false if
// payload is small or would not become smaller: it is then sent as it is, in
// frames without RSV1. W is the connection's [Params.DeflateWindow].
//
// Without a window the result fits every connection that agreed on as many
// ServerWindowBits or more, so a published message is deflated once.
//
// Budget: 0 allocations if dst has room for payload and 16 bytes, but for the
// window's growth (TestDeflateBudget).
func (d *Deflater) Append(dst, payload []byte, p Params, w *Window) ([]byte, bool) {
	if len(payload) < d.minBytes || len(payload) > maxDeflateBytes {
		return dst, false
	}
	start := len(dst)
	d.out = bitWriter{buf: dst}
	d.finder.reach = uint32(1) << p.ServerWindowBits
	ok := d.deflate(payload, w, start)
	// An empty stored block ends the message; all of it but its first 3 bits is
	// the tail that is left out (RFC 7692, section 7.2.1).
	d.out.write(0, 3)
	d.out.pad()
	out := d.out.buf
	d.out.buf = nil
	if !ok || len(out)-start >= len(payload) {
		return out[:start], false
	}
	w.Remember(payload)
	return out, true
}

// deflate writes blocks for payload behind the first start bytes of d.out, and
// gives up at the first of them that takes more than it saves so far: what does
// not begin to pay is not going to.
func (d *Deflater) deflate(payload []byte, w *Window, start int) bool {
	done := 0
	if have := w.have(); have > 0 {
		done = min(len(payload), joinedBytes)
		d.joined = append(w.appendTo(d.joined[:0]), payload[:done]...)
		d.finder.begin(len(d.joined))
		d.finder.insert(d.joined, 0, have)
		if !d.writeBlock(d.joined, have, start+done) {
			return false
		}
	}
	d.finder.begin(len(payload))
	d.finder.insert(payload, 0, done)
	for done < len(payload) {
		from := done
		done = min(from+blockBytes, len(payload))
		if !d.writeBlock(payload[:done], from, start+done) {
			return false
		}
	}
	return true
}

// writeBlock writes buf[from:], which may match what is before it, unless that
// makes d.out longer than end.
func (d *Deflater) writeBlock(buf []byte, from, end int) bool {
	d.block.reset()
	if d.effort.depth == 1 {
		d.finder.searchFast(&d.block, buf, from)
	} else {
		d.finder.searchWell(&d.block, buf, from, d.effort)
	}
	return d.block.write(&d.out, buf[from:], end)
}

// A bitWriter appends bits, lowest first.
type bitWriter struct {
	buf   []byte
	bits  uint64 // not yet in buf
	count uint   // of them, less than 8 between calls
}

// write appends the n lowest bits of v, which has no others; n is 32 at most.
func (w *bitWriter) write(v uint32, n uint) {
	w.bits |= uint64(v) << w.count
	for w.count += n; w.count >= 8; w.count -= 8 {
		w.buf = append(w.buf, byte(w.bits))
		w.bits >>= 8
	}
}

// pad fills the last byte up with zeros.
func (w *bitWriter) pad() { w.write(0, -w.count&7) }

// reserve makes room for n more bits and for 8 bytes behind them.
func (w *bitWriter) reserve(n int) { w.buf = slices.Grow(w.buf, n/8+16) }

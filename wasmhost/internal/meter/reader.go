package meter

// A reader takes values off a module, from at to the end of b. Once one was cut
// short or malformed, bad is set and everything reads as zero.
type reader struct {
	b   []byte // the whole module, so that at is a place in it
	at  int
	end int
	bad bool
}

func (r *reader) fail() { r.at, r.bad = r.end, true }

// more reports whether bytes are left. After a failure there are none.
func (r *reader) more() bool { return r.at < r.end }

func (r *reader) byte() byte {
	if r.at >= r.end {
		r.fail()
		return 0
	}
	b := r.b[r.at]
	r.at++
	return b
}

// sub returns a reader of the next n bytes, and skips them.
func (r *reader) sub(n uint32) reader {
	if uint64(n) > uint64(r.end-r.at) {
		r.fail()
		n = 0
	}
	s := reader{b: r.b, at: r.at, end: r.at + int(n), bad: r.bad}
	r.at += int(n)
	return s
}

// bytes returns the next n bytes, a view into the module.
func (r *reader) bytes(n uint32) []byte {
	s := r.sub(n)
	return s.b[s.at:s.end:s.end]
}

// count reads how many items of at least size bytes follow, and fails where
// there is no room for them: nothing is allocated for what is not there.
func (r *reader) count(size int) uint32 {
	n := r.u32()
	if uint64(n)*uint64(size) > uint64(r.end-r.at) {
		r.fail()
		return 0
	}
	return n
}

// u32 reads an unsigned LEB128 of at most 32 bits (5.2.2): five bytes, of which
// the last has four bits.
func (r *reader) u32() uint32 {
	// Nearly all are of one byte.
	if r.at < r.end && r.b[r.at] < 0x80 {
		v := r.b[r.at]
		r.at++
		return uint32(v)
	}
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		if r.bad || shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail()
	return 0
}

// s64 reads a signed LEB128 of at most bits bits: 32, 33 or 64. What is left of
// the last byte has to repeat the sign.
func (r *reader) s64(bits int) int64 {
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		b := r.byte()
		if r.bad {
			break
		}
		v |= int64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if left := bits - shift; left < 7 {
			// The sign and everything above it have to be alike.
			if top := int8(b<<1) >> left; top != 0 && top != -1 {
				break
			}
		}
		if shift+7 < 64 {
			v = v << (64 - shift - 7) >> (64 - shift - 7)
		}
		return v
	}
	r.fail()
	return 0
}

// name reads a string.
func (r *reader) name() []byte { return r.bytes(r.u32()) }

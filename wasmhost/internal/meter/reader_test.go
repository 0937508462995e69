package meter

import "testing"

func read(wire string) reader { return reader{b: []byte(wire), end: len(wire)} }

func TestU32(t *testing.T) {
	for _, tc := range []struct {
		wire string
		want uint32
		ok   bool
	}{
		{"\x00", 0, true},
		{"\x7f", 127, true},
		{"\xe5\x8e\x26", 624485, true},
		{"\x80\x00", 0, true},
		{"\xff\xff\xff\xff\x0f", 1<<32 - 1, true},
		{"\xff\xff\xff\xff\x1f", 0, false},
		{"\x80\x80\x80\x80\x80\x00", 0, false},
	} {
		r := read(tc.wire)
		if got := r.u32(); got != tc.want || r.bad == tc.ok {
			t.Errorf("%x: got %d, bad %v; want %d, %v", tc.wire, got, r.bad, tc.want, !tc.ok)
		}
		for n := range len(tc.wire) {
			r := read(tc.wire[:n])
			if got := r.u32(); got != 0 || !r.bad {
				t.Errorf("%x cut to %d bytes: got %d, bad %v", tc.wire, n, got, r.bad)
			}
		}
	}
}

func TestS64(t *testing.T) {
	for _, tc := range []struct {
		wire string
		bits int
		want int64
		ok   bool
	}{
		{"\x00", 32, 0, true},
		{"\x7f", 32, -1, true},
		{"\x40", 33, -64, true},
		{"\xc0\x00", 32, 64, true},
		{"\xff\x7f", 64, -1, true},
		{"\x80\x80\x80\x80\x78", 32, -1 << 31, true},
		{"\xff\xff\xff\xff\x07", 32, 1<<31 - 1, true},
		{"\xff\xff\xff\xff\x0f", 32, 0, false},
		{"\xff\xff\xff\xff\x0f", 33, 1<<32 - 1, true},
		{"\x80\x80\x80\x80\x70", 33, -1 << 32, true},
		{"\x80\x80\x80\x80\x80\x00", 32, 0, false},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 64, -1 << 63, true},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 64, 1<<63 - 1, true},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 64, 0, false},
	} {
		r := read(tc.wire)
		if got := r.s64(tc.bits); r.bad == tc.ok || tc.ok && got != tc.want {
			t.Errorf("%x of %d bits: got %d, bad %v; want %d, %v", tc.wire, tc.bits, got, r.bad, tc.want, !tc.ok)
		}
		for n := range len(tc.wire) {
			r := read(tc.wire[:n])
			if r.s64(tc.bits); !r.bad {
				t.Errorf("%x cut to %d bytes is a number of %d bits", tc.wire, n, tc.bits)
			}
		}
		if tc.ok {
			r := read(string(appendS64(nil, tc.want)))
			if got := r.s64(tc.bits); got != tc.want || r.bad || r.more() {
				t.Errorf("%d was written as %x", tc.want, r.b)
			}
		}
	}
}

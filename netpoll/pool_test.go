package netpoll

import (
	"testing"
	"unsafe"
)

func TestPoolClasses(t *testing.T) {
	var p pool
	for k := range poolClasses {
		border := poolSmallest << (2 * k)
		for n := border - 1; n <= border+1; n++ {
			want := k
			if n > border {
				want = k + 1
			}
			if got := classOf(n); got != want {
				t.Errorf("classOf(%d) = %d, want %d", n, got, want)
			}
			b := p.get(n)
			if len(b) != 0 || cap(b) < n {
				t.Errorf("get(%d) has %d bytes and room for %d", n, len(b), cap(b))
			}
			p.put(b)
		}
	}
	if got := classOf(0); got != 0 {
		t.Errorf("classOf(0) = %d, want 0", got)
	}
}

func TestPoolIsLastInFirstOut(t *testing.T) {
	var p pool
	a, b := p.get(600), p.get(600)
	p.put(a)
	p.put(b)
	if got := p.get(2048); unsafe.SliceData(got) != unsafe.SliceData(b) {
		t.Error("get does not return what was put last")
	}
	if got := p.get(513); unsafe.SliceData(got) != unsafe.SliceData(a) {
		t.Error("get does not return what was put before")
	}
}

// Whoever gets a buffer may rely on its size, so none that is not of a class
// comes in: not one that append has moved, not a piece of one.
func TestPoolTakesOnlyItsOwn(t *testing.T) {
	var p pool
	for _, b := range [][]byte{nil, {}, make([]byte, 511), make([]byte, 513), make([]byte, 1024), p.get(512)[:0:100]} {
		p.put(b)
	}
	for k, free := range p.free {
		if len(free) > 0 {
			t.Errorf("class %d took a buffer of %d bytes", k, cap(free[0]))
		}
	}
}

func TestPoolRetainsABoundedAmount(t *testing.T) {
	for k := range poolClasses {
		var (
			p    pool
			size = classBytes(k)
			most = max(poolRetain/size, 1)
			bufs [][]byte
		)
		for range min(most, 100) + 1 {
			bufs = append(bufs, p.get(size))
		}
		for _, b := range bufs {
			p.put(b)
		}
		if got := len(p.free[k]); got > most {
			t.Errorf("class %d keeps %d buffers of %d bytes", k, got, size)
		}
	}
}

func TestPoolGrow(t *testing.T) {
	var p pool
	b := append(p.get(10), "hello"...)
	if got := p.grow(b, 512); unsafe.SliceData(got) != unsafe.SliceData(b) {
		t.Error("grow moved a buffer that had room")
	}
	got := p.grow(b, 513)
	if string(got) != "hello" || cap(got) < 513 {
		t.Errorf("grow returned %q with room for %d", got, cap(got))
	}
	if len(p.free[0]) != 1 {
		t.Error("grow did not take the old buffer back")
	}
}

//go:build linux

package loadgen

import (
	"testing"
	"time"
)

func TestBucketsAreOrderedAndTight(t *testing.T) {
	for v := uint64(1); v < 1<<40; v += 1 + v/50 {
		low, next := uint64(lowest(bucket(v))), uint64(lowest(bucket(v)+1))
		if v < low || v >= next || next-low > max(1, low/subBuckets) {
			t.Fatalf("%d falls into [%d, %d)", v, low, next)
		}
	}
}

func TestQuantile(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("empty: got %v, want 0", got)
	}
	for i := range 1000 {
		h.add(time.Duration(i) * time.Microsecond)
	}
	for _, q := range []float64{0, 0.5, 0.99} {
		want := time.Duration(q*1000) * time.Microsecond
		if got := h.quantile(q); got > want || got < want-want/subBuckets {
			t.Errorf("quantile %v: got %v, want %v or up to 1/%d less", q, got, want, subBuckets)
		}
	}
}

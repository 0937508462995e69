//go:build linux

package loadgen

import (
	"math/bits"
	"time"
)

const (
	subBits    = 7 // 128 buckets to each power of two: quantiles are within 1/128
	subBuckets = 1 << subBits
)

// A histogram counts durations in buckets that grow with the value. Its zero value
// is empty.
type histogram struct {
	counts [(64 - subBits) * subBuckets]int64
	total  int64
	most   time.Duration
}

// add counts d, which must not be negative.
func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(d))]++
	h.total++
	h.most = max(h.most, d)
}

// bucket is the identity below subBuckets; above, the power of two and the subBits
// bits behind the leading one.
func bucket(v uint64) int {
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - subBits
	return shift*subBuckets + int(v>>shift)
}

// lowest is the smallest value that falls into bucket b.
func lowest(b int) time.Duration {
	if b < 2*subBuckets {
		return time.Duration(b)
	}
	shift := b/subBuckets - 1
	return time.Duration((b - shift*subBuckets) << shift)
}

// quantile returns the lower edge of the bucket that holds the q-th part (0 to 1) of
// the durations, or 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	left := int64(q * float64(h.total))
	for b, n := range h.counts {
		if left < n {
			return lowest(b)
		}
		left -= n
	}
	return 0
}

// quantiles are those that are reported.
func (h *histogram) quantiles() Quantiles {
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	return Quantiles{
		P50:  micros(h.quantile(0.50)),
		P90:  micros(h.quantile(0.90)),
		P99:  micros(h.quantile(0.99)),
		P999: micros(h.quantile(0.999)),
		Max:  micros(h.most),
	}
}

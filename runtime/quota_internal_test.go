package runtime

import (
	"testing"
	"time"
)

// TestBucket: over any stretch of time no more than its rate and one second's worth
// can be used, and no less, however often it is filled.
func TestBucket(t *testing.T) {
	for _, rate := range []int{1, 3, 100, 999, 1_000_000, 1 << 30} {
		for _, step := range []time.Duration{time.Microsecond, 19_900 * time.Microsecond, time.Second, time.Hour} {
			b := newBucket(rate)
			used, now := int64(0), int64(1)
			const steps = 20_000
			for range steps {
				now += int64(step)
				b.fill(now)
				for n := int64(rate)/100 + 1; !b.empty() && used < 1<<60; {
					b.use(int(n))
					used += n
				}
				if b.empty() == (b.wait() == 0) {
					t.Fatalf("rate %d: empty %v, and a wait of %v", rate, b.empty(), b.wait())
				}
			}
			seconds := (steps * step).Seconds()
			if step > time.Second {
				seconds = steps * (1 + float64(rate/100)/float64(rate)) // it holds one second's worth, and what was overdrawn is paid back
			}
			most := float64(rate) * (seconds + 1.02)
			if got := float64(used); got > most+1 || got < most*0.9-float64(rate)*0.2-1 {
				t.Errorf("rate %d, filled every %v: %v units in %vs, want about %v", rate, step, got, seconds, most)
			}
		}
	}
	if b := newBucket(0); b.empty() || b.wait() != 0 {
		t.Error("without a rate there is a limit")
	}
}

// TestBucketPaysBack: what was overdrawn is paid back with the time that has
// passed, however seldom it is asked.
func TestBucketPaysBack(t *testing.T) {
	second := int64(time.Second)
	for _, tc := range []struct {
		used   int
		after  int64
		level  int64
		filled bool
	}{
		{10_000, 10 * second, 1000, false},
		{10_000, 9*second + second/2, 500, false},
		{10_000, 5 * second, -4000, false},
		{10_000, 1 << 62, 1000, true},
		{0, 3 * second, 1000, true},
	} {
		b := newBucket(1000)
		b.use(tc.used)
		b.fill(tc.after)
		if b.level != tc.level {
			t.Errorf("%d units used, after %v: %d; want %d", tc.used, time.Duration(tc.after), b.level, tc.level)
		}
		if tc.filled && b.at != tc.after {
			t.Errorf("it is filled until %d, want %d", b.at, tc.after)
		}
	}
}

package runtime

import (
	"testing"
	"time"
)

// TestBackoff follows a tenant through a crash loop and out of it.
func TestBackoff(t *testing.T) {
	const second = int64(time.Second)
	var b backoff
	now := second
	for i := range 20 { // slow enough for ever
		if d := b.trapped(now); d != 0 {
			t.Fatalf("trap %d, one in 3 s: back-off of %v", i, d)
		}
		now += 3 * second
	}
	now += 20 * second
	for i := range 4 {
		if d := b.start(now); d != 0 {
			t.Fatalf("instance %d has to wait for %v", i, d)
		}
		if d := b.trapped(now); d != 0 || b.refuses(now) != 0 {
			t.Fatalf("trap %d of the first four: back-off of %v", i, d)
		}
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		b.start(now)
		want *= time.Second
		if d := b.trapped(now); d != want || b.refuses(now) != want {
			t.Fatalf("trap %d of the loop: back-off of %v, refusing for %v, want %v", i, d, b.refuses(now), want)
		}
		if d := b.start(now + second/4); d != 3*time.Second/4 {
			t.Errorf("a quarter of a second after the last, an instance waits for %v", d)
		}
		if now += int64(want); b.refuses(now) != 0 {
			t.Errorf("when it is over, connections are refused for %v", b.refuses(now))
		}
	}
	now += 11 * second // a life without a trap
	b.start(now)
	if d := b.start(now + 1); d != 0 {
		t.Errorf("after the loop an instance waits for %v", d)
	}
	if d := b.trapped(now); d != 0 {
		t.Errorf("the first trap after a loop: back-off of %v", d)
	}

	for range 5 {
		b.trapped(now)
	}
	if b.refuses(now) == 0 {
		t.Fatal("no back-off")
	}
	if b.reset(); b.refuses(now) != 0 || b.start(now) != 0 || b.start(now) != 0 {
		t.Error("a back-off after reset")
	}
}

package conformance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
)

func TestDeliveriesKeepTheBytes(t *testing.T) {
	long := make([]byte, 10000)
	for i := range long {
		long[i] = byte(i)
	}
	for _, b := range [][]byte{{}, {1}, {1, 2}, long[:100], long} {
		for _, own := range []string{"each-split", "chunks:7", "tail-split:4", "split-header"} {
			for _, d := range deliveries("id", own, min(len(b), 100), 1) {
				pieces := d.pieces(b)
				if got := bytes.Join(pieces, nil); !bytes.Equal(got, b) {
					t.Errorf("%s of %d bytes: %d pieces with %d bytes", d.Name, len(b), len(pieces), len(got))
				}
				if len(b) > 0 && slices.ContainsFunc(pieces, func(p []byte) bool { return len(p) == 0 }) {
					t.Errorf("%s of %d bytes has an empty piece", d.Name, len(b))
				}
			}
		}
	}
}

func TestDeliveriesOfACase(t *testing.T) {
	count := func(d Delivery) int { return len(d.pieces(make([]byte, 100))) }
	tests := []struct {
		d    Delivery
		want int
	}{
		{Whole(), 1}, {Bytewise(), 100}, {Chunks(7), 15}, {CutAt(30), 2}, {TailSplit(4), 5},
	}
	for _, tc := range tests {
		if got := count(tc.d); got != tc.want {
			t.Errorf("%s: %d pieces, want %d", tc.d.Name, got, tc.want)
		}
	}
	if got := len(deliveries("id", "each-split", 100, 1)); got != 3+99 {
		t.Errorf("each-split of 100 bytes: %d deliveries, want 102", got)
	}
	if a, b := count(Random(5)), count(Random(5)); a != b {
		t.Errorf("one seed, %d and %d pieces", a, b)
	}
}

// TestHandshakeBytes makes sure that the requests are those that were meant.
func TestHandshakeBytes(t *testing.T) {
	for _, h := range Handshakes(t) {
		if sum := fmt.Sprintf("%x", sha256.Sum256(h.Wire())); sum != h.SHA256 {
			t.Errorf("%s: sum %s, want %s", h.ID, sum, h.SHA256)
		}
	}
}

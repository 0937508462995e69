package runtime

import "testing"

// TestSavedFuel: what events leave of their fuel is there for one that needs more,
// up to what a turn may have, and once.
func TestSavedFuel(t *testing.T) {
	h := &home{tenant: &tenant{limits: Limits{EventFuel: 5, TurnFuel: 30}}, batch: 1}
	for i, tc := range []struct {
		events        int
		spent, budget int64
	}{
		{1, 1, 5},
		{1, 0, 9},
		{2, 4, 19},
		{0, 2, 20}, // a call for none has what one has
		{1, 23, 23},
		{1, 5, 5},
		{3, 0, 15},
		{3, 0, 30},
		{9, 10, 30},
		{1, 31, 25}, // the last event may take it further, and owes nothing for that
		{1, 0, 5},
	} {
		if got := h.budget(tc.events); got != tc.budget {
			t.Fatalf("turn %d: a budget of %d, want %d", i, got, tc.budget)
		}
		h.pace(tc.events, tc.spent)
	}
}

package runtime

import "testing"

// TestSavedFuel: a part of what events leave of their fuel is there for one that needs
// more, up to what a turn may have, and once.
func TestSavedFuel(t *testing.T) {
	h := &home{tenant: &tenant{limits: Limits{EventFuel: 2560, TurnFuel: 8000}}, batch: 1}
	for i, tc := range []struct {
		events        int
		spent, budget int64
	}{
		{1, 0, 2560},
		{1, 256, 2570}, // 10 were saved
		{2, 0, 5139},   // and 9
		{0, 0, 2599},   // a call for none has what one has
		{1, 2569, 2609},
		{1, 2610, 2600}, // the last event may take it further, and owes nothing for that
		{1, 0, 2560},
		{9, 0, 8000},
		{1, 0, 2601},
	} {
		if got := h.budget(tc.events); got != tc.budget {
			t.Fatalf("turn %d: a budget of %d, want %d", i, got, tc.budget)
		}
		h.pace(tc.events, tc.spent)
	}
	for range 1000 {
		h.pace(1, 0)
	}
	if got := h.budget(1); got != 8000 {
		t.Errorf("after many events that did nothing: a budget of %d, want that of a turn", got)
	}
}

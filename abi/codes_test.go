package abi

import (
	"net/http"
	"regexp"
	"testing"
)

// TestCodes wants names that every language can make constants of, and numbers
// that rise.
func TestCodes(t *testing.T) {
	var statuses []Name
	for _, s := range HTTPStatuses() {
		statuses = append(statuses, Name{s.Name, s.Value, s.Phrase})
	}
	for what, tc := range map[string]struct {
		rows        []Name
		first, last uint32
	}{
		"close codes":   {CloseCodes(), 1000, 4999},
		"HTTP statuses": {statuses, 100, 599},
	} {
		seen, before := map[string]bool{}, tc.first-1
		for _, row := range tc.rows {
			if !regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`).MatchString(row.Name) || seen[row.Name] || row.Doc == "" {
				t.Errorf("%s: %+v: no name, a name twice, or no text", what, row)
			}
			if row.Value <= before || row.Value > tc.last {
				t.Errorf("%s: %s is %d, behind %d", what, row.Name, row.Value, before)
			}
			seen[row.Name], before = true, row.Value
		}
	}
}

// TestPhrases compares with the standard library, which keeps some phrases of
// older RFCs.
func TestPhrases(t *testing.T) {
	older := map[uint32]string{
		413: "Request Entity Too Large",
		414: "Request URI Too Long",
		416: "Requested Range Not Satisfiable",
		422: "Unprocessable Entity",
	}
	have := map[uint32]string{}
	for _, s := range HTTPStatuses() {
		have[s.Value] = s.Phrase
	}
	for status := range uint32(1000) {
		phrase, want := have[status], http.StatusText(int(status))
		if older[status] != "" {
			if want != older[status] {
				t.Errorf("%d: the standard library says %q now", status, want)
			}
			continue
		}
		if phrase != want {
			t.Errorf("%d is %q; the standard library has %q", status, phrase, want)
		}
	}
}

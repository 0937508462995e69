package main

import "testing"

func TestEdits(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"loops", "loops", 0}, {"lops", "loops", 1}, {"loopss", "loops", 1},
		{"loobs", "loops", 1}, {"lopos", "loops", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
	} {
		if got := edits(tc.a, tc.b); got != tc.want {
			t.Errorf("edits(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := edits(tc.b, tc.a); got != tc.want {
			t.Errorf("edits(%q, %q) = %d, want %d", tc.b, tc.a, got, tc.want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"listen", "loops", "log", "ping_interval", "ping_timeout"}
	for misspelt, want := range map[string]string{
		"lisen": "listen", "Loops": "loops", "lgo": "log", "ping-timeout": "ping_timeout",
		"pingtimeout": "ping_timeout", "interval": "", "x": "", "": "",
	} {
		if got, ok := nearest(misspelt, words); got != want || ok != (want != "") {
			t.Errorf("nearest(%q) = %q, %v; want %q", misspelt, got, ok, want)
		}
	}
}

package wsframe

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// beginsText reports whether p is UTF-8 or can become UTF-8 with more bytes.
func beginsText(p []byte) bool {
	for n := 0; n < utf8.UTFMax && n <= len(p); n++ {
		tail := p[len(p)-n:]
		if utf8.Valid(p[:len(p)-n]) && (n == 0 || !utf8.FullRune(tail)) {
			return true
		}
	}
	return false
}

// checkText tests s.over against the standard library for p and its prefixes,
// whole and byte by byte.
func checkText(t *testing.T, p []byte) {
	t.Helper()
	s := runeStart
	for i, c := range p {
		s = s.next(c)
		prefix := p[:i+1]
		if got, want := s != runeInvalid, beginsText(prefix); got != want {
			t.Fatalf("%x byte by byte: may go on %v, want %v", prefix, got, want)
		}
		if got, want := s == runeStart, utf8.Valid(prefix); got != want {
			t.Fatalf("%x byte by byte: may end %v, want %v", prefix, got, want)
		}
		if whole := runeStart.over(prefix); whole != s {
			t.Fatalf("%x: state %d whole, %d byte by byte", prefix, whole, s)
		}
	}
}

// TestRuneStates walks every first byte and, behind it, those at which any
// range of RFC 3629 begins or ends.
func TestRuneStates(t *testing.T) {
	edges := []byte{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff}
	for first := range 256 {
		for _, second := range edges {
			for _, third := range edges {
				for _, fourth := range edges {
					checkText(t, []byte{byte(first), second, third, fourth})
				}
			}
		}
	}
}

func TestUnmaskText(t *testing.T) {
	ascii := strings.Repeat("a", textBlockBytes)
	for _, tc := range []struct {
		name string
		text string
	}{
		{"two blocks", ascii + ascii},
		{"character across blocks", ascii[1:] + "λ" + ascii},
		{"character behind a block", ascii + "λ"},
		{"wide character across blocks", ascii[2:] + "\U0001F6A3" + ascii},
		{"only wide", strings.Repeat("\U0001F6A3", textBlockBytes)},
		{"bad byte at the end of a block", ascii[1:] + "\xff" + ascii},
		{"bad byte in the last block", ascii + ascii + "\xff"},
		{"character cut by a block's worth of ASCII", ascii[1:] + "\xce" + ascii},
		{"unfinished", ascii + "\xf0\x9f\x9a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dst := make([]byte, len(tc.text))
			s := unmaskText(dst, []byte(tc.text), 0, runeStart)
			if got, want := s != runeInvalid, beginsText([]byte(tc.text)); got != want {
				t.Errorf("may go on %v, want %v", got, want)
			}
			if got, want := s == runeStart, utf8.ValidString(tc.text); got != want {
				t.Errorf("may end %v, want %v", got, want)
			}
			if s != runeInvalid && string(dst) != tc.text {
				t.Error("the copy differs")
			}
		})
	}
}

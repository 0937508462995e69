package runtime

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestPatternMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, host, path string
		want                string // parameters, or "no"
	}{
		{"/", "", "/", ""},
		{"/", "", "/a", "no"},
		{"/", "", "", "no"},
		{"/", "", "*", "no"},
		{"/a", "", "/a", ""},
		{"/a", "", "/a/", "no"},
		{"/a", "", "/A", "no"},
		{"/a/", "", "/a/", ""},
		{"/a/", "", "/a", "no"},
		{"/a/b", "", "/a/b", ""},
		{"/a/b", "", "/a//b", "no"},
		{"/a/b", "", "/a/%62", ""},
		{"/a/b", "", "/a%2Fb", "no"},
		{"/ä", "", "/%C3%A4", ""},
		{"/a b", "", "/", "refused"},

		{"/{x}", "", "/1", "x=1"},
		{"/{x}", "", "/", "no"},
		{"/{x}", "", "/1/2", "no"},
		{"/{x}", "", "/a%20b", "x=a b"},
		{"/{x}", "", "/a%2Fb", "x=a/b"},
		{"/{x}", "", "/a+b", "x=a+b"},
		{"/{x}", "", "/%", "no"},
		{"/{x}", "", "/%zz", "no"},
		{"/{x}/b/{y}", "", "/1/b/2", "x=1 y=2"},
		{"/{x}/b/{y}", "", "/1/c/2", "no"},
		{"/{Room}", "", "/1", "Room=1"},

		{"/{x...}", "", "/", "x="},
		{"/{x...}", "", "/a/b", "x=a/b"},
		{"/{x...}", "", "/a%2Fb/", "x=a/b/"},
		{"/{x...}", "", "/a/%zz", "no"},
		{"/a/{x...}", "", "/a", "no"},
		{"/a/{x...}", "", "/a/", "x="},
		{"/{x}/{y...}", "", "/1/", "x=1 y="},
		{"/{x}/{y...}", "", "//2", "no"},

		{"example.org/", "example.org", "/", ""},
		{"example.org/", "EXAMPLE.org:8080", "/", ""},
		{"Example.ORG/", "example.org", "/", ""},
		{"example.org/", "example.com", "/", "no"},
		{"example.org/", "", "/", "no"},
		{"example.org/", "sub.example.org", "/", "no"},
		{"/", "[::1]:8080", "/", ""},

		{"", "", "/", "refused"},
		{"a", "", "/", "refused"},
		{"example.org:80/", "", "/", "refused"},
		{"{host}/", "", "/", "refused"},
		{"/{", "", "/", "refused"},
		{"/{}", "", "/", "refused"},
		{"/{...}", "", "/", "refused"},
		{"/{x", "", "/", "refused"},
		{"/x}", "", "/", "refused"},
		{"/a{x}", "", "/", "refused"},
		{"/{x}b", "", "/", "refused"},
		{"/{x-y}", "", "/", "refused"},
		{"/{x}/{x}", "", "/", "refused"},
		{"/{x}/{X}", "", "/", "refused"},
		{"/{x...}/a", "", "/", "refused"},
		{"/a?b", "", "/", "refused"},
		{"/a#b", "", "/", "refused"},
		{"/%61", "", "/", "refused"},
		{"/a\x00", "", "/", "refused"},
	} {
		t.Run(fmt.Sprintf("%s with %s%s", tc.pattern, tc.host, tc.path), func(t *testing.T) {
			p, err := parsePattern(tc.pattern)
			if err != nil {
				if tc.want != "refused" || !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), fmt.Sprintf("%q", tc.pattern)) {
					t.Errorf("%v; want %q", err, tc.want)
				}
				return
			}
			var params []string
			got := "no"
			if p.match(tc.host, tc.path, func(name, value string) { params = append(params, name+"="+value) }) {
				got = strings.Join(params, " ")
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if p.match(tc.host, tc.path, nil) != (got != "no") {
				t.Error("another answer without yield")
			}
		})
	}
}

// TestRoutePrecedence has routes in every order: the most specific one that
// matches always wins.
func TestRoutePrecedence(t *testing.T) {
	patterns := []string{"/{rest...}", "/a/{x}", "/{x}/b", "/a/b", "example.org/{rest...}", "/a/{rest...}"}
	for _, tc := range []struct{ host, path, want string }{
		{"", "/a/b", "/a/b"},
		{"", "/a/c", "/a/{x}"},
		{"", "/c/b", "/{x}/b"},
		{"", "/a/b/c", "/a/{rest...}"},
		{"", "/c", "/{rest...}"},
		{"example.org", "/a/b", "example.org/{rest...}"},
	} {
		permute(patterns, func(patterns []string) {
			var config []Route
			for _, p := range patterns {
				config = append(config, Route{Pattern: p})
			}
			rs, err := newRoutes(config, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := rs.match(tc.host, tc.path); got == nil || got.pattern.text != tc.want {
				t.Fatalf("%s%s: got %v, want %s, with routes %q", tc.host, tc.path, got, tc.want, patterns)
			}
		})
	}
}

// permute calls f with every order of s.
func permute(s []string, f func([]string)) {
	if len(s) < 2 {
		f(s)
		return
	}
	for i := range s {
		rest := slices.Delete(slices.Clone(s), i, i+1)
		permute(rest, func(p []string) { f(append([]string{s[i]}, p...)) })
	}
}

// FuzzPattern: what is parsed matches some path, and nothing panics.
func FuzzPattern(f *testing.F) {
	f.Add("/a/{x}/{y...}", "host", "/a/b/c")
	f.Add("h/{x}", "h:1", "/%20")
	f.Fuzz(func(t *testing.T, text, host, path string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		p.match(host, path, func(_, value string) {})
		var own strings.Builder
		for _, s := range p.segments {
			own.WriteString("/" + url.PathEscape(s.text))
		}
		if !p.match(p.host, own.String(), nil) {
			t.Errorf("%q does not match %q", text, own.String())
		}
	})
}

package runtime

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
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

		{"/{x:str}", "", "/a%2Fb", "x=a/b"},
		{"/{x:str}", "", "/", "no"},
		{"/{x:path}", "", "/a/b", "x=a/b"},
		{"/{x:path}", "", "/", "x="},
		{"/a/{x:path}", "", "/a", "no"},
		{"/{x:int}", "", "/0", "x=0"},
		{"/{x:int}", "", "/007", "x=007"},
		{"/{x:int}", "", "/9223372036854775807", "x=9223372036854775807"},
		{"/{x:int}", "", "/9223372036854775808", "no"},
		{"/{x:int}", "", "/%31%32", "x=12"},
		{"/{x:int}", "", "/", "no"},
		{"/{x:int}", "", "/-1", "no"},
		{"/{x:int}", "", "/+1", "no"},
		{"/{x:int}", "", "/1_0", "no"},
		{"/{x:int}", "", "/1.0", "no"},
		{"/{x:int}", "", "/0x10", "no"},
		{"/{x:int}", "", "/1e3", "no"},
		{"/{x:int}", "", "/١", "no"},
		{"/{x:int}", "", "/1/", "no"},
		{"/{x:int}/b", "", "/1/b", "x=1"},
		{"/{x:float}", "", "/1", "x=1"},
		{"/{x:float}", "", "/1.50", "x=1.50"},
		{"/{x:float}", "", "/1.", "no"},
		{"/{x:float}", "", "/.5", "no"},
		{"/{x:float}", "", "/.", "no"},
		{"/{x:float}", "", "/", "no"},
		{"/{x:float}", "", "/1.2.3", "no"},
		{"/{x:float}", "", "/1,5", "no"},
		{"/{x:float}", "", "/-1.5", "no"},
		{"/{x:float}", "", "/1e5", "no"},
		{"/{x:float}", "", "/inf", "no"},
		{"/{x:uuid}", "", "/123e4567-e89b-12d3-A456-426614174000", "x=123e4567-e89b-12d3-A456-426614174000"},
		{"/{x:uuid}", "", "/123e4567e89b12d3a456426614174000", "x=123e4567e89b12d3a456426614174000"},
		{"/{x:uuid}", "", "/123e4567e89b-12d3a456426614174000", "x=123e4567e89b-12d3a456426614174000"},
		{"/{x:uuid}", "", "/123e4567-e89b-12d3-a456-42661417400", "no"},
		{"/{x:uuid}", "", "/123e4567-e89b-12d3-a456-4266141740000", "no"},
		{"/{x:uuid}", "", "/123e4567--e89b-12d3-a456-426614174000", "no"},
		{"/{x:uuid}", "", "/123e4567-e89b-12d3-a456-426614174000-", "no"},
		{"/{x:uuid}", "", "/123e456-7e89b-12d3-a456-426614174000", "no"},
		{"/{x:uuid}", "", "/{123e4567-e89b-12d3-a456-426614174000}", "no"},
		{"/{x:uuid}", "", "/123g4567-e89b-12d3-a456-426614174000", "no"},
		{"/{x:uuid}", "", "/", "no"},
		{"/info/{a}/{b:int}/{rest:path}", "", "/info/a/1/x", "a=a b=1 rest=x"},
		{"/info/{a}/{b:int}/{rest:path}", "", "/info/a/notint/x", "no"},

		{"/{x:}", "", "/", "refused"},
		{"/{:int}", "", "/", "refused"},
		{"/{x:Int}", "", "/", "refused"},
		{"/{x:int }", "", "/", "refused"},
		{"/{x:bool}", "", "/", "refused"},
		{"/{x:int:int}", "", "/", "refused"},
		{"/{x:int...}", "", "/", "refused"},
		{"/{x:path}/a", "", "/", "refused"},
		{"/{x:int}/{X:float}", "", "/", "refused"},

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
	patterns := []string{"/{rest...}", "/a/{x}", "/{x}/b", "/a/b", "example.org/{rest...}", "/a/{rest...}", "/a/{n:int}"}
	for _, tc := range []struct{ host, path, want string }{
		{"", "/a/b", "/a/b"},
		{"", "/a/c", "/a/{x}"},
		{"", "/c/b", "/{x}/b"},
		{"", "/a/1", "/a/{n:int}"},
		{"", "/a/-1", "/a/{x}"},
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
			if got := find(rs, tc.host, tc.path); got == nil || got.pattern.text != tc.want {
				t.Fatalf("%s%s: got %v, want %s, with routes %q", tc.host, tc.path, got, tc.want, patterns)
			}
		})
	}
}

// find returns the route of a request.
func find(rs routes, host, path string) *route {
	finder := rs.finder()
	return finder.match(host, path)
}

// TestFinder: of many routes the one is found that is the first to match, of all in
// the order of how specific they are.
func TestFinder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(s ...string) string { return s[random.IntN(len(s))] }
	path := func(parts ...string) (p string) {
		for range 1 + random.IntN(3) {
			p += "/" + pick(parts...)
		}
		return p
	}
	matched := 0
	for range 300 {
		var config []Route
		for range random.IntN(20) {
			p := pick("", "", "Example.org", "example.com") + path("a", "b", "", "{x}", "{y:int}")
			p = strings.Replace(p, "{x}", "{first}", 1) // a name is there once
			p = strings.Replace(p, "{y:int}", "{n:int}", 1)
			if random.IntN(4) == 0 {
				p += "/{rest...}"
			}
			if _, err := newRoutes(append(config, Route{Pattern: p}), nil); err == nil {
				config = append(config, Route{Pattern: p})
			}
		}
		rs, err := newRoutes(config, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			host, path := pick("", "EXAMPLE.org:80", "example.com", "other"), path("a", "b", "%61", "%zz", "7", "", "c")
			i := slices.IndexFunc(rs, func(r *route) bool { return r.pattern.match(host, path, nil) })
			var want *route
			if i >= 0 {
				want = rs[i]
				matched++
			}
			if got := find(rs, host, path); got != want {
				t.Fatalf("%s%s: got %v, want %v, of %v", host, path, got, want, config)
			}
		}
	}
	if matched < 1000 {
		t.Errorf("%d requests have a route at all", matched)
	}
}

// BenchmarkFinder finds one route of many.
func BenchmarkFinder(b *testing.B) {
	var config []Route
	for i := range 10_000 {
		config = append(config, Route{Pattern: "/tenant" + strconv.Itoa(i) + "/{room}"})
	}
	rs, err := newRoutes(config, nil)
	if err != nil {
		b.Fatal(err)
	}
	finder := rs.finder()
	b.ReportAllocs()
	for b.Loop() {
		if finder.match("example.org", "/tenant9999/lobby") == nil {
			b.Fatal("no route")
		}
	}
}

// TestConvertorPrecedence: of two parameters in the same place the one that
// matches less wins, whatever their order. Equal ones are the same route.
func TestConvertorPrecedence(t *testing.T) {
	patterns := []string{"/{a...}", "/{b}", "/{c:float}", "/{d:uuid}", "/{e:int}"}
	for _, tc := range []struct{ path, want string }{
		{"/1", "/{e:int}"},
		{"/00000000000000000000000000000001", "/{e:int}"},
		{"/99999999999999999999999999999999", "/{d:uuid}"},
		{"/99999999999999999999", "/{c:float}"},
		{"/1.5", "/{c:float}"},
		{"/1.", "/{b}"},
		{"/1/", "/{a...}"},
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
			if got := find(rs, "", tc.path); got == nil || got.pattern.text != tc.want {
				t.Fatalf("%s: got %v, want %s, with routes %q", tc.path, got, tc.want, patterns)
			}
		})
	}
	for _, same := range [][2]string{{"/{a}", "/{b:str}"}, {"/{a...}", "/{b:path}"}, {"/{a:int}", "/{b:int}"}} {
		if errs := CheckPatterns(same[:]); errs[1] == nil {
			t.Errorf("%q are two routes", same)
		}
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
	f.Add("/{x:int}/{y:uuid}/{z:path}", "", "/1/12345678123412341234123456789abc/")
	f.Fuzz(func(t *testing.T, text, host, path string) {
		p, err := parsePattern(text)
		if err != nil {
			return
		}
		p.match(host, path, func(_, value string) {})
		var own strings.Builder
		for _, s := range p.segments {
			value := s.text
			switch s.kind {
			case convertInt, convertUUID, convertFloat:
				value = "00000000000000000000000000000012"
			}
			own.WriteString("/" + url.PathEscape(value))
		}
		if !p.match(p.host, own.String(), nil) {
			t.Errorf("%q does not match %q", text, own.String())
		}
	})
}

package guesttest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
	"github.com/seed-c6589352/wherry/guests/sdk/go/guesttest"
	"github.com/seed-c6589352/wherry/runtime"
)

// A probe is a test that may fail.
type probe struct {
	testing.TB
	failed string
}

func (p *probe) Helper()                   {}
func (p *probe) Cleanup(f func())          { p.TB.Cleanup(f) }
func (p *probe) Fatalf(s string, _ ...any) { p.fail(s) }
func (p *probe) Fatal(args ...any)         { p.fail("Fatal") }
func (p *probe) fail(s string)             { p.failed = s; panic(p) }

// fails reports whether f fails its test.
func fails(t *testing.T, f func(t testing.TB)) bool {
	return (&probe{TB: t}).fails(f)
}

func (p *probe) fails(f func(t testing.TB)) (failed bool) {
	p.failed = ""
	defer func() {
		if r := recover(); r != nil && r != any(p) {
			panic(r)
		}
		failed = p.failed != ""
	}()
	f(p)
	return false
}

// TestExpectations: each fails where it has to, or the tests above prove nothing.
func TestExpectations(t *testing.T) {
	t.Parallel()
	p := &probe{TB: t}
	h := echo(p, runtime.Limits{})
	talk := func(f func(c *guesttest.Client)) func(testing.TB) {
		return func(testing.TB) { f(h.MustDial("/ws")) }
	}
	for name, tc := range map[string]struct {
		f    func(testing.TB)
		want bool
	}{
		"text":             {talk(func(c *guesttest.Client) { c.SendText("a"); c.ExpectText("a") }), false},
		"another text":     {talk(func(c *guesttest.Client) { c.SendText("a"); c.ExpectText("b") }), true},
		"no text":          {talk(func(c *guesttest.Client) { c.ExpectText("b") }), true},
		"bytes":            {talk(func(c *guesttest.Client) { c.SendBytes([]byte("a")); c.ExpectBytes([]byte("a")) }), false},
		"text for bytes":   {talk(func(c *guesttest.Client) { c.SendText("a"); c.ExpectBytes([]byte("a")) }), true},
		"other bytes":      {talk(func(c *guesttest.Client) { c.SendBytes([]byte("a")); c.ExpectBytes(nil) }), true},
		"json":             {talk(func(c *guesttest.Client) { c.SendText(`{"a":1,"b":[]}`); c.ExpectJSON(`{"b":[],"a":1}`) }), false},
		"other json":       {talk(func(c *guesttest.Client) { c.SendText(`{"a":1}`); c.ExpectJSON(`{"a":2}`) }), true},
		"large numbers":    {talk(func(c *guesttest.Client) { c.SendText(`9007199254740993`); c.ExpectJSON(`9007199254740992`) }), true},
		"no json":          {talk(func(c *guesttest.Client) { c.SendText(`{"a":1} x`); c.ExpectJSON(`{"a":1}`) }), true},
		"not nothing":      {talk(func(c *guesttest.Client) { c.SendText("a"); c.ExpectNothing() }), true},
		"the end":          {talk(func(c *guesttest.Client) { c.Close(1000, "x"); c.ExpectNothing() }), true},
		"close":            {talk(func(c *guesttest.Client) { c.Close(1000, "x"); c.ExpectClose(1000, "x") }), false},
		"another code":     {talk(func(c *guesttest.Client) { c.Close(1000, "x"); c.ExpectClose(1001, "x") }), true},
		"another reason":   {talk(func(c *guesttest.Client) { c.Close(1000, "x"); c.ExpectClose(1000, "y") }), true},
		"text for close":   {talk(func(c *guesttest.Client) { c.SendText("a"); c.ExpectClose(1000, "") }), true},
		"still open":       {talk(func(c *guesttest.Client) { c.ExpectClose(1000, "") }), true},
		"no such path":     {func(t testing.TB) { h.MustDial("/x") }, true},
		"accepted":         {func(t testing.TB) { h.ExpectRefused(404, "/ws") }, true},
		"another status":   {func(t testing.TB) { h.ExpectRefused(403, "/x") }, true},
		"no such line":     {func(t testing.TB) { h.ExpectLog("nonsense") }, true},
		"no response":      {func(t testing.TB) { recorder(t, "request: after 0").Get("/x") }, true},
		"refused module":   {func(t testing.TB) { guesttest.New(t, []byte("x"), guesttest.Config{Routes: []string{"/"}}) }, true},
		"no routes":        {func(t testing.TB) { guesttest.New(t, guests.Echo(), guesttest.Config{}) }, true},
		"nothing to build": {func(t testing.TB) { guesttest.Build(t, t.TempDir()) }, true},
	} {
		if got := p.fails(tc.f); got != tc.want {
			t.Errorf("%s: fails %v, want %v", name, got, tc.want)
		}
	}
}

// TestBuildError: whoever breaks a guest is told by the compiler.
func TestBuildError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module broken\n", "main.go": "package main\n\nfunc main() { nonsense }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if !fails(t, func(t testing.TB) { guesttest.Build(t, dir) }) {
		t.Error("it does not fail")
	}
}

//go:build unix

package main

import (
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// profilesAddr returns the address that p has said it has profiles on.
func (p *process) profilesAddr(t *testing.T) string {
	t.Helper()
	for _, line := range p.lines() {
		if m := regexp.MustCompile(`^wherry: profiles at http://(\S+)/debug/pprof/$`).FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	t.Fatalf("no line says where profiles are: %q", p.lines())
	return ""
}

func TestServeProfiles(t *testing.T) {
	p := serveBinary(t, "--pprof", "127.0.0.1:0", "/ws=echo")
	addr := p.profilesAddr(t)
	for _, tc := range []struct {
		path, want string // in the body
	}{
		{"/debug/pprof/", "goroutine"},
		{"/debug/pprof/cmdline", "serve"},
		{"/debug/pprof/heap?debug=1", "heap profile"},
		{"/debug/pprof/goroutine?debug=2", "netpoll.(*Loop)"},
	} {
		if res, body := get(t, "http://"+addr+tc.path); res.StatusCode != 200 || !strings.Contains(body, tc.want) {
			t.Errorf("%s: status %d, %d bytes without %q", tc.path, res.StatusCode, len(body), tc.want)
		}
	}
	res, body := get(t, "http://"+addr+"/debug/pprof/profile?seconds=1")
	if res.StatusCode != 200 || !strings.HasPrefix(body, "\x1f\x8b") {
		t.Errorf("CPU profile: status %d, begins with %.20q", res.StatusCode, body)
	}
	if res, _ := get(t, "http://"+addr+"/"); res.StatusCode != http.StatusNotFound {
		t.Errorf("GET / of the profiles is %d, want 404", res.StatusCode)
	}

	// It ends with the server.
	p.signal(t, syscall.SIGTERM)
	if state := p.wait(t); state.ExitCode() != 0 {
		t.Errorf("wherry ended with %v: %q", state, p.lines())
	}
}

// What clients connect to has no profiles, with the flag or without.
func TestProfilesAreApart(t *testing.T) {
	for _, args := range [][]string{nil, {"--pprof", "127.0.0.1:0"}} {
		p := serveBinary(t, args...)
		if res, _ := get(t, "http://"+p.addr+"/debug/pprof/"); res.StatusCode != http.StatusNotFound {
			t.Errorf("%q: GET /debug/pprof/ of the server is %d, want 404", args, res.StatusCode)
		}
	}
}

// A page whose own name leads to loopback gets nothing.
func TestProfilesByHost(t *testing.T) {
	p := serveBinary(t, "--pprof", "127.0.0.1:0")
	addr := p.profilesAddr(t)
	for host, want := range map[string]int{
		"localhost:6060":       200,
		"127.0.0.1":            200,
		"[::1]:6060":           200,
		"evil.example":         403,
		"evil.example:6060":    403,
		"127.0.0.1.example:80": 403,
		"192.0.2.1":            403,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/debug/pprof/cmdline", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		client := http.Client{Timeout: patience}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("Host %s: status %d, want %d", host, res.StatusCode, want)
		}
	}
}

// The file says where as well, and the flag wins.
func TestServeConfigProfiles(t *testing.T) {
	file := writeFile(t, "wherry.toml", []byte("pprof = \"127.0.0.2:0\"\n"))
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "127.0.0.2:"},
		{[]string{"--pprof", "127.0.0.1:0"}, "127.0.0.1:"},
	} {
		p := serveBinary(t, append(tc.args, "--config", file)...)
		if addr := p.profilesAddr(t); !strings.HasPrefix(addr, tc.want) {
			t.Errorf("%q: profiles on %s, want %s", tc.args, addr, tc.want)
		}
	}
}

func TestIsLoopbackAddress(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:6060": true, "127.9.9.9:0": true, "[::1]:6060": true, "localhost:6060": true, "[::ffff:127.0.0.1]:1": true,
		"": false, ":6060": false, "127.0.0.1": false, "127.0.0.1:99999": false, "0.0.0.0:6060": false, "[::]:6060": false,
		"192.0.2.1:6060": false, "localhost.example:6060": false, "127.0.0.1:http": false,
	} {
		if got := isLoopbackAddress(address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}

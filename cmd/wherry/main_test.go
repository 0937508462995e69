package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
)

// writeFile returns the path of a new file with these contents.
func writeFile(t *testing.T, name string, contents []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever is wrong is told in one line, which says what to do about it.
func TestBadInput(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().String()
	missing := filepath.Join(t.TempDir(), "missing.wasm")
	text := writeFile(t, "text.wasm", []byte("this is\nno module\n"))
	empty := writeFile(t, "empty.wasm", nil)
	bare := writeFile(t, "bare.wasm", []byte("\x00asm\x01\x00\x00\x00"))

	tests := []struct {
		name   string
		args   []string
		status int
		want   string // all of stderr, but for "wherry: ", as a regular expression
	}{
		{"no command", nil, 2, `no command; "wherry --help" lists them`},
		{"unknown command", []string{"sail"}, 2, `unknown command "sail"; "wherry --help" lists them`},
		{"unknown flag", []string{"serve", "--sail"}, 2, `unknown flag -sail; see "wherry serve --help"`},
		{"unknown flag of inspect", []string{"inspect", "echo", "--sail"}, 2, `unknown flag -sail; see "wherry inspect --help"`},
		{"flag without a value", []string{"serve", "--listen"}, 2, `flag needs an argument: -listen; see "wherry serve --help"`},
		{"loops not a number", []string{"serve", "--loops", "many"}, 2, `invalid value "many" for flag -loops: .*; see "wherry serve --help"`},
		{"loops out of range", []string{"serve", "--loops", "-1"}, 2, `-1 loops; there can be 1 to \d+; see "wherry serve --help"`},
		{"message limit of zero", []string{"serve", "--max-message", "0"}, 2, `largest message of 0 bytes; --max-message can be 1 to \d+`},
		{"message limit too large", []string{"serve", "--max-message", "999999999"}, 2, `largest message of 999999999 bytes; --max-message can be 1 to \d+`},
		{"profiles for everybody", []string{"serve", "--pprof", "0.0.0.0:6060"}, 2, `profiles on "0.0.0.0:6060"; --pprof can be a loopback address, such as 127.0.0.1:6060`},
		{"profiles on any address", []string{"serve", "--pprof", ":6060"}, 2, `profiles on ":6060"; --pprof can be .*`},
		{"profiles nowhere", []string{"serve", "--pprof", ""}, 2, `profiles on ""; --pprof can be .*`},
		{"profiles on a port in use", []string{"serve", "--listen", "127.0.0.1:0", "--pprof", port}, 1, `cannot listen on ` + port + ` for profiles: address already in use; choose another with --pprof`},
		{"log level", []string{"serve", "--log-level", "loud"}, 2, `invalid value "loud" for flag -log-level: it can be debug, info, warn, error; .*`},
		{"log format", []string{"serve", "--log-format", "xml"}, 2, `invalid value "xml" for flag -log-format: it can be text, json; .*`},
		{"address without a port", []string{"serve", "--listen", "localhost"}, 2, `cannot listen on "localhost"; write --listen HOST:PORT`},
		{"port in use", []string{"serve", "--listen", port}, 1, `cannot listen on ` + port + `: address already in use; choose another with --listen`},
		{"port that is none", []string{"serve", "--listen", "127.0.0.1:99999"}, 1, `cannot listen on 127.0.0.1:99999: .*; choose another with --listen`},
		{"not a route", []string{"serve", "echo"}, 2, `"echo" is no ROUTE=MODULE; write it as in /ws=echo`},
		{"route without a module", []string{"serve", "/ws="}, 2, `"/ws=" is no ROUTE=MODULE; write it as in /ws=echo`},
		{"route without a slash", []string{"serve", "ws=echo"}, 2, `route "ws" does not begin with a slash.*; see "wherry serve --help"`},
		{"two routes alike", []string{"serve", "/{a}=echo", "/{b}=chat"}, 2, `routes "/{a}" and "/{b}" match the same requests; remove one; see .*`},
		{"module that is not there", []string{"serve", "/ws=" + missing}, 1, `cannot read module .*missing.wasm: .*; give the path of a .wasm file, or echo or chat`},
		{"module that is text", []string{"serve", "/ws=" + text}, 1, `module .*text.wasm refused: invalid_module: .*; build it as abi/SPEC.md asks.*`},
		{"module that is empty", []string{"serve", "/ws=" + empty}, 1, `module .*empty.wasm refused: invalid_module: .*; build it as abi/SPEC.md asks.*`},
		{"module without exports", []string{"serve", "/ws=" + bare}, 1, `module .*bare.wasm refused: \w+: .*; build it as abi/SPEC.md asks.*`},
		{"inspect of nothing", []string{"inspect"}, 2, `inspect takes one module, not 0; write wherry inspect MODULE`},
		{"inspect of two", []string{"inspect", "echo", "chat"}, 2, `inspect takes one module, not 2; write wherry inspect MODULE`},
		{"inspect of what is not there", []string{"inspect", missing}, 1, `cannot read module .*; give the path of a .wasm file, or echo or chat`},
		{"check of nothing", []string{"check"}, 2, `check takes one file, not 0; write wherry check FILE`},
		{"check with a flag", []string{"check", "--config", "x"}, 2, `unknown flag -config; see "wherry check --help"`},
		{"configuration that is empty", []string{"serve", "--config", ""}, 1, `cannot read configuration : .*; give the path of a TOML file.*`},
		{"version of something", []string{"version", "echo"}, 2, `version takes no argument, but there is "echo"; leave it out`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			status, stdout, stderr := runBinary(t, tc.args...)
			if status != tc.status {
				t.Errorf("exit status %d, want %d", status, tc.status)
			}
			if stdout != "" {
				t.Errorf("stdout has %q", stdout)
			}
			if !regexp.MustCompile(`^wherry: ` + tc.want + `\n$`).MatchString(stderr) {
				t.Errorf("stderr has %q, want %s", stderr, tc.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	tests := []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"serve", "check", "inspect", "version"}},
		{[]string{"help"}, []string{"serve", "check", "inspect", "version"}},
		{[]string{"serve", "--help"}, []string{"ROUTE=MODULE", "--config FILE", "--listen ADDRESS", "127.0.0.1:8080", "--loops", "--max-message", "--pprof ADDRESS", "--log-level", "--log-format"}},
		{[]string{"serve", "/ws=echo", "-h"}, []string{"Usage: wherry serve [flags] [ROUTE=MODULE ...]"}},
		{[]string{"check", "--help"}, []string{"Usage: wherry check FILE"}},
		{[]string{"inspect", "--help"}, []string{"Usage: wherry inspect MODULE"}},
		{[]string{"version", "--help"}, []string{"Usage: wherry version"}},
	}
	for _, tc := range tests {
		status, stdout, stderr := runBinary(t, tc.args...)
		if status != 0 || stderr != "" {
			t.Errorf("%v: exit status %d, stderr %q", tc.args, status, stderr)
		}
		for _, text := range tc.want {
			if !strings.Contains(stdout, text) {
				t.Errorf("%v does not mention %s:\n%s", tc.args, text, stdout)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	status, stdout, _ := runBinary(t, "version")
	if status != 0 || !regexp.MustCompile(`^wherry \S+, go1\.\S+, wazero v1\.\S+\n$`).MatchString(stdout) {
		t.Errorf("exit status %d, stdout %q", status, stdout)
	}
}

func TestInspect(t *testing.T) {
	wat := writeFile(t, "echo-wat.wasm", guests.EchoWAT())
	text := writeFile(t, "text.wasm", []byte("this is\nno module\n"))
	bare := writeFile(t, "bare.wasm", []byte("\x00asm\x01\x00\x00\x00"))
	tests := []struct {
		module string
		status int
		want   []string // regular expressions of lines of stdout
	}{
		{"chat", 0, []string{`ABI version +1`, `imports +wherry_v1\.flush`, `exports +memory`, ` +wherry_v1_turn`, `memory +\d+ to 256 pages of 64 KiB`, `largest message +67108864 bytes, .*`, `admitted +yes`}},
		{wat, 0, []string{`module +.*echo-wat.wasm`, `imports +none`, `largest message +\d+ bytes, which is what its inbox holds`, `admitted +yes`}},
		{text, 1, []string{`size +18 bytes`, `digest +sha256:[0-9a-f]{64}`, `admitted +no`, `rule +invalid_module`, `reason +.+`}},
		{bare, 1, []string{`admitted +no`, `rule +\w+`, `reason +.+`}},
	}
	for _, tc := range tests {
		status, stdout, stderr := runBinary(t, "inspect", tc.module)
		if status != tc.status {
			t.Errorf("%s: exit status %d, want %d", tc.module, status, tc.status)
		}
		for _, line := range tc.want {
			if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(stdout) {
				t.Errorf("%s: no line %q in\n%s", tc.module, line, stdout)
			}
		}
		if lines := strings.Count(stderr, "\n"); lines != tc.status {
			t.Errorf("%s: stderr has %d lines: %q", tc.module, lines, stderr)
		}
	}
}

//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
)

// exampleScript returns the script of docs/testing.md.
func exampleScript(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n```toml\n")
	example, _, ok := strings.Cut(after, "\n```\n")
	if !ok {
		t.Fatal("docs/testing.md has no block of TOML")
	}
	return example + "\n"
}

// The document's example passes, and its tables have every key that there is.
func TestScriptExample(t *testing.T) {
	file := writeFile(t, "chat.toml", []byte(exampleScript(t)))
	status, stdout, stderr := runBinary(t, "test", "chat", file)
	if want := file + ": 19 steps passed\n"; status != 0 || stdout != want || stderr != "" {
		t.Errorf("exit status %d, stdout %q, stderr %q; want 0, %q and nothing", status, stdout, stderr, want)
	}
	text, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	var st step
	for _, a := range st.actions() {
		if !strings.Contains(string(text), "| `"+a.key.name+" = ") {
			t.Errorf("the table of steps has no %s", a.key.name)
		}
	}
	for _, k := range st.besides() {
		if !strings.Contains(string(text), "`"+k.name) {
			t.Errorf("the document does not say what %s is", k.name)
		}
	}
}

// One line for each problem of a script, with its place and what may be meant.
func TestScriptProblems(t *testing.T) {
	for _, tc := range []struct {
		script string
		want   []string // behind the name of the file
	}{
		{"", []string{`: the file has no routes`, `: the file has no step`}},
		{"routes = []\n\nstep = [{ stop = true }]\nsteps = 1", []string{
			`:1: routes is an array; write an array of patterns such as "/ws" or "/rooms/{room}"`,
			`:4: unknown key "steps" in the file; did you mean "step"?`,
		}},
		{"routes = ['/', 'x', '/{a}', '/{b}']\nstep = [{ stop = true }]", []string{
			`:1: route "x" does not begin with a slash, or with a host and a slash`,
			`:1: routes "/{a}" and "/{b}" match the same requests; remove one`,
		}},
		{"routes = ['/']\n[[step]]\nconect = '/'\n", []string{
			`:2: the step does nothing; write one of connect, request, answer, send, send_bytes, send_json, receive, receive_has, receive_bytes, receive_json, nothing, close, closed, abort, advance, log, no_log, reload, stop`,
			`:3: unknown key "conect" in [[step]]; did you mean "connect"?`,
		}},
		{"routes = ['/']\n[[step]]\nsend = 'a'\nclose = 1000\n", []string{":4: a step does one thing; send and close are two"}},
		{"routes = ['/']\n[[step]]\nsend = 'a'\nreason = 'b'\nclinet = 'x'", []string{
			":4: reason says nothing about send",
			`:5: unknown key "clinet" in [[step]]; did you mean "client"?`,
		}},
		{"routes = ['/']\nstep = [\n{ connect = 'ws' },\n{ request = 'GET' },\n{ send_bytes = '0g' },\n{ nothing = false },\n{ closed = 70000 },\n{ advance = '1' }]", []string{
			`:3: connect is "ws"; write a path, such as "/chat?x=1"`,
			`:4: request is "GET"; write a method and a path, such as "GET /page"`,
			`:5: send_bytes is "0g"; write bytes in hexadecimal digits, such as "00 ff"`,
			`:6: nothing is false; write true`,
			`:7: closed is 70000; write a whole number from 0 to 65535`,
			`:8: advance is "1"; write a time from "1ms" to "8760h", such as "10s" or "1m30s"`,
		}},
		{"routes = ['/']\n[[step]]\nsend_json = '{a:1}'\n[[step]]\nreceive_json = { a = 1979-05-27 }\n[[step]]\nconnect = '/'\nheaders = { 'a b' = 'c', d = \"e\\nf\" }\nsubprotocols = ['a b']", []string{
			":3: send_json is no JSON: invalid character 'a' looking for beginning of object key string",
			":5: receive_json is a table; write JSON, which has no dates",
			`:8: "a b" cannot name a header field`,
			`:8: d is "e\nf"; write a text, or an array of them, of one line each`,
			`:9: subprotocols is "a b"; write an array of names such as "chat.v2"`,
		}},
		{"routes = ['/'", []string{":1: array is incomplete"}},
	} {
		file := writeFile(t, "script.toml", []byte(tc.script))
		status, stdout, stderr := runBinary(t, "test", "echo", file)
		var got []string
		for _, line := range stderrLines(t, stderr) {
			got = append(got, strings.TrimPrefix(line, file))
		}
		if status != 1 || stdout != "" || !slices.Equal(got, tc.want) {
			t.Errorf("%q:\nexit status %d, stdout %q, problems\n%s\nwant\n%s", tc.script, status, stdout, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
	}
}

// A step fails where it has to, says what was otherwise, and ends the script.
func TestScriptFailures(t *testing.T) {
	// A file cannot give values with such names, so the test does.
	rules := map[string]string{"/{name}": `connect lacks x: accept x-a=1
connect has x: reject 401 www-authenticate=Basic :body={"a":1}
text: send $data
request: respond 201 content-type=text/plain :body=ok`}
	const routes = "routes = ['/{name}']\n"
	const connected = "[[step]]\nconnect = \"/a\"\n"
	for _, tc := range []struct {
		steps string
		line  int // below routes; 0: it passes
		want  string
	}{
		{connected + "response_headers = { x-a = \"1\" }\n[[step]]\nlog = 'type\":\"connect'\n[[step]]\nno_log = 'receive'", 0, ""},
		{connected + "response_headers = { x-a = \"2\" }", 2, `the response's x-a is "1"; want "2"`},
		{connected + "protocol = 'x'", 2, `the subprotocol is ""; want "x"`},
		{connected + "refused = 403", 2, `the handshake was accepted; want it refused with 403`},
		{connected + "waits = true", 2, `it was answered; want it to wait`},
		{"[[step]]\nconnect = '/a?x=1'\nrefused = 401\nbody_json = { a = 1 }\nresponse_headers = { www-authenticate = 'Basic' }", 0, ""},
		{"[[step]]\nconnect = '/a?x=1'\nrefused = 401\nbody_has = 'b'", 2, `the body is "{\"a\":1}"; want "b" in it`},
		{"[[step]]\nconnect = '/a?x=1'\nrefused = 403", 2, `the handshake was refused with 401: "{\"a\":1}"; want 403`},
		{"[[step]]\nconnect = '/a?x=1'", 2, `the handshake was refused with 401: "{\"a\":1}"`},
		{"[[step]]\nconnect = '/a?x=1'\nwaits = true", 2, `the handshake was refused with 401: "{\"a\":1}"; want it to wait`},
		{"[[step]]\nsend = 'x'", 2, `there is no client "client"; connect it first`},
		{"[[step]]\nanswer = true", 2, `client "client" has neither connected nor asked for anything`},
		{connected + "[[step]]\nsend_json = { b = [1, 2.5], a = true }\n[[step]]\nreceive_json = '{\"a\": true, \"b\": [1, 2.5]}'\n[[step]]\nnothing = true", 0, ""},
		{connected + "[[step]]\nsend_json = { a = 1 }\n[[step]]\nreceive_json = { a = 2 }", 6, `received JSON {"a":1}; want {"a":2}`},
		{connected + "[[step]]\nsend = 'a'\n[[step]]\nreceive = 'b'", 6, `received text "a"; want text "b"`},
		{connected + "[[step]]\nsend = 'a'\n[[step]]\nreceive_bytes = '61'", 6, `received text "a"; want bytes 61`},
		{connected + "[[step]]\nsend = 'abc'\n[[step]]\nreceive_has = 'd'", 6, `received text "abc"; want "d" in it`},
		{connected + "[[step]]\nsend = 'a'\n[[step]]\nnothing = true", 6, `received text "a"; want nothing`},
		{connected + "[[step]]\nsend = 'a'\n[[step]]\nclosed = 1000", 6, `received text "a"; want it closed with 1000`},
		{connected + "[[step]]\nreceive = 'b'", 4, `nothing arrived, and nothing will before time passes or a client sends; want text "b"`},
		{connected + "[[step]]\nclosed = 1000\nreason = ''", 4, `nothing arrived, and nothing will before time passes or a client sends; want it closed with 1000 ""`},
		{connected + "[[step]]\nclose = 4000\nreason = 'a'\n[[step]]\nclosed = 4000\nreason = 'b'", 7, `closed with 4000 "a"; want it closed with 4000 "b"`},
		{connected + "[[step]]\nabort = true\n[[step]]\nnothing = true", 6, `closed with 1006; want nothing`},
		{connected + "[[step]]\nstop = true\n[[step]]\nclosed = 1001", 0, ""},
		{connected + "[[step]]\nstop = true\n[[step]]\nadvance = '1s'", 6, `the server has stopped`},
		{"[[step]]\nrequest = 'POST /a'\nsend_body = 'x'\nstatus = 201\nbody = 'ok'", 0, ""},
		{"[[step]]\nrequest = 'POST /a'\nstatus = 200", 2, `status 201, "ok"; want 200`},
		{"[[step]]\nrequest = 'POST /a'\nbody = 'no'", 2, `the body is "ok"; want "no"`},
		{"[[step]]\nrequest = 'POST /a'\nbody_json = 1", 2, `"ok" is no JSON: invalid character 'o' looking for beginning of value`},
		{connected + "[[step]]\nlog = 'nonsense'", 4, `no line of the log has "nonsense" in it`},
		{connected + "[[step]]\nno_log = 'connect'", 4, `a line of the log has "connect" in it`},
		{connected + "[[step]]\nreload = 'echo'\n[[step]]\nclosed = 1012", 0, ""},
		{connected + "[[step]]\nreload = 'gone.wasm'", 4, `cannot read module DIR/gone.wasm: no such file or directory; give the path of a .wasm file, or echo or chat`},
	} {
		script, err := parseScript("s", []byte(routes+tc.steps))
		if err != nil {
			t.Fatal(err)
		}
		script.values = rules
		_, err = script.play(guests.Recorder(), "recorder", func(name string) string { return filepath.Join("DIR", name) })
		got, want := "", ""
		if err != nil {
			got = err.Error()
		}
		if tc.line > 0 {
			want = "s:" + strconv.Itoa(1+tc.line) + ": " + tc.want
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", tc.steps, got, want)
		}
	}
}

// Every script of a command line is played, whatever becomes of those before it.
func TestScripts(t *testing.T) {
	good := writeFile(t, "good.toml", []byte("routes = ['/']\nstep = [{ connect = '/' }]"))
	bad := writeFile(t, "bad.toml", []byte("routes = ['/']\nstep = [{ connect = '/x' }]"))
	worse := writeFile(t, "worse.toml", []byte("routes = 1"))
	status, stdout, stderr := runBinary(t, "test", "echo", bad, worse, good)
	if status != 1 || !strings.Contains(stdout, good+": 1 steps passed\n") || !strings.Contains(stdout, bad+": log: info handshake refused") {
		t.Errorf("exit status %d, stdout\n%s", status, stdout)
	}
	if lines := stderrLines(t, stderr); len(lines) != 3 || !strings.HasPrefix(lines[0], bad+":2: ") || !strings.HasPrefix(lines[1], worse) {
		t.Errorf("stderr\n%s", stderr)
	}
	for _, args := range [][]string{{"test"}, {"test", "echo"}} {
		if status, _, _ := runBinary(t, args...); status != exitUsage {
			t.Errorf("wherry %s: exit status %d", strings.Join(args, " "), status)
		}
	}
	if status, _, stderr := runBinary(t, "test", "echo", "gone.toml"); status != 1 || !strings.Contains(stderr, "cannot read script gone.toml") {
		t.Errorf("exit status %d, %s", status, stderr)
	}
	text := writeFile(t, "text.wasm", []byte("no module"))
	if status, _, stderr := runBinary(t, "test", text, good); status != 1 || !strings.Contains(stderr, "refused: ") {
		t.Errorf("exit status %d, %s", status, stderr)
	}
}

// A script never crashes its reader, and its problems are lines of the file.
func FuzzScript(f *testing.F) {
	f.Add("")
	f.Add(exampleScript(f))
	f.Add("routes = ['/']\nstep = [{ send_json = { a = [1, {}], b = 0x10, c = nan } }, { send_json = '{}x' }, 1]\n")
	f.Add("routes = ['/{a}', 1]\n[[step]]\nconnect = \"/\\u0000\"\nheaders = { \"\" = [[]] }\nwaits = 1\n[[step.step]]\n")
	f.Add("[[step]]\nsend_bytes = 1979-05-27\nclose = 1\nresponse_headers = { a = 1 }\n")
	f.Fuzz(func(t *testing.T, file string) {
		s, err := parseScript("f", []byte(file))
		if err == nil {
			for _, st := range s.steps {
				if line := s.doc.line(st.at); st.action == "" || line < 1 || line > strings.Count(file, "\n")+1 {
					t.Errorf("step %q is at line %d", st.action, line)
				}
			}
			return
		}
		checkProblems(t, file, err.(*problemsError))
	})
}

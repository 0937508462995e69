package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/seed-c6589352/wherry/runtime"
)

// exampleConfig returns the file that docs/configuration.md shows.
func exampleConfig(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n```toml\n")
	example, _, ok := strings.Cut(after, "\n```\n")
	if !ok {
		t.Fatal("docs/configuration.md has no block of TOML")
	}
	return example + "\n"
}

// The example sets every field that there is to something else than its zero:
// what is added to runtime has to be added to the file, and to its document.
func TestConfigReachesEveryField(t *testing.T) {
	example := exampleConfig(t)
	f, err := parseConfig("wherry.toml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.modules, []string{"guests/acme.wasm", "chat"}) || len(f.listen) != 2 || f.logLevel == "" || f.logFormat == "" {
		t.Errorf("got modules %q, addresses %q, log %q as %q", f.modules, f.listen, f.logLevel, f.logFormat)
	}
	c := f.config
	tenant, route := c.Tenants[0], c.Routes[0]
	for _, tc := range []struct {
		value  any
		except []string // why not is said beside it
	}{
		// Go; log.level and log.format make a logger; always, see serve; not for a server of anybody's guests
		{c, []string{"HTTP", "Logger", "Dedicated", "Unmetered"}},
		{tenant, []string{"Module", "Handler"}}, // loaded later; Go
		{tenant.Limits, nil},
		{c.Modules, nil},
		{route, nil},
		{*route.Deflate, nil},
	} {
		v := reflect.ValueOf(tc.value)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if slices.Contains(tc.except, name) {
				continue
			}
			if v.Field(i).IsZero() {
				t.Errorf("the example does not set %v.%s", v.Type(), name)
			}
			// Config.Tenants is [[tenant]], one for each.
			if key := snakeCase(name); !strings.Contains(example, strings.TrimSuffix(key, "s")) {
				t.Errorf("the example has no key %s for %v.%s", key, v.Type(), name)
			}
		}
	}
}

func snakeCase(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func TestConfigValues(t *testing.T) {
	const file = `
listen = ["localhost:0", "[::1]:80"]
address_conns = "off"
drain_window = "1s"
drain_code = 1012
trusted_proxies = ["::ffff:192.0.2.1", "10.0.0.0/8", "::1"]
loops = 3
head_timeout = "1m30s"
cache_dir = "cache"
log = { level = "warn", format = "json" }
[[tenant]]
name = "acme"
module = "echo"
config = { "greeting.1" = "ahoy", empty = "" }
[tenant.limits]
memory_pages = 300
message_bytes = "1KiB"
send_bytes = 0x10
connect_timeout = "off"
idle_timeout = "1h"
close_timeout = "1ms"
[[tenant]]
name = "b"
module = "./echo"
limits.send_bytes = "1GiB"
[[route]]
pattern = "example.com/a"
tenant = "acme"
[[route]]
pattern = "/b/{rest...}"
tenant = "b"
placement = "per-loop"
deflate = {}
[[route]]
pattern = "/c"
tenant = "b"
placement = "single"
origins = []
slow = "drop"
disabled = true
[route.deflate]
level = "smallest"
server_window_bits = 9
`
	f, err := parseConfig("dir/wherry.toml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	want := runtime.Config{
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128"),
		},
		AddressConns: -1,
		DrainWindow:  time.Second,
		DrainCode:    1012,
		Loops:        3,
		HeadTimeout:  90 * time.Second,
		CacheDir:     filepath.Join("dir", "cache"),
		Tenants: []runtime.Tenant{{
			Name:   "acme",
			Config: map[string]string{"greeting.1": "ahoy", "empty": ""},
			Limits: runtime.Limits{
				MemoryPages: 300, MessageBytes: 1024, SendBytes: 16,
				ConnectTimeout: -1, IdleTimeout: time.Hour, CloseTimeout: time.Millisecond,
			},
		}, {
			Name:   "b",
			Limits: runtime.Limits{SendBytes: 1 << 30},
		}},
		Routes: []runtime.Route{
			{Pattern: "example.com/a", Tenant: "acme"},
			{Pattern: "/b/{rest...}", Tenant: "b", Placement: runtime.PerLoop, Deflate: &runtime.Deflate{}},
			{Pattern: "/c", Tenant: "b", Origins: []string{}, Slow: runtime.DropSlow, Disabled: true, Deflate: &runtime.Deflate{Level: runtime.DeflateSmallest, ServerWindowBits: 9}},
		},
	}
	if !reflect.DeepEqual(f.config, want) {
		t.Errorf("got %+v\nwant %+v", f.config, want)
	}
	if f.logLevel != "warn" || f.logFormat != "json" || !slices.Equal(f.listen, []string{"localhost:0", "[::1]:80"}) {
		t.Errorf("got log %q as %q, addresses %q", f.logLevel, f.logFormat, f.listen)
	}
	if !slices.Equal(f.modules, []string{"echo", "./echo"}) {
		t.Errorf("got modules %q", f.modules)
	}
}

// Everything that is wrong is told, in the order of the lines.
func TestConfigProblems(t *testing.T) {
	const tenant, route = "[[tenant]]\nname = \"a\"\nmodule = \"echo\"\n", "[[route]]\npattern = \"/\"\ntenant = \"a\"\n"
	for _, tc := range []struct {
		name, file string
		want       []string // what each line begins with
	}{
		{"not TOML", "loops = 1\nloops == 2\n", []string{"f:2: "}},
		{"not closed", "listen = [", []string{"f:1: "}},
		{"not UTF-8", "cache_dir = \"\xff\"", []string{"f:1: invalid UTF-8"}},
		{"twice", "loops = 1\n\nloops = 2", []string{"f:3: key loops is already defined"}},
		{"unknown keys", "\nlisen = []\nquay = 1\n[log]\nlevle = 1\n[harbour]\nx = 1\n", []string{
			`f:2: unknown key "lisen" in the file; did you mean "listen"?`,
			`f:3: unknown key "quay" in the file; known are listen, loops,`,
			`f:5: unknown key "levle" in [log]; did you mean "level"?`,
			`f:6: unknown key "harbour" in the file; known are `,
		}},
		{"unknown keys of tables", tenant + "nam = 1\n[tenant.limits]\nping_timeuot = \"1s\"\n" + route + "placment = 1\ndeflate = { lvl = 1 }\n", []string{
			`f:4: unknown key "nam" in [[tenant]]; did you mean "name"?`,
			`f:6: unknown key "ping_timeuot" in [tenant.limits]; did you mean "ping_timeout"?`,
			`f:10: unknown key "placment" in [[route]]; did you mean "placement"?`,
			`f:11: unknown key "lvl" in [route.deflate]; did you mean "level"?`,
		}},
		{"types", "listen = \"a:1\"\nloops = \"2\"\nhead_timeout = 5\ncache_dir = true\nlog = 1.5\ntenant = 1979-05-27\n[route]\n", []string{
			`f:1: listen is "a:1"; write an array of addresses`,
			`f:2: loops is "2"; write a whole number from 1 to 256`,
			`f:3: head_timeout is 5; write a time from`,
			`f:4: cache_dir is true; write a text`,
			`f:5: log is 1.5; write a table, as in [log]`,
			`f:6: tenant is a date or time; write an array of tables, each under [[tenant]]`,
			`f:7: route is a table; write an array of tables, each under [[route]]`,
		}},
		{"addresses", "listen = [\n\"a:1\",\n\"b\", # no port\n\"c:99999\",\n3,\n\"a:1\"]", []string{
			`f:3: listen is "b"; write an array of addresses`, `f:4: listen is "c:99999"; write`, `f:5: listen is 3; write`, `f:6: listen has "a:1" twice; remove one`,
		}},
		{"origins", tenant + route + "origins = [\"https://a.example\", \"https://b.example/\",\n\"c.example\", \"https://A.example:8443\", \"null\", \"\"]", []string{
			`f:7: origins is "https://b.example/"; write an array of origins`, `f:8: origins is "c.example"; write`, `f:8: origins is ""; write`,
		}},
		{"proxies", "trusted_proxies = [\"192.0.2.1\", \"10.0.0.1/8\", \"localhost\",\n\"fe80::1%eth0\", 10, \"::ffff:10.0.0.0/104\", \"fd00::/8\"]", []string{
			`f:1: trusted_proxies is "10.0.0.1/8"; write an array of addresses or networks`, `f:1: trusted_proxies is "localhost"; `,
			`f:2: trusted_proxies is "fe80::1%eth0"; `, `f:2: trusted_proxies is 10; `, `f:2: trusted_proxies is "::ffff:10.0.0.0/104"; `,
		}},
		{"numbers or off", "address_conns = 0\nconns = \"off\"\n", []string{
			`f:1: address_conns is 0; write a whole number from 1 to 1073741824, or "off"`, `f:2: conns is "off"; write a whole number`,
		}},
		{"drain", "drain_code = 1000\ndrain_window = \"0s\"\n", []string{`f:1: drain_code is 1000; write one of 1001 1012`, `f:2: drain_window is "0s"; write a time`}},
		{"profiles for everybody", "pprof = \"0.0.0.0:6060\"\n", []string{`f:1: pprof is "0.0.0.0:6060"; write a loopback address such as "127.0.0.1:6060"`}},
		{"profiles of no type", "pprof = 6060\n", []string{`f:1: pprof is 6060; write a loopback address`}},
		{"nobody to listen to", "\nlisten_proxied = [\"127.0.0.1:0\"]\n", []string{`f:2: nobody could connect by listen_proxied; list the proxies in trusted_proxies`}},
		{"no address", "listen = []", []string{`f:1: listen is an array; write an array of addresses such as`}},
		{"ranges", "loops = 0\nhead_timeout = \"off\"\n" + tenant + "[tenant.limits]\nmemory_pages = 65537\nmessage_bytes = \"65MiB\"\nsend_bytes = 0\n" +
			"connect_timeout = \"-1s\"\nidle_timeout = \"0s\"\nping_interval = \"8761h\"\nping_timeout = \"1us\"\nclose_timeout = \"off\"\nstall_timeout = \"never\"\n", []string{
			"f:1: loops is 0; ", `f:2: head_timeout is "off"; `, "f:7: memory_pages is 65537; write a whole number from 1 to 65536",
			`f:8: message_bytes is "65MiB"; write a size from 1 byte to 64MiB`, "f:9: send_bytes is 0; write a size from 1 byte to 1GiB",
			`f:10: connect_timeout is "-1s"; write`, `f:11: idle_timeout is "0s"; write`, `f:12: ping_interval is "8761h"; write`,
			`f:13: ping_timeout is "1us"; write`, `f:14: close_timeout is "off"; write`, `f:15: stall_timeout is "never"; write`,
		}},
		{"units", tenant + "[tenant.limits]\nmessage_bytes = \"1MB\"\nsend_bytes = \"1.5MiB\"\n" + tenant + "[tenant.limits]\nmessage_bytes = \"-1B\"\nsend_bytes = \"4294967296GiB\"\n", []string{
			`f:5: message_bytes is "1MB"; `, `f:6: send_bytes is "1.5MiB"; `, `f:8: two tenants are called "a"; rename one`, `f:11: message_bytes is "-1B"; `, `f:12: send_bytes is "4294967296GiB"; `,
		}},
		{"words", "[log]\nlevel = \"loud\"\nformat = 3\n" + tenant + route + "placement = \"both\"\n[route.deflate]\nlevel = \"best\"\nserver_window_bits = 16\nclient_context_takeover = \"no\"\n", []string{
			`f:2: level is "loud"; write one of "debug", "info", "warn", "error"`, `f:3: format is 3; write one of "text", "json"`,
			`f:10: placement is "both"; write one of "single", "per-loop"`, `f:12: level is "best"; write one of "fastest", "balanced", "smallest"`,
			`f:13: server_window_bits is 16; write a whole number from 8 to 15`, `f:14: client_context_takeover is "no"; write true or false`,
		}},
		{"missing", "[[tenant]]\n\n[[tenant]]\nname = \"\"\n[[route]]\n", []string{
			"f:1: [[tenant]] has no name", "f:1: [[tenant]] has no module", "f:3: [[tenant]] has no module", `f:4: name is ""; write a text`,
			"f:5: [[route]] has no pattern", "f:5: [[route]] has no tenant",
		}},
		{"values for a guest", tenant + "[tenant.config]\nGreeting = \"x\"\nn = 3\n\"\" = \"\"\n", []string{
			`f:5: "Greeting" cannot name a value for a guest`, `f:6: n is 3; write a text`, `f:7: "" cannot name`,
		}},
		{"routes", tenant + route + "[[route]]\npattern = \"x\"\ntenant = \"aa\"\n[[route]]\npattern = \"/{x}\"\ntenant = \"elsewhere\"\n[[route]]\npattern = \"/{y}\"\ntenant = \"a\"\n", []string{
			`f:8: route "x" does not begin with a slash`, `f:9: there is no tenant "aa"; known are a`, `f:12: there is no tenant "elsewhere"; known are a`,
			`f:14: routes "/{x}" and "/{y}" match the same requests; remove one`,
		}},
		{"a route without tenants", route, []string{`f:3: there is no tenant "a"; there is none`}},
		{"inline tables", "tenant = [\n{ name = \"a\", module = \"echo\", limits = { lops = 1 } },\n{ name = 1, module = \"echo\" },\n3]\n", []string{
			`f:2: unknown key "lops" in [tenant.limits]; known are`, `f:3: name is 1; `, `f:4: tenant is 3; write a table, as in [[tenant]]`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parseConfig("f", []byte(tc.file))
			problems, ok := err.(*problemsError)
			if !ok {
				t.Fatalf("got %v", err)
			}
			got := problems.lines()
			for i := range max(len(got), len(tc.want)) {
				if i >= len(got) || i >= len(tc.want) || !strings.HasPrefix(got[i], tc.want[i]) {
					t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
				}
			}
		})
	}
}

// Nesting that means nothing costs no more than its length.
func TestConfigDeep(t *testing.T) {
	const n = 300_000
	for _, file := range []string{
		"a = " + strings.Repeat("[", n), "a = " + strings.Repeat("{a=", n), strings.Repeat("a.", n) + "a = 1",
		"[" + strings.Repeat("a.", n) + "a]", strings.Repeat("[[a]]\n", n/3), strings.Repeat("[[a.b]]\n", n/4),
	} {
		if _, err := parseConfig("f", []byte(file)); err == nil {
			t.Errorf("%.20q... is accepted", file)
		}
	}
}

// FuzzConfig: no file makes it panic; what is wrong with one has a line that
// exists and says what it is in printable text; and what is accepted, runtime
// accepts too.
func FuzzConfig(f *testing.F) {
	f.Add("")
	f.Add(exampleConfig(f))
	f.Add("listen = []\nloops = 0x7fffffffffffffff\n[log]\nlevel = 'x'\n[[tenant]]\n[[tenant]]\nname = \"\\u0000\"\n[tenant.config]\n\"a.b\" = \"\"\n")
	f.Add("tenant = [{name = \"a\", module = \"echo\"}, {}]\nroute = [{pattern = \"/{a}\", tenant = \"a\"}, {pattern = \"/{b}\", tenant = \"a\"}]\n")
	f.Add("[[a.b]]\n[a.b.c]\n[[a.b.c.d]]\n\"\".\"\" = [[1], {x = 1979-05-27}]\n")
	f.Add("[[tenant]]\nname = 'a'\nmodule = 'm'\n[tenant.limits]\nsend_bytes = \"9999999999GiB\"\nidle_timeout = \"9999999h\"\n[[route]]\npattern = \"/\"\ntenant = \"b\"\n")
	f.Fuzz(func(t *testing.T, file string) {
		c, err := parseConfig("f", []byte(file))
		if err == nil {
			checkAccepted(t, c.config)
			return
		}
		checkProblems(t, file, err.(*problemsError))
	})
}

// checkProblems holds what is said to be wrong with a file against it.
func checkProblems(t *testing.T, file string, problems *problemsError) {
	t.Helper()
	for _, p := range problems.problems {
		if p.line < 0 || p.line > strings.Count(file, "\n")+1 || p.text == "" {
			t.Errorf("line %d: %q", p.line, p.text)
		}
	}
	for _, line := range problems.lines() {
		if strings.Contains(line, "\n") {
			t.Errorf("%q is more than one line", line)
		}
	}
}

// checkAccepted holds against runtime what can be without starting it: New stops
// at the module that every tenant lacks here, and no earlier.
func checkAccepted(t *testing.T, config runtime.Config) {
	t.Helper()
	for i := range config.Tenants {
		config.Tenants[i].Module = []byte{}
	}
	config.CacheDir = ""
	if len(config.Tenants) == 0 {
		return
	}
	_, err := runtime.New(config)
	if _, ok := err.(*runtime.ModuleError); !ok {
		t.Errorf("runtime.New: %v; want a ModuleError", err)
	}
}

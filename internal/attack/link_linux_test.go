package attack_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/gobwas/ws"
)

// Linking, identity and supply: G56 to G61. G59 is TestMutants.

func linkAttacks() []attack {
	return []attack{
		{id: "G56", name: "names", run: names},
		{id: "G57", name: "imports", run: imports},
		{id: "G58", name: "exports", run: exports},
		{id: "G60", name: "crash_loop", run: crashLoop},
		{id: "G61", name: "clock", run: clock},
	}
}

// names are modules that call themselves what others import from. Each is served,
// in front of the one that imports.
func names(a *arena) string {
	villain, err := os.ReadFile(guestFile(""))
	a.check("read", err)
	outcome := 0
	for _, as := range []string{"env", "wherry_v1", "wasi_snapshot_preview1", "victim", a.tenant, ""} {
		m := plain()
		m.exports = section(7, vector(append(plainExports(), export("flush", 0, 1), export("now", 0, 0), export("log", 0, 0))...))
		m.trailer = custom("name", section(0, name(as)))
		for _, wasm := range [][]byte{m.bytes(), villain, m.bytes()} {
			if r := a.admission(wasm); r.Rule != "" {
				a.problem("a module that is called %q: %s", as, verdict(r))
			}
		}
		outcome++
	}
	c := a.must("")
	if _, err := c.tell('w', 1); err != nil {
		a.problem("the hostcalls: %v", err)
	}
	return fmt.Sprintf("%d names, linked to the host alone", outcome)
}

func imports(a *arena) string {
	function := func(module, field string, typ byte) []byte {
		return slices.Concat(name(module), name(field), []byte{0, typ})
	}
	for _, tc := range []struct {
		what, rule string
		entry      []byte
	}{
		{"function of a tenant", "import_not_allowed", function("tenant-a", "wherry_v1_turn", typeTurn)},
		{"function of env", "import_not_allowed", function("env", "abort", typeNone)},
		{"function of no module", "import_not_allowed", function("", "", typeNone)},
		{"unknown hostcall", "import_not_allowed", function("wherry_v1", "secrets", typeNone)},
		{"hostcall in capitals", "import_not_allowed", function("wherry_v1", "Flush", typeTurn)},
		{"flush with another signature", "import_signature", function("wherry_v1", "flush", typeNone)},
		{"WASI sockets", "import_signature", function("wasi_snapshot_preview1", "sock_open", typeNone)},
		{"WASI preview 2", "import_not_allowed", function("wasi:sockets/tcp", "connect", typeNone)},
		{"memory", "import_not_allowed", slices.Concat(name("env"), name("memory"), []byte{2, 0, 1})},
		{"memory of a tenant", "import_not_allowed", slices.Concat(name("victim"), name("memory"), []byte{2, 0, 1})},
		{"table", "import_not_allowed", slices.Concat(name("env"), name("table"), []byte{1, 0x70, 0, 1})},
		{"mutable global", "import_not_allowed", slices.Concat(name("env"), name("global"), []byte{3, 0x7f, 1})},
		{"global of the host", "import_not_allowed", slices.Concat(name("wherry_v1"), name("fuel"), []byte{3, 0x7e, 1})},
	} {
		m := plain()
		m.imports = section(2, vector(tc.entry))
		// Where a function is imported, all others move by one.
		m.exports = section(7, vector(export("memory", 2, 0), export("wherry_v1_mailbox", 0, 1), export("wherry_v1_turn", 0, 2)))
		r := a.admission(m.bytes())
		if r.Rule != tc.rule && !(tc.what == "WASI sockets" && r.Rule == "import_not_allowed") {
			a.problem("%s: %s, want the rule %s", tc.what, verdict(r), tc.rule)
		}
	}
	return "13 refused by name"
}

func exports(a *arena) string {
	for _, tc := range []struct {
		what, rule string
		change     func(*module)
	}{
		{"no exports", "export_missing", func(m *module) { m.exports = nil }},
		{"memory not exported", "export_missing", func(m *module) { m.exports = section(7, vector(plainExports()[1:]...)) }},
		{"memory exported as a function", "export_missing", func(m *module) {
			m.exports = section(7, vector(append(plainExports()[1:], export("memory", 0, 0))...))
		}},
		{"no mailbox", "export_missing", func(m *module) {
			m.exports = section(7, vector(plainExports()[0], plainExports()[2]))
		}},
		{"mailbox with an argument", "export_signature", func(m *module) { m.functions = section(3, vector([]byte{typeTurn}, []byte{typeTurn})) }},
		{"turn without an argument", "export_signature", func(m *module) { m.functions = section(3, vector([]byte{typeI32}, []byte{typeI32})) }},
		{"turn without a result", "", func(m *module) { m.functions = section(3, vector([]byte{typeI32}, []byte{typeNone})) }},
		{"alloc without an argument", "export_signature", func(m *module) {
			m.exports = section(7, vector(append(plainExports(), export("wherry_v1_alloc", 0, 0))...))
		}},
		{"initialize with a result", "export_signature", func(m *module) {
			m.exports = section(7, vector(append(plainExports(), export("_initialize", 0, 0))...))
		}},
		{"no memory", "", func(m *module) {
			m.memories, m.data = nil, nil
			m.exports = section(7, vector(plainExports()[1:]...))
		}},
		{"two memories", "memory_count", func(m *module) { m.memories = section(5, vector([]byte{0, 1}, []byte{0, 1})) }},
		{"memory of 64 bits", "feature_off", func(m *module) { m.memories = section(5, vector([]byte{4, 1})) }},
		{"an export of what is not there", "invalid_module", func(m *module) {
			m.exports = section(7, vector(append(plainExports(), export("more", 0, 99))...))
		}},
		{"two exports of a name", "invalid_module", func(m *module) {
			m.exports = section(7, vector(append(plainExports(), plainExports()...)...))
		}},
		{"nothing", "export_missing", func(m *module) { *m = module{} }},
	} {
		m := plain()
		tc.change(m)
		r := a.admission(m.bytes())
		if r.Rule == "" || tc.rule != "" && r.Rule != tc.rule {
			a.problem("%s: %s, want the rule %s", tc.what, verdict(r), tc.rule)
		}
	}
	return "15 refused"
}

// crashLoop traps on every event: instances do not come as fast as they go.
func crashLoop(a *arena) string {
	mark := a.logs.mark()
	var traps, refused int
	var first time.Time
	retry := ""
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		c, err := a.connect("")
		var no *refusedError
		if errors.As(err, &no) {
			refused++
			if retry = no.Header.Get("Retry-After"); no.StatusCode != 503 || retry == "" {
				a.problem("refused with %s, Retry-After %q", no.Status, retry)
				return "refused"
			}
			time.Sleep(time.Millisecond)
			continue
		}
		a.check("connect", err)
		if traps == 0 {
			first = time.Now()
		}
		a.check("poison", c.send(ws.OpBinary, order('T')))
		if code, err := c.awaitClose(toldWithin); code != 1011 || err != nil {
			a.problem("told %d, %v", code, err)
		}
		traps++
		c.Close()
	}
	a.loggedTrap(mark, "unreachable")
	// Five in ten seconds, then one a second at most.
	if most := 5 + 1 + int(time.Since(first).Seconds()); traps > most {
		a.problem("%d instances were started, want no more than %d", traps, most)
	}
	if refused == 0 {
		a.problem("nobody was refused")
	}
	return fmt.Sprintf("%d traps, then 503 with Retry-After: %s", traps, retry)
}

// clock: time stands still in a turn, so there is nothing to measure with.
func clock(a *arena) string {
	c := a.must("")
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		passed, err := c.tell('w', 100_000)
		a.check("clock", err)
		if passed[0] != 0 || passed[1] != 0 {
			a.problem("%d ns and %d ns passed within a turn", passed[0], passed[1])
		}
	}
	return "stands still in a turn"
}

package attack_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// Memory and stack: G15 to G29.

// What the villain's alloc does, by number.
const (
	allocLeak = iota
	allocNull
	allocMinusOne
	allocOdd
	allocInbox
	allocSame
	allocSpin
	allocTrap
	allocEnd
	allocMailbox
)

func memoryAttacks() []attack {
	return []attack{
		{id: "G15", name: "memory_grow", run: memoryGrow},
		{id: "G16", name: "memory_min", run: memoryMin},
		{id: "G17", name: "many_instances", run: manyInstances},
		{id: "G18", name: "table_bomb", run: tableBomb},
		{id: "G19", name: "table_grow", guest: "tables", run: tableGrow},
		{id: "G20", name: "recursion", guest: "deep", run: recursion},
		{id: "G21", name: "locals_bomb", run: localsBomb},
		{id: "G22", name: "locals_total", run: localsTotal},
		{id: "G23", name: "section_counts", run: sectionCounts},
		{id: "G24", name: "false_counts", run: falseCounts},
		{id: "G25", name: "data_segments", run: dataSegments},
		{id: "G26", name: "out_of_bounds_data", run: outOfBoundsData},
		{id: "G27", name: "custom_sections", run: customSections},
		{id: "G28", name: "gzip_module", run: gzipModule},
		{id: "G29", name: "leak", run: leak},
	}
}

func memoryGrow(a *arena) string {
	c := a.must("")
	pages, err := c.tell('g')
	a.check("grow", err)
	if pages[0] != 256 {
		a.problem("%d pages, want 256", pages[0])
	}
	a.survives(c)
	return fmt.Sprintf("%d pages, then no more", pages[0])
}

func memoryMin(a *arena) string {
	m := plain()
	m.memories = section(5, vector(slices.Concat([]byte{0}, uleb(65536))))
	return verdict(a.refuses("memory_limit", admissionTime, m.bytes()))
}

// manyInstances: however many connections, there is one instance.
func manyInstances(a *arena) string {
	conns := a.connectAll()
	if len(conns) != attackerConns {
		a.problem("%d connections, want %d", len(conns), attackerConns)
	}
	for i, c := range conns {
		n, err := c.tell('n')
		a.check("count", err)
		if n[0] != uint32(i+1) || n[1] != attackerConns {
			a.problem("connection %d met an instance of %d messages and %d connections", i, n[0], n[1])
		}
	}
	return fmt.Sprintf("%d connections share one", len(conns))
}

func tableBomb(a *arena) string {
	m := plain()
	m.tables = section(4, vector(slices.Concat([]byte{0x70, 0}, uleb(134_217_727))))
	return verdict(a.refuses("table_limit", admissionTime, m.bytes()))
}

func tableGrow(a *arena) string {
	c := a.must("")
	a.check("send", c.send(ws.OpBinary, []byte("grow")))
	b, err := c.message()
	a.check("grow", err)
	entries := binary.LittleEndian.Uint32(b)
	if entries > 10_000 {
		a.problem("the table has %d entries, want no more than 10 000", entries)
	}
	return fmt.Sprintf("%d entries, then no more", entries)
}

func recursion(a *arena) string {
	return a.killsMute("stack_exhausted")
}

// killsMute is kills for a guest that traps on any message and answers none.
func (a *arena) killsMute(reason string) string {
	mark := a.logs.mark()
	killed, fastest := 0, time.Hour
	for end := time.Now().Add(a.window); time.Now().Before(end); {
		conns := a.connectAll()
		if len(conns) == 0 {
			time.Sleep(20 * time.Millisecond) // the back-off is not ended by asking
			continue
		}
		start := time.Now()
		for _, c := range conns { // all at once
			if err := c.send(ws.OpBinary, []byte("now")); err != nil {
				a.illegalOnly(err)
			}
		}
		for i, c := range conns {
			code, err := c.awaitClose(toldWithin)
			if err != nil || code != ws.StatusInternalServerError {
				a.problem("connection %d was told %d, %v; want 1011", i, code, err)
				return "not killed"
			}
			if i == 0 {
				fastest = min(fastest, time.Since(start))
			}
		}
		killed++
		a.leave()
	}
	if killed < 2 {
		a.problem("killed %d times, want 2 or more", killed)
	}
	a.loggedTrap(mark, reason)
	return fmt.Sprintf("killed %d times, after %.1f ms", killed, ms(fastest))
}

// i32s is a declaration of so many locals.
func i32s(n uint32) []byte { return slices.Concat([]byte{1}, uleb(n), []byte{0x7f}) }

func localsBomb(a *arena) string {
	return verdict(a.refuses("locals_limit", admissionTime, plain().with(body(i32s(1<<32-1))).bytes()))
}

func localsTotal(a *arena) string {
	bodies := slices.Repeat([][]byte{body(i32s(50_000))}, 20_000)
	return verdict(a.refuses("locals_limit", countTime, plain().with(bodies...).bytes()))
}

const million = 1_000_000

func sectionCounts(a *arena) string {
	types := plain()
	types.types = section(1, repeated([]byte{0x60, 0, 0}, million))
	imports := plain()
	imports.imports = section(2, repeated(slices.Concat(name("m"), name("f"), []byte{0, typeNone}), million))
	functions := plain()
	functions.functions = section(3, repeated([]byte{typeNone}, million))
	functions.code = section(10, repeated(body(noLocals), million))
	globals := plain()
	globals.globals = section(6, repeated([]byte{0x7f, 0, 0x41, 0, 0x0b}, million))
	exports := plain()
	var many [][]byte
	for i := range million {
		many = append(many, slices.Concat([]byte{3}, []byte{byte(i), byte(i >> 8), byte(i >> 16)}, []byte{0, 0}))
	}
	exports.exports = section(7, vector(many...))
	var rules []string
	for _, tc := range []struct {
		rule string
		m    *module
	}{
		{"count_limit", types}, {"count_limit", imports}, {"count_limit", functions},
		{"count_limit", globals}, {"count_limit", exports},
	} {
		r := a.refuses(tc.rule, countTime, tc.m.bytes())
		rules = append(rules, fmt.Sprintf("%s %.0f ms", r.Rule, ms(r.Took)))
	}
	return fmt.Sprint(rules)
}

// falseCounts are 2^32-1 items in a section of a few bytes.
func falseCounts(a *arena) string {
	longest := time.Duration(0)
	for id := byte(1); id <= 12; id++ {
		wasm := slices.Concat(preamble, section(id, uleb(uint32(1<<32-1)), []byte{0, 0, 0}))
		r := a.admission(wasm)
		if r.Rule == "" {
			a.problem("section %d: admitted", id)
		}
		if r.Took > admissionTime {
			r = a.admission(wasm) // once more: the machine may have been busy
		}
		longest = max(longest, r.Took)
		if r.Took > admissionTime || r.Allocated > admissionBytes {
			a.problem("section %d: refused after %v, with %s", id, r.Took, mib(int(r.Allocated)))
		}
	}
	return fmt.Sprintf("refused after %.1f ms at most", ms(longest))
}

// dataSegments writes 8 MiB of data over each other.
func dataSegments(a *arena) string {
	m := plain()
	m.memories = section(5, vector([]byte{0, 4}))
	const segments, each = 100, 80_000
	segment := slices.Concat([]byte{0, 0x41}, sleb(65536), []byte{0x0b}, uleb(each), make([]byte, each))
	m.data = section(11, vector(append(slices.Repeat([][]byte{segment}, segments), plainData())...))
	r := a.admission(m.bytes())
	if r.Took > time.Second {
		a.problem("it took %v", r.Took)
	}
	return fmt.Sprintf("%s after %.1f ms", verdict(r), ms(r.Took))
}

func outOfBoundsData(a *arena) string {
	data := plain()
	data.data = section(11, vector(slices.Concat([]byte{0, 0x41}, sleb(65535), []byte{0x0b}, uleb(8), make([]byte, 8))))
	elements := plain()
	elements.tables = section(4, vector([]byte{0x70, 0, 1}))
	elements.elements = section(9, vector([]byte{0, 0x41, 1, 0x0b, 1, 0}))
	outcome := ""
	for rule, m := range map[string]*module{"init_trapped": data, "invalid_module": elements} {
		r := a.admission(m.bytes())
		if r.Rule != rule || !strings.Contains(r.Detail, "out of bounds") {
			a.problem("%s, want the rule %s, out of bounds", verdict(r), rule)
		}
		outcome += r.Rule + ", "
	}
	return outcome + "out of bounds"
}

func customSections(a *arena) string {
	huge := plain()
	huge.customs = custom("x", make([]byte, 9<<20))
	r := a.refuses("module_too_big", countTime, huge.bytes())
	// As much as a module may be, in sections that nobody needs.
	functionNames := make([][]byte, 200_000)
	for i := range functionNames {
		functionNames[i] = slices.Concat(uleb(i), name("f"))
	}
	names := section(1, vector(functionNames...))
	bomb := plain()
	bomb.trailer = slices.Concat(custom("name", names), custom(".debug_info", bytes.Repeat([]byte{0xff}, 2<<20)),
		custom(".debug_line", bytes.Repeat([]byte{0xff}, 2<<20)), custom("x", make([]byte, 2<<20)))
	wasm := bomb.bytes()
	b := a.admission(wasm)
	without := a.admission(plain().bytes())
	// One copy of the module, and nothing of what is in them.
	if most := without.Allocated + admissionBytes + uint64(len(wasm)); b.Allocated > most {
		a.problem("%d bytes of custom sections: admission allocated %s, without them %s", len(wasm), mib(int(b.Allocated)), mib(int(without.Allocated)))
	}
	return fmt.Sprintf("%s; 7 MiB of others: %s, allocated %s", r.Rule, verdict(b), mib(int(b.Allocated)))
}

func gzipModule(a *arena) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(make([]byte, 256<<20)) // 256 KiB
	w.Close()
	return verdict(a.refuses("invalid_module", admissionTime, b.Bytes()))
}

// leak has the guest keep every buffer that it lends. When it has none left, who
// sends is told, and the rest goes on.
func leak(a *arena) string {
	witness := a.must("")
	accepted, told := 0, 0
	for end := time.Now().Add(a.window); time.Now().Before(end) && told < 10; {
		c := a.must("")
		err := c.send(ws.OpText, large)
		if err == nil {
			_, err = c.message()
		}
		var closed *closedError
		switch {
		case err == nil:
			accepted++
		case errors.As(err, &closed) && closed.code == 1013:
			told++
		default:
			a.problem("message %d: %v", accepted, err)
			return "failed"
		}
		c.Close()
	}
	if told == 0 {
		a.problem("%d messages of %d bytes were kept", accepted, len(large))
	}
	a.survives(witness)
	return fmt.Sprintf("%d messages kept, then 1013", accepted)
}

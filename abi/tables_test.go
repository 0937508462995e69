package abi

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// spec returns SPEC.md from the heading that starts with from up to the next
// heading of the same or a higher level.
func spec(t *testing.T, from string) string {
	t.Helper()
	raw, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n"+from)
	if !found {
		t.Fatalf("SPEC.md has no heading %q", from)
	}
	level := len(from) - len(strings.TrimLeft(from, "#"))
	if end := regexp.MustCompile(`\n#{1,` + strconv.Itoa(level) + `} `).FindStringIndex(section); end != nil {
		section = section[:end[0]]
	}
	return section
}

// rows returns the cells of the table whose first column has this title,
// without backquotes.
func rows(t *testing.T, section, title string) [][]string {
	t.Helper()
	_, table, found := strings.Cut(section, "\n| "+title+" |")
	if !found {
		t.Fatalf("no table with the column %q", title)
	}
	var all [][]string
	for _, line := range strings.Split(table, "\n")[2:] { // behind the titles and the rule
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		all = append(all, cells)
	}
	return all
}

// pairs writes rows as "name value", for comparison.
func pairs(names []Name) (out []string) {
	for _, n := range names {
		out = append(out, n.Name+" "+strconv.FormatUint(uint64(n.Value), 10))
	}
	return out
}

func TestSpecNames(t *testing.T) {
	for _, tc := range []struct {
		heading, title string
		want           []Name
	}{
		{"## 5. ", "flag", FlagBits()},
		{"### 6.1 ", "stop", StopReasons()},
		{"## 7. ", "status", Statuses()},
		{"## 10. ", "level", LogLevels()},
		{"## 10. ", "clock", Clocks()},
		{"## 12. ", "limit", Limits()},
	} {
		var got []string
		for _, cells := range rows(t, spec(t, tc.heading), tc.title) {
			got = append(got, cells[0]+" "+cells[1])
		}
		if want := pairs(tc.want); !slices.Equal(got, want) {
			t.Errorf("%s: SPEC.md has\n%q\nGo has\n%q", tc.title, got, want)
		}
	}
}

// TestSpecKinds also checks that event and command stand in the right columns.
func TestSpecKinds(t *testing.T) {
	var got, want []string
	for _, cells := range rows(t, spec(t, "## 6. "), "number") {
		event, command := strings.TrimSuffix(cells[1], "` (wants)"), cells[2]
		switch {
		case event == command:
			got = append(got, event+" "+cells[0]+" both")
		default:
			if event != "" {
				got = append(got, event+" "+cells[0]+" event")
			}
			if command != "" {
				got = append(got, command+" "+cells[0]+" command")
			}
		}
	}
	for _, k := range Kinds() {
		event, command := strings.Contains(k.Doc, "event: "), strings.Contains(k.Doc, "command: ")
		role := map[[2]bool]string{{true, true}: "both", {true, false}: "event", {false, true}: "command"}[[2]bool{event, command}]
		want = append(want, k.Name+" "+strconv.FormatUint(uint64(k.Value), 10)+" "+role)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("SPEC.md has\n%q\nGo has\n%q", got, want)
	}
}

// TestSpecWants checks that both mark the same events as optional.
func TestSpecWants(t *testing.T) {
	var got, want []string
	for _, cells := range rows(t, spec(t, "## 6. "), "number") {
		if event, optional := strings.CutSuffix(cells[1], "` (wants)"); optional {
			got = append(got, event)
		}
	}
	for _, k := range Kinds() {
		if strings.Contains(k.Doc, "(wants)") {
			want = append(want, k.Name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("SPEC.md has\n%q\nGo has\n%q", got, want)
	}
}

// TestSpecDescribed wants a paragraph on each kind, in each direction.
func TestSpecDescribed(t *testing.T) {
	events, commands := spec(t, "### 6.1 "), spec(t, "### 6.2 ")
	for _, k := range Kinds() {
		if strings.Contains(k.Doc, "event: ") && !strings.Contains(events, "\n**`"+k.Name+"`**") {
			t.Errorf("no paragraph on the event %s", k.Name)
		}
		if strings.Contains(k.Doc, "command: ") && !strings.Contains(commands, "\n**`"+k.Name+"`**") {
			t.Errorf("no paragraph on the command %s", k.Name)
		}
	}
}

func TestSpecLayouts(t *testing.T) {
	for _, tc := range []struct {
		heading string
		want    []Slot
	}{
		{"## 4. ", MailboxLayout()},
		{"## 5. ", RecordLayout()},
		{"## 8. ", FieldLayout()},
	} {
		var got, want []string
		for _, cells := range rows(t, spec(t, tc.heading), "offset") {
			if cells[1] != "" { // the last row of a field's is not a number
				got = append(got, strings.Join(cells[:3], " "))
			}
		}
		for _, s := range tc.want {
			want = append(want, strconv.FormatUint(uint64(s.Offset), 10)+" u"+strconv.FormatUint(8*uint64(s.Bytes), 10)+" "+s.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: SPEC.md has\n%q\nGo has\n%q", tc.heading, got, want)
		}
	}
}

func TestSpecPseudoFields(t *testing.T) {
	var got, want []string
	for _, cells := range rows(t, spec(t, "### 8.1 "), "name") {
		got = append(got, cells[0])
	}
	for _, f := range PseudoFields() {
		want = append(want, f.Text)
	}
	if !slices.Equal(got, want) {
		t.Errorf("SPEC.md has\n%q\nGo has\n%q", got, want)
	}
}

// TestSpecLinkage checks the names that a linker sees.
func TestSpecLinkage(t *testing.T) {
	var imports, exports []string
	for _, cells := range rows(t, spec(t, "## 10. "), "function of `wherry_v1`") {
		imports = append(imports, cells[0])
	}
	for _, cells := range rows(t, spec(t, "## 3. "), "export") {
		exports = append(exports, cells[0])
	}
	if want := []string{ImportFlush, ImportLog, ImportNow, ImportRandom}; !slices.Equal(imports, want) {
		t.Errorf("imports: SPEC.md has %q; want %q", imports, want)
	}
	if want := []string{ExportMemory, ExportInitialize, ExportMailbox, ExportTurn, ExportAlloc}; !slices.Equal(exports, want) {
		t.Errorf("exports: SPEC.md has %q; want %q", exports, want)
	}
}

// TestLayouts checks that the slots of each layout neither overlap nor leave
// room, so that a structure of C has no padding.
func TestLayouts(t *testing.T) {
	for name, tc := range map[string]struct {
		slots []Slot
		size  uint32
	}{
		"record":  {RecordLayout(), RecordSize},
		"mailbox": {MailboxLayout(), 32}, // the rest is reserved
		"field":   {FieldLayout(), FieldHeader},
	} {
		var end uint32
		for _, s := range tc.slots {
			if s.Offset != end || s.Offset%s.Bytes != 0 {
				t.Errorf("%s: %s is at %d; want %d", name, s.Name, s.Offset, end)
			}
			end = s.Offset + s.Bytes
		}
		if end != tc.size {
			t.Errorf("%s: ends at %d; want %d", name, end, tc.size)
		}
	}
}

func TestStatusString(t *testing.T) {
	for _, s := range Statuses() {
		if got := Status(s.Value).String(); got != s.Name {
			t.Errorf("status %d: got %q; want %q", s.Value, got, s.Name)
		}
	}
	if got := Status(len(Statuses())).Error(); got != "wherry: unknown" {
		t.Errorf("a status that is not in the table: got %q", got)
	}
}

func TestBit(t *testing.T) {
	if got := Message.Bit() | Stop.Bit(); got != 1<<3|1<<16 {
		t.Errorf("got %#x", got)
	}
}

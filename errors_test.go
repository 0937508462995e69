package wherry_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/netpoll/wshead"
)

// errorRows returns the first two cells of every row of a section of
// docs/errors.md, without backquotes.
func errorRows(t *testing.T, section string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("there is no section %q", section)
	}
	after, _, _ = strings.Cut(after, "\n## ")
	rows := make(map[string]string)
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| (.*?) \\|").FindAllStringSubmatch(after, -1) {
		if _, twice := rows[m[1]]; twice {
			t.Errorf("%s: %s has two rows", section, m[1])
		}
		rows[m[1]] = m[2]
	}
	return rows
}

// Every name has a row, and every row a name.
func TestErrorNames(t *testing.T) {
	refusals := make(map[string]bool)
	for _, r := range wshead.Refusals() {
		refusals[r.Name] = true
		if got := errorRows(t, "Refused handshakes")[r.Name]; got != "" && got != strconv.Itoa(r.Status) {
			t.Errorf("%s is refused with %d, and documented with %s", r.Name, r.Status, got)
		}
	}
	reasons := constants(t, "wasmhost", "Reason")
	maps.Copy(reasons, literals(t, "runtime", `\breason :?= "(\w+)"`))
	for section, names := range map[string]map[string]bool{
		"Refused handshakes":  refusals,
		"Refused modules":     constants(t, "wasmhost", "Rule"),
		"Guests that stopped": reasons,
		"The log":             literals(t, "", `slog\.String\("error", "(\w+)"\)`),
	} {
		want := slices.Sorted(maps.Keys(names))
		if got := slices.Sorted(maps.Keys(errorRows(t, section))); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("docs/errors.md, %s: rows without a name: %q; names without a row: %q", section, minus(got, want), minus(want, got))
		}
	}
}

// minus returns what of a is not in b.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// constants returns the values of the string constants of a type in a package.
func constants(t *testing.T, pkg, typ string) map[string]bool {
	t.Helper()
	values := make(map[string]bool)
	for _, f := range sourceFiles(t) {
		if f.pkg != pkg {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				return true
			}
			for _, spec := range decl.Specs {
				s := spec.(*ast.ValueSpec)
				if name, ok := s.Type.(*ast.Ident); !ok || name.Name != typ {
					continue
				}
				for _, v := range s.Values {
					text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					values[text] = true
				}
			}
			return true
		})
	}
	return values
}

// literals returns what a pattern's first group matches in the sources of a
// package, or of all of them.
func literals(t *testing.T, pkg, pattern string) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for _, f := range sourceFiles(t) {
		if pkg != "" && f.pkg != pkg {
			continue
		}
		text, err := os.ReadFile(f.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
		}
	}
	return found
}

// Whatever a client can be told that it did wrong with its frames is explained.
func TestErrorCloseReasons(t *testing.T) {
	codes := map[string]int{
		"ProtocolError": 1002, "InvalidFramePayloadData": 1007, "PolicyViolation": 1008, "MessageTooBig": 1009,
	}
	text, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	sentinel := regexp.MustCompile(`Error\{(?:Code: )?ws\.Status(\w+), (?:Reason: )?"([^"]+)"\}`)
	for _, f := range sourceFiles(t) {
		if path.Dir(f.pkg) != "netpoll" {
			continue
		}
		source, err := os.ReadFile(f.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sentinel.FindAllStringSubmatch(string(source), -1) {
			row := fmt.Sprintf("(?m)^\\| %d \\| .*`%s`", codes[m[1]], regexp.QuoteMeta(m[2]))
			if !regexp.MustCompile(row).Match(text) {
				t.Errorf("%s: docs/errors.md has no row for %s, %q", f.name, m[1], m[2])
			}
		}
	}
}

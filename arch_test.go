package wherry_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	modulePath = "github.com/seed-c6589352/wherry"

	gobwas = "github.com/gobwas/ws"
	toml   = "github.com/pelletier/go-toml/v2"
	wazero = "github.com/tetratelabs/wazero"
	xsys   = "golang.org/x/sys"
)

// mayImport is the whole architecture: each package, and what it may import
// beside the standard library, of ours and of others.
func mayImport() map[string][]string {
	return map[string][]string{
		"":                        nil,
		"abi":                     nil,
		"abi/gen":                 {"abi"},
		"netpoll/wsframe":         {gobwas},
		"netpoll/wshead":          nil,
		"netpoll/wsdeflate":       {"netpoll/wsframe", gobwas},
		"netpoll/proxyhead":       nil,
		"netpoll":                 {"netpoll/proxyhead", "netpoll/wsframe", "netpoll/wshead", "netpoll/wsdeflate", gobwas, xsys},
		"wasmhost":                {"abi", "wasmhost/internal/meter", wazero, xsys},
		"wasmhost/internal/meter": nil,
		"runtime":                 {"abi", "netpoll", "netpoll/proxyhead", "netpoll/wsframe", "netpoll/wshead", "netpoll/wsdeflate", "wasmhost", gobwas},
		"guests":                  nil,
		"guests/echo-go":          {"abi"},
		"guests/sdk/go":           {"abi"},
		"guests/transcripts/go":   {"guests/sdk/go"},
		"cmd/wherry":              {"runtime", "wasmhost", "guests", toml},

		// Support for tests, which no package above may import.
		"internal/attack":      nil,
		"internal/conformance": {gobwas},
	}
}

// mayNotImport is what of the standard library some packages keep away from.
func mayNotImport() map[string][]string {
	io := []string{"net", "net/http", "os", "syscall", "bufio", "log", "log/slog"}
	return map[string][]string{
		// The contract and the protocol are bytes in, values out.
		"abi":               io,
		"netpoll/proxyhead": io,
		"netpoll/wsframe":   io,
		"netpoll/wsdeflate": io,
		"netpoll/wshead":    without(io, "net/http"), // for the texts of its statuses
		// What a guest links is what it carries, and other compilers have less of it.
		"guests/sdk/go": append([]string{"fmt", "encoding/json"}, io...),
		// The embedding API is told everything: flags and files belong to cmd.
		"runtime": {"flag", "os", "io/fs", "path/filepath", "embed"},
	}
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == item })
}

// A sourceFile is a Go file that is no test, of any platform.
type sourceFile struct {
	pkg  string // folder below the root, "" for the root
	name string
	ast  *ast.File
}

// imports returns the paths that f imports.
func (f *sourceFile) imports() (paths []string) {
	for _, spec := range f.ast.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// sourceFiles parses the whole module, whatever the platform of a file.
func sourceFiles(t *testing.T) (files []*sourceFile) {
	t.Helper()
	for _, name := range treeFiles(t) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
			strings.HasPrefix(name, "bench/") || strings.Contains(name, "testdata/") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		pkg := path.Dir(name)
		if pkg == "." {
			pkg = ""
		}
		files = append(files, &sourceFile{pkg, name, parsed})
	}
	return files
}

// treeFiles returns the paths, with slashes, of all files below the root that
// are the project's: hidden folders but .ci are not, nor is what npm installed.
func treeFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			hidden := strings.HasPrefix(entry.Name(), ".") && name != "." && name != ".ci"
			if hidden || entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		files = append(files, filepath.ToSlash(name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Arrows only point down.
func TestImports(t *testing.T) {
	may, mayNot := mayImport(), mayNotImport()
	for _, f := range sourceFiles(t) {
		allowed, known := may[f.pkg]
		if !known {
			t.Errorf("%s: package %q has no place in the architecture; give it one in mayImport", f.name, f.pkg)
			continue
		}
		for _, p := range f.imports() {
			if isStandard(p) {
				if slices.Contains(mayNot[f.pkg], p) {
					t.Errorf("%s imports %s, which package %s keeps away from", f.name, p, f.pkg)
				}
				continue
			}
			ours, isOurs := strings.CutPrefix(p, modulePath+"/")
			ok := slices.ContainsFunc(allowed, func(a string) bool {
				return a == ours || !isOurs && (p == a || strings.HasPrefix(p, a+"/"))
			})
			if !ok {
				t.Errorf("%s imports %s; package %s may import %q", f.name, p, f.pkg, allowed)
			}
		}
	}
}

// isStandard reports whether path is in the standard library, whose paths have
// no dot in their first element.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// Who embeds Wherry depends on its own types alone: the engine and the frame
// library can be replaced without breaking anybody.
func TestExportedAPIKeepsDependenciesOut(t *testing.T) {
	for _, f := range sourceFiles(t) {
		if f.pkg != "runtime" && f.pkg != "abi" {
			continue
		}
		foreign := foreignNames(f)
		for _, decl := range f.ast.Decls {
			exportedParts(decl, func(part ast.Node) {
				ast.Inspect(part, func(n ast.Node) bool {
					selector, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					if x, ok := selector.X.(*ast.Ident); ok && foreign[x.Name] {
						t.Errorf("%s: the exported API mentions %s.%s", f.name, x.Name, selector.Sel.Name)
					}
					return true
				})
			})
		}
	}
}

// foreignNames returns the names by which f calls packages of our dependencies.
func foreignNames(f *sourceFile) map[string]bool {
	names := make(map[string]bool)
	for _, spec := range f.ast.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		if isStandard(p) || strings.HasPrefix(p, modulePath+"/") {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = true
	}
	return names
}

// exportedParts calls visit with everything in decl that users of the package
// see: signatures, types without their unexported fields, types and values of
// variables and constants, but no function bodies.
func exportedParts(decl ast.Decl, visit func(ast.Node)) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || isExportedType(d.Recv.List[0].Type)) {
			visit(d.Type)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					exportedFields(s.Type, visit)
				}
			case *ast.ValueSpec:
				if slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
					visit(s)
				}
			}
		}
	}
}

// exportedFields visits the type of every field of a struct that is exported or
// embedded, and any other type as a whole.
func exportedFields(typ ast.Expr, visit func(ast.Node)) {
	s, ok := typ.(*ast.StructType)
	if !ok {
		visit(typ)
		return
	}
	for _, field := range s.Fields.List {
		if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
			visit(field.Type)
		}
	}
}

// isExportedType reports whether a receiver's type is exported.
func isExportedType(typ ast.Expr) bool {
	switch x := typ.(type) {
	case *ast.StarExpr:
		return isExportedType(x.X)
	case *ast.IndexExpr:
		return isExportedType(x.X)
	case *ast.Ident:
		return x.IsExported()
	}
	return false
}

// Three dependencies for the engine and one for the binary, which mayImport keeps
// apart; each with its reason in go.mod.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	slices.Sort(direct)
	if want := []string{gobwas, toml, wazero, xsys}; !slices.Equal(direct, want) {
		t.Errorf("go.mod requires %q, want %q", direct, want)
	}
}

// What is left to do is an issue, and no file knows where somebody keeps a
// checkout of it.
func TestTreeIsClean(t *testing.T) {
	todo := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b(\(#\d+\))?`)
	checkout := regexp.MustCompile("(^|[\\s\"'`=(:])/(home|root|Users|work|workspace|builds)/")
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range treeFiles(t) {
		if name == "arch_test.go" {
			continue // it has the patterns
		}
		content, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(content, 0) {
			continue // no text
		}
		for i, line := range strings.Split(string(content), "\n") {
			if m := todo.FindStringSubmatch(line); m != nil && m[2] == "" {
				t.Errorf("%s:%d: %s without an issue; write it as %s(#number)", name, i+1, m[1], m[1])
			}
			if checkout.MatchString(line) || strings.Contains(line, here+"/") {
				t.Errorf("%s:%d: a path of somebody's machine: %s", name, i+1, line)
			}
		}
	}
}

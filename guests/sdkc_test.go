package guests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What people copy from the README of the SDK for C is built here, with its own
// commands.

// fenced returns the code blocks of a document in one language, at least one.
func fenced(t *testing.T, document, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "\n```") {
		if rest, ok := strings.CutPrefix(part, language+"\n"); ok && i%2 == 1 {
			blocks = append(blocks, rest+"\n")
		}
	}
	if blocks == nil {
		t.Fatalf("%s has no block of %s", document, language)
	}
	return blocks
}

// buildLine returns the command of the README that starts with a tool, for other files.
func buildLine(t *testing.T, document, tool string, rename *strings.Replacer) []string {
	t.Helper()
	for _, b := range fenced(t, document, "sh") {
		for line := range strings.Lines(b) {
			if !strings.HasPrefix(line, tool) {
				continue
			}
			words := strings.Fields(line)
			if _, err := exec.LookPath(words[0]); err != nil {
				t.Skip(err)
			}
			for i := range words {
				words[i] = rename.Replace(words[i])
			}
			return words
		}
	}
	t.Fatalf("%s has no command %s", document, tool)
	return nil
}

// TestReadmeOfC builds each block, without a warning: one that defines a guest as a
// whole, and has it initialised; of the others, which are parts, it checks the syntax.
func TestReadmeOfC(t *testing.T) {
	const document = "sdk/c/README.md"
	for _, b := range fenced(t, document, "c") {
		name, _, _ := strings.Cut(b, "\n")
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			include := "#include \"wherry_app.h\"\n"
			if strings.Contains(b, include) {
				include = ""
			}
			source := filepath.Join(dir, "my.c")
			if err := os.WriteFile(source, []byte(include+b), 0o666); err != nil {
				t.Fatal(err)
			}
			here := strings.NewReplacer("my.", filepath.Join(dir, "my."), "guests/sdk/c", "sdk/c")
			compile := append(buildLine(t, document, "clang", here), "-Werror")
			isWhole := strings.Contains(b, "WHERRY_GUEST(")
			if !isWhole {
				compile = append(compile, "-fsyntax-only", "-Wno-unused-function")
			}
			runTool(t, compile)
			if !isWhole {
				return
			}
			runTool(t, buildLine(t, document, "wasm-ld", here))
			wasm, err := os.ReadFile(filepath.Join(dir, "my.wasm"))
			if err != nil {
				t.Fatal(err)
			}
			boot(t, wasm)
		})
	}
}

func runTool(t *testing.T, words []string) {
	t.Helper()
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

// TestLimitsOfC: every size that can be set is in the README's table, with its default.
func TestLimitsOfC(t *testing.T) {
	readme, err := os.ReadFile("sdk/c/README.md")
	if err != nil {
		t.Fatal(err)
	}
	headers, err := filepath.Glob("sdk/c/*.h")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, header := range headers {
		text, err := os.ReadFile(header)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			name, ok := strings.CutPrefix(line, "#ifndef ")
			if !ok || strings.HasSuffix(name, "_H") || name == "WHERRY_WANTS" {
				continue
			}
			found++
			value, _, _ := strings.Cut(strings.TrimPrefix(lines[i+1], "#define "+name+" "), " //")
			value = strings.NewReplacer("(", "", ")", "", " * 1024", " KiB", "1024", "1 KiB").Replace(value)
			if row := "| `" + name + "` | " + value + " |"; !strings.Contains(string(readme), row) {
				t.Errorf("%s: the table of limits has no row %q", header, row)
			}
		}
	}
	if found < 10 {
		t.Errorf("%d sizes found", found)
	}
}

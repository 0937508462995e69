package assemblyscript

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/abi"
)

// A block is a fenced code block of README.md.
type block struct {
	language, text string
	line           int // of its first line of code
}

func blocks(t *testing.T) (found []block) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllSubmatchIndex(readme, -1) {
		line := 1 + bytes.Count(readme[:m[4]], []byte("\n"))
		found = append(found, block{string(readme[m[2]:m[3]]), string(readme[m[4]:m[5]]), line})
	}
	if len(found) < 10 {
		t.Fatalf("README.md has %d blocks of code", len(found))
	}
	return found
}

// compiler returns the command that ASC names, or asc. Without one of the version
// that package.json has there is nothing to test with, except where CI is set.
func compiler(t *testing.T) string {
	t.Helper()
	asc := os.Getenv("ASC")
	if asc == "" {
		asc = "asc"
	}
	asc, err := exec.LookPath(asc)
	version := []byte("none")
	if err == nil {
		version, err = exec.Command(asc, "--version").Output()
	}
	manifest, readErr := os.ReadFile("package.json")
	if readErr != nil {
		t.Fatal(readErr)
	}
	number := strings.TrimPrefix(strings.TrimSpace(string(version)), "Version ")
	if err == nil && bytes.Contains(manifest, []byte(`"assemblyscript": "`+number+`"`)) {
		return asc
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no asc of the version in package.json, but %s: %v", number, err)
	}
	t.Skipf("no asc of the version in package.json, but %s: %v", number, err)
	return ""
}

// project returns a folder in which the SDK is installed.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	sdk, err := os.Getwd()
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "node_modules"), 0o777)
	}
	if err == nil {
		err = os.Symlink(sdk, filepath.Join(dir, "node_modules", "wherry"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func save(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func runIn(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestReadmeGuest builds the first guest with the README's own command, and runs it.
func TestReadmeGuest(t *testing.T) {
	asc := compiler(t)
	dir := project(t)
	all := blocks(t)
	name, _, _ := strings.Cut(strings.TrimPrefix(all[0].text, "// "), "\n")
	save(t, dir, name, all[0].text)
	var built bool
	for line := range strings.Lines(all[1].text) {
		if args, ok := strings.CutPrefix(strings.TrimSpace(line), "npx asc "); ok {
			runIn(t, dir, asc, strings.Fields(args)...)
			built = true
		}
	}
	if !built {
		t.Fatal("the second block does not build the first")
	}
	h := start(t, filepath.Join(dir, "guest.wasm"))
	said := h.turn(connect(1, "/chat"), text(1, "hello"))
	if len(said) != 3 || said[2].Kind != abi.Publish || said[2].data != "chathello" {
		t.Errorf("got %v", said)
	}
}

// TestReadmeSnippets compiles all of the README, which leaves out imports.
func TestReadmeSnippets(t *testing.T) {
	asc := compiler(t)
	dir := project(t)
	names := exportedNames(t)
	args := []string{"--config", "node_modules/wherry/asconfig.json", "-O0", "-o", "all.wasm"}
	for _, b := range blocks(t)[1:] {
		if b.language != "ts" {
			continue
		}
		var used []string
		for _, name := range names {
			if regexp.MustCompile(`\b` + name + `\b`).MatchString(b.text) {
				used = append(used, name)
			}
		}
		file := fmt.Sprintf("line%d.ts", b.line)
		// What is exported is compiled, whether or not anything uses it.
		source := regexp.MustCompile(`(?m)^class `).ReplaceAllString(b.text, "export class ")
		save(t, dir, file, "import { "+strings.Join(used, ", ")+" } from \"wherry\";\n"+source)
		args = append(args, file)
	}
	save(t, dir, "exports.ts", "export * from \"wherry/exports\";\n")
	runIn(t, dir, asc, append(args, "exports.ts")...)
}

// exportedNames returns what index.ts exports.
func exportedNames(t *testing.T) (names []string) {
	t.Helper()
	for _, file := range []string{"index.ts", "abi.ts"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^export (?:\{ (.*) \} from|(?:const|function) (\w+))`).FindAllSubmatch(source, -1) {
			names = append(names, strings.Split(string(m[1])+string(m[2]), ", ")...)
		}
	}
	return names
}

// TestSizes: buffers of other sizes are asked for on the command line.
func TestSizes(t *testing.T) {
	asc := compiler(t)
	dir := project(t)
	save(t, dir, "guest.ts", "import { Endpoint, register } from \"wherry\";\nexport * from \"wherry/exports\";\nregister(\"/\", new Endpoint());\n")
	runIn(t, dir, asc, "guest.ts", "--config", "node_modules/wherry/asconfig.json", "-O0", "-o", "guest.wasm",
		"--use", "WHERRY_INBOX_BYTES=4096", "--use", "WHERRY_OUTBOX_RECORDS=16", "--use", "WHERRY_STAGE_BYTES=4096")
	h := start(t, filepath.Join(dir, "guest.wasm"))
	if got := h.instance.MaxInboxPayload(); got != 4096-abi.RecordSize {
		t.Errorf("the largest payload in the inbox has %d bytes", got)
	}
	events := make([]event, 40)
	for i := range events {
		events[i] = connect(uint64(i+1), "/")
	}
	if said := h.turn(events...); len(said) != 40 || h.flushes != 2 {
		t.Errorf("%d commands and %d flushes", len(said), h.flushes)
	}
}

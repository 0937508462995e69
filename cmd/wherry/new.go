package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	slashpath "path"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/seed-c6589352/wherry/guests/sdk"
)

const newAbout = `write a guest that works, with its test and its build command

NAME is that of the guest, and of the folder to make for it below this one:
lower case letters, digits and hyphens, with a letter in front. The guest is a
page long and passes on what anybody says to everybody. It comes with a script
for "wherry test", a wherry.toml for "wherry dev" and a README.md that has the
commands; a guest in Go has a test in Go, too, and one in another language a copy
of its SDK. Nothing that is there is written over.`

// templates are what new projects are made of: a folder for each language, and what is
// common to all. Files lose their ending.
//
//go:embed templates
var templates embed.FS

// A language is one that guests can be written in.
type language struct {
	word  string // for --lang, and the name of its templates
	name  string
	needs string // what has to be installed, as a sentence
	build string // a template of the build command
	also  string // more for the README, if anything
	sdk   func() fs.FS
}

func languages() []language {
	return []language{
		{
			word: "go", name: "Go", needs: "It needs Go and nothing else.",
			build: "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -trimpath -o {{.Name}}.wasm .",
			also:  "`main_test.go` tests it with `go test`.",
		},
		{
			word: "c", name: "C", needs: "It needs clang and lld; on Debian, `apt-get install clang-14 lld-14`.",
			build: "${CLANG:-clang-14} --target=wasm32 -std=c11 -ffreestanding -nostdlib -O2 -mbulk-memory -Wall -Wextra -Wno-unused-function -I sdk/c -c main.c -o main.o && ${WASM_LD:-wasm-ld-14} --no-entry --gc-sections --strip-debug --stack-first -z stack-size=16384 -o {{.Name}}.wasm main.o",
			also:  "The SDK is in `sdk/c`, a folder of headers.",
			sdk:   sdk.C,
		},
		{
			word: "rust", name: "Rust", needs: "It needs Rust with the target `wasm32-unknown-unknown`; with rustup, `rustup target add wasm32-unknown-unknown`.",
			build: "${RUSTC:-rustc} --edition 2021 --target wasm32-unknown-unknown -C opt-level=2 -C panic=abort --crate-type rlib --crate-name wherry -o libwherry.rlib sdk/rust/src/lib.rs && ${RUSTC:-rustc} --edition 2021 --target wasm32-unknown-unknown -C opt-level=2 -C panic=abort -C lto -C strip=debuginfo --crate-type cdylib --crate-name guest --extern wherry=libwherry.rlib -o {{.Name}}.wasm src/lib.rs",
			also:  "The SDK is in `sdk/rust`, a crate without dependencies, and `cargo check` works as well.",
			sdk:   sdk.Rust,
		},
		{
			word: "assemblyscript", name: "AssemblyScript", needs: "It needs Node.js; `npm install` brings the compiler, once.",
			build: "${ASC:-npx asc} main.ts --config sdk/assemblyscript/asconfig.json -o {{.Name}}.wasm",
			also:  "The SDK is in `sdk/assemblyscript`.",
			sdk:   sdk.AssemblyScript,
		},
	}
}

func languageWords() (words []string) {
	for _, l := range languages() {
		words = append(words, l.word)
	}
	return words
}

// A project is what templates are filled with.
type project struct {
	Name, Language, Needs, Build, Also string
	goModule
}

func newProject(c command, args []string, stdout, _ io.Writer) error {
	lang := oneOf{"go", languageWords()}
	flags := newFlags()
	flags.Var(&lang, "lang", "`LANGUAGE` of the guest: go, c, rust or assemblyscript")
	operands, err := c.parse(flags, args, stdout)
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		return usagef("new takes one name, not %d; write wherry new --lang LANGUAGE NAME", len(operands))
	}
	name := operands[0]
	if !isProjectName(name) {
		return usagef("%.60q cannot name a guest; write a lower case letter, and up to 39 more, digits and hyphens", name)
	}
	for _, l := range languages() {
		if l.word == lang.value {
			return writeProject(stdout, name, l)
		}
	}
	return nil
}

// isProjectName reports whether s can be the name of a folder, a file, a tenant, a
// module of Go's and a crate.
func isProjectName(s string) bool {
	const letters, more = "abcdefghijklmnopqrstuvwxyz", "0123456789-"
	return s != "" && len(s) <= 40 && strings.Contains(letters, s[:1]) && strings.Trim(s, letters+more) == "" && !strings.HasSuffix(s, "-")
}

// writeProject makes the folder and everything in it.
func writeProject(stdout io.Writer, name string, l language) error {
	p := &project{Name: name, Language: l.name, Needs: l.needs, Also: l.also}
	build, err := fill("build", l.build, p)
	if err != nil {
		return err
	}
	p.Build = string(build)
	contents := make(map[string][]byte)
	if l.word == "go" {
		p.goModule = findModule()
		if p.sums != nil {
			contents["go.sum"] = p.sums
		}
	}
	for _, folder := range []string{"common", l.word} {
		if err := fillAll(contents, folder, p); err != nil {
			return err
		}
	}
	if l.sdk != nil {
		if err := readAll(contents, l.sdk(), "sdk/"+l.word); err != nil {
			return err
		}
	}
	if err := os.Mkdir(name, 0o777); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already; choose another name, or remove it", name)
		}
		return fmt.Errorf("cannot make %s: %w", name, cause(err))
	}
	for file, content := range contents {
		to := filepath.Join(name, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return fmt.Errorf("cannot write %s: %w", to, cause(err))
		}
		if err := os.WriteFile(to, content, 0o666); err != nil {
			return fmt.Errorf("cannot write %s: %w", to, cause(err))
		}
	}
	fmt.Fprintf(stdout, "%s is a guest in %s. %s\n\n  cd %s\n  wherry dev .\n\n%s/README.md says more.\n", name, l.name, l.needs, name, name)
	if l.word == "go" && p.Clone == "" {
		fmt.Fprintf(stdout, "Before that, \"go mod tidy\" finds what it requires.\n")
	}
	return nil
}

// fillAll fills in the templates of a folder.
func fillAll(contents map[string][]byte, folder string, p *project) error {
	root := slashpath.Join("templates", folder)
	return fs.WalkDir(templates, root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := templates.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, root+"/"), ".tmpl")
		if name == "gitignore" {
			name = ".gitignore" // which no embedded folder has
		}
		contents[name], err = fill(name, string(text), p)
		return err
	})
}

func fill(name, text string, p *project) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, p)
	return b.Bytes(), err
}

// readAll reads every file of an SDK, to be written below a folder.
func readAll(contents map[string][]byte, from fs.FS, below string) error {
	return fs.WalkDir(from, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contents[slashpath.Join(below, file)], err = fs.ReadFile(from, file)
		return err
	})
}

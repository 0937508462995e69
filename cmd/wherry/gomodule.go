package main

import (
	"bytes"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"strings"
)

// modulePath is what a guest in Go requires.
const modulePath = "github.com/seed-c6589352/wherry"

// A goModule is what a go.mod says of Wherry, so that a guest in Go can be built: with
// the clone that this binary was built in, without any network; or else with the version
// that it was built of.
type goModule struct {
	Go       string   // the version of the language
	Version  string   // to require
	Clone    string   // where the clone is; empty: nowhere
	Requires []string // what the clone requires itself
	sums     []byte   // its go.sum
}

// findModule finds out what to require.
func findModule() goModule {
	if clone := sourceFolder(); clone != "" {
		if m, ok := cloneModule(clone); ok {
			return m
		}
	}
	version := "latest"
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		version = info.Main.Version
	}
	return goModule{Go: languageVersion(), Version: version}
}

// sourceFolder returns the folder of the module that this was compiled in, if the binary
// knows it and it is a clone: what "go install" has fetched has a version instead.
func sourceFolder() string {
	_, file, _, ok := goruntime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return "" // built with -trimpath
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if strings.Contains(filepath.Base(root), "@") {
		return ""
	}
	return root
}

// cloneModule returns what there is to say of a clone, if it is one.
func cloneModule(dir string) (m goModule, ok bool) {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !bytes.HasPrefix(text, []byte("module "+modulePath+"\n")) {
		return goModule{}, false
	}
	m = goModule{Go: languageVersion(), Version: "v0.0.0", Clone: dir}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "//")
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		switch {
		case len(fields) == 2 && fields[0] == "go":
			m.Go = fields[1]
		case len(fields) == 2 && strings.HasPrefix(fields[1], "v"):
			m.Requires = append(m.Requires, fields[0]+" "+fields[1])
		}
	}
	m.sums, err = os.ReadFile(filepath.Join(dir, "go.sum"))
	return m, err == nil
}

// languageVersion returns the version of the Go that this was compiled with.
func languageVersion() string {
	version, _, _ := strings.Cut(strings.TrimPrefix(goruntime.Version(), "go"), "-")
	version, _, _ = strings.Cut(version, " ")
	return version
}

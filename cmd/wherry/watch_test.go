package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestWatcher(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	later := time.Now()
	touch := func(name string) {
		t.Helper()
		later = later.Add(time.Second)
		if err := os.Chtimes(filepath.Join(dir, name), later, later); err != nil {
			t.Fatal(err)
		}
	}
	put("main.c", "one")
	put("src/lib.rs", "one")
	w := watcher{dir: dir}
	for _, tc := range []struct {
		name string
		do   func()
		want []string
	}{
		{"the first time", func() {}, []string{"main.c", "src/lib.rs"}},
		{"nothing", func() {}, nil},
		{"another content", func() { put("main.c", "two") }, []string{"main.c"}},
		{"another content of the same size and time", func() { touch("main.c"); put("main.c", "six"); touch("main.c") }, []string{"main.c"}},
		{"the same content", func() { put("main.c", "six"); touch("main.c") }, nil},
		{"a new file", func() { put("src/a/b.rs", "") }, []string{"src/a/b.rs"}},
		{"two", func() { put("src/a/b.rs", "x"); put("a", "") }, []string{"a", "src/a/b.rs"}},
		{"one that goes", func() { os.Remove(filepath.Join(dir, "a")) }, []string{"a"}},
		{"a folder that goes", func() { os.RemoveAll(filepath.Join(dir, "src")) }, []string{"src/a/b.rs", "src/lib.rs"}},
		{"what is hidden", func() { put(".git/x", ""); put(".main.c.swp", "") }, nil},
		{"what is made", func() {
			put("my.wasm", "")
			put("main.o", "")
			put("target/x", "")
			put("node_modules/x", "")
			put("main.c~", "")
		}, nil},
		{"a link to nowhere", func() { os.Symlink("nowhere", filepath.Join(dir, "link")) }, nil},
		{"a large file", func() { put("large", string(make([]byte, digestBytes+1))) }, []string{"large"}},
		{"that was touched", func() { touch("large") }, []string{"large"}},
	} {
		tc.do()
		got, err := w.look()
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, %v; want %q", tc.name, got, err, tc.want)
		}
	}
	gone := watcher{dir: filepath.Join(dir, "gone")}
	if _, err := gone.look(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that there is not: %v", err)
	}
}

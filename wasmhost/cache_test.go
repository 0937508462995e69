package wasmhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c6589352/wherry/guests"
)

// cached returns the files of compiled code in a cache.
func cached(t *testing.T, dir string) (files []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if !strings.HasSuffix(f, sealSuffix) {
			files = append(files, f)
		}
	}
	return files
}

// fill compiles a guest with a host of its own, and tries it.
func fill(t *testing.T, dir string, wasm []byte) {
	t.Helper()
	h, err := New(Config{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Compile(wasm)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCacheDamage: what lies in the cache and is not what was put there is not
// executed, and does not keep a module from being admitted.
func TestCacheDamage(t *testing.T) {
	for _, tc := range []struct {
		name   string
		damage func(path string, b []byte) error
		keeps  bool
	}{
		{"nothing", func(string, []byte) error { return nil }, true},
		{"a bit of the code", func(path string, b []byte) error { b[len(b)-20] ^= 1; return os.WriteFile(path, b, 0o600) }, false},
		{"the number of functions", func(path string, b []byte) error { b[17] ^= 0x40; return os.WriteFile(path, b, 0o600) }, false},
		{"cut", func(path string, b []byte) error { return os.Truncate(path, int64(len(b)/2)) }, false},
		{"empty", func(path string, b []byte) error { return os.Truncate(path, 0) }, false},
		{"longer", func(path string, b []byte) error { return os.WriteFile(path, append(b, 0), 0o600) }, false},
		{"without its seal", func(path string, b []byte) error { return os.Remove(path + sealSuffix) }, false},
		{"with another's seal", func(path string, b []byte) error { return os.WriteFile(path+sealSuffix, make([]byte, 32), 0o600) }, false},
		{"gone", func(path string, b []byte) error { return os.Remove(path) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, guests.Echo())
			files := cached(t, dir)
			if len(files) != 1 {
				t.Fatalf("%d files in the cache, want 1", len(files))
			}
			whole, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := tc.damage(files[0], append([]byte(nil), whole...)); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Stat(files[0])
			h, err := New(Config{CacheDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			after, _ := os.Stat(files[0])
			if kept := before != nil && after != nil; kept != tc.keeps {
				t.Errorf("kept %v, want %v", kept, tc.keeps)
			}
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			fill(t, dir, guests.Echo())
			if again, err := os.ReadFile(files[0]); err != nil || len(again) != len(whole) {
				t.Errorf("%d bytes in the cache, %v; want %d", len(again), err, len(whole))
			}
			if _, err := os.Stat(files[0] + sealSuffix); err != nil {
				t.Error(err)
			}
		})
	}
}

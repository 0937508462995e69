package virtual

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestTrim(t *testing.T) {
	for _, tc := range []struct {
		most int64
		want []string
	}{
		{30, []string{"a", "b", "c"}},
		{29, []string{"a", "c"}}, // b is the oldest
		{10, []string{"c"}},
		{0, nil},
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		for name, age := range map[string]time.Duration{"a": 2, "b": 3, "c": 1} {
			path := filepath.Join(dir, "sub", name)
			if err := os.WriteFile(path, make([]byte, 10), 0o600); err != nil {
				t.Fatal(err)
			}
			then := now.Add(-age * time.Hour)
			if err := os.Chtimes(path, then, then); err != nil {
				t.Fatal(err)
			}
		}
		trim(dir, tc.most)
		entries, err := os.ReadDir(filepath.Join(dir, "sub"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%d bytes: %q are left, want %q", tc.most, got, tc.want)
		}
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGenerated fails when a committed file is not what the tables say.
func TestGenerated(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range outputs() {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
		if err != nil {
			t.Error(err)
			continue
		}
		// A checkout may have turned line ends into those of its system.
		got = bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n"))
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: run go generate ./abi", path)
		}
	}
}

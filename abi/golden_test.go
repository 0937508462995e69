package abi

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// golden reads the vectors of a file of version 1.
func golden[Vector any](t testing.TB, file string) []Vector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "v1", file))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []Vector
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(vectors) == 0 {
		t.Fatalf("%s: no vectors", file)
	}
	return vectors
}

// wire is bytes that JSON has as a string of hexadecimal digits.
type wire []byte

func (w *wire) UnmarshalText(text []byte) (err error) {
	*w, err = hex.DecodeString(string(text))
	return err
}

// canary fills the space behind what an encoder may write.
const canary = 0xa5

// guarded returns a buffer of size bytes whose neighbours are canaries, and a
// function that reports whether they still are.
func guarded(size int) (dst []byte, intact func() bool) {
	const guard = 16
	whole := make([]byte, size+guard)
	for i := range whole {
		whole[i] = canary
	}
	return whole[:size], func() bool { // capacity goes on: a stray append would show
		for _, b := range whole[size:] {
			if b != canary {
				return false
			}
		}
		return true
	}
}

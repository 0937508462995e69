package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seed-c6589352/wherry/guests"
)

// loadModule returns the guest that an operand names: an embedded one, or a
// file. A file that is called like an embedded guest is reached as ./echo.
func loadModule(name string) ([]byte, error) {
	if wasm := builtinModule(name); wasm != nil {
		return wasm, nil
	}
	return readModule(name)
}

// builtinModule returns an embedded guest, or nil.
func builtinModule(name string) []byte {
	switch name {
	case "echo":
		return guests.Echo()
	case "chat":
		return guests.Chat()
	}
	return nil
}

// readModule returns the contents of a file, which are never nil.
func readModule(path string) ([]byte, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read module %s: %w; give the path of a .wasm file, or echo or chat", path, cause(err))
	}
	if wasm == nil {
		wasm = []byte{} // an empty file is a module, if a bad one
	}
	return wasm, nil
}

// cause strips an error of the path that the caller names anyway.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

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
	switch name {
	case "echo":
		return guests.Echo(), nil
	case "chat":
		return guests.Chat(), nil
	}
	wasm, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read module %s: %w; give the path of a .wasm file, or echo or chat", name, cause(err))
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

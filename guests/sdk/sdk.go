// Package sdk holds the sources of the SDKs that a project has to have a copy of: those
// of the languages without a registry that knows them. A guest in Go requires the module.
package sdk

import (
	"embed"
	"io/fs"
)

//go:embed c/*.h rust/Cargo.toml rust/src assemblyscript/*.ts assemblyscript/asconfig.json
var files embed.FS

// C returns the headers of the SDK for C.
func C() fs.FS { return sub("c") }

// Rust returns the crate of the SDK for Rust.
func Rust() fs.FS { return sub("rust") }

// AssemblyScript returns the sources of the SDK for AssemblyScript, and the compiler's
// options for guests.
func AssemblyScript() fs.FS { return sub("assemblyscript") }

func sub(dir string) fs.FS {
	part, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the name is one of ours
	}
	return part
}

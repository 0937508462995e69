package main

import (
	"fmt"
	"io"
	"runtime/debug"
)

const versionAbout = `print the version

The line has the versions of wherry, of Go, and of wazero, the WebAssembly
engine, as the binary was built with them.`

func version(c command, args []string, stdout, _ io.Writer) error {
	operands, err := c.parse(newFlags(), args, stdout)
	if err != nil {
		return err
	}
	if len(operands) != 0 {
		return usagef("version takes no argument, but there is %q; leave it out", operands[0])
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this binary does not know its version; build it with Go modules")
	}
	_, err = fmt.Fprintf(stdout, "wherry %s, %s, wazero %s\n", build.Main.Version, build.GoVersion, engineVersion(build))
	return err
}

// engineVersion finds the WebAssembly engine among the modules of a build.
func engineVersion(build *debug.BuildInfo) string {
	for _, m := range build.Deps {
		if m.Path != "github.com/tetratelabs/wazero" {
			continue
		}
		if m.Replace != nil {
			m = m.Replace
		}
		return m.Version
	}
	return "unknown"
}

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/seed-c6589352/wherry/internal/virtual"
)

const testAbout = `play scripts of steps on a module, and say whether all is as they say

MODULE is the path of a .wasm file, or echo or chat, which are built in. Each
SCRIPT is a TOML file of steps: connect, send, receive, close and more, which
docs/testing.md describes. Every one is played on a server of its own, in memory
and in a time of its own, which only passes where a step says so.

The first step of a script that fails ends it, and is told in a line with its
place; what the guest and the server have logged until then follows. The exit
status is 1 if any failed.`

func test(c command, args []string, stdout, _ io.Writer) error {
	operands, err := c.parse(newFlags(), args, stdout)
	if err != nil {
		return err
	}
	if len(operands) < 2 {
		return usagef("test takes a module and one script or more; write wherry test MODULE SCRIPT")
	}
	module, err := loadModule(operands[0])
	if err != nil {
		return err
	}
	return playAll(stdout, operands[0], module, operands[1:])
}

// playAll plays scripts on a module. The error is all that failed.
func playAll(stdout io.Writer, name string, module []byte, scripts []string) error {
	all := &problemsError{}
	for _, path := range scripts {
		log, steps, err := playFile(path, name, module)
		var problems *problemsError
		switch {
		case errors.As(err, &problems):
			all.add(problems)
			for _, line := range log {
				fmt.Fprintf(stdout, "%s: log: %s\n", path, line)
			}
		case err != nil:
			return err
		default:
			fmt.Fprintf(stdout, "%s: %d steps passed\n", path, steps)
		}
	}
	if len(all.problems)+len(all.more) == 0 {
		return nil
	}
	return all
}

// playFile plays the script in a file.
func playFile(path, name string, module []byte) (log []virtual.Line, steps int, err error) {
	s, err := readScript(path)
	if err != nil {
		return nil, 0, err
	}
	log, err = s.play(module, name, func(file string) string {
		if filepath.IsAbs(file) {
			return file
		}
		return filepath.Join(filepath.Dir(path), file)
	})
	return log, len(s.steps), err
}

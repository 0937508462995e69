// Command wherry serves WebSocket connections with WebAssembly guests.
//
//	wherry serve [flags] [ROUTE=MODULE ...]
//	wherry check FILE
//	wherry inspect MODULE
//	wherry test MODULE SCRIPT ...
//	wherry new [flags] NAME
//	wherry dev [flags] DIR
//	wherry version
//
// "wherry COMMAND --help" says more. The exit status is 0 for success, 2 for a
// command line that cannot be right, and 1 for everything else that went wrong.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run executes the command that args name and returns the exit status. A
// failure is one line on stderr, or one for each problem of a file.
func run(args []string, stdout, stderr io.Writer) int {
	err := execute(args, stdout, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	lines := []string{firstLine(err.Error())}
	var problems *problemsError
	if errors.As(err, &problems) {
		lines = problems.lines()
	}
	for _, line := range lines {
		fmt.Fprintf(stderr, "wherry: %s\n", line)
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// A command is what the first argument names.
type command struct {
	name, operands, about string
	run                   func(c command, args []string, stdout, stderr io.Writer) error
}

func commands() []command {
	return []command{
		{"serve", "[ROUTE=MODULE ...]", serveAbout, serve},
		{"check", "FILE", checkAbout, check},
		{"inspect", "MODULE", inspectAbout, inspect},
		{"test", "MODULE SCRIPT ...", testAbout, test},
		{"new", "NAME", newAbout, newProject},
		{"dev", "DIR", devAbout, dev},
		{"version", "", versionAbout, version},
	}
}

func execute(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usagef(`no command; "wherry --help" lists them`)
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return printCommands(stdout)
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(c, args[1:], stdout, stderr)
		}
	}
	return usagef(`unknown command %q; "wherry --help" lists them`, args[0])
}

func printCommands(w io.Writer) error {
	fmt.Fprint(w, "wherry serves WebSocket connections with WebAssembly guests.\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", c.name, firstLine(c.about))
	}
	_, err := fmt.Fprint(w, "\n\"wherry COMMAND --help\" says more.\n")
	return err
}

// A usageError reports a command line that cannot be right. Its text says what
// to do instead.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// firstLine keeps a failure to one line, for whoever reads a log by line. What
// a guest printed before it crashed may be many.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

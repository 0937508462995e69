package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags returns an empty set of flags that prints nothing of its own.
func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// parse reads args into flags and returns the operands, which may stand before,
// between and after the flags; behind "--" everything is an operand. Asked for
// help it prints it to stdout and returns [flag.ErrHelp].
func (c command) parse(flags *flag.FlagSet, args []string, stdout io.Writer) (operands []string, err error) {
	for {
		switch err := flags.Parse(args); {
		case err == flag.ErrHelp:
			c.printHelp(stdout, flags)
			return nil, err
		case err != nil:
			// What package flag says would take a reader of Go to understand.
			text := strings.Replace(err.Error(), "flag provided but not defined:", "unknown flag", 1)
			return nil, usagef(`%s; see "wherry %s --help"`, text, c.name)
		}
		rest := flags.Args()
		read := len(args) - len(rest)
		if len(rest) == 0 || read > 0 && args[read-1] == "--" {
			return append(operands, rest...), nil
		}
		operands = append(operands, rest[0])
		args = rest[1:]
	}
}

func (c command) printHelp(w io.Writer, flags *flag.FlagSet) {
	hasFlags := false
	flags.VisitAll(func(*flag.Flag) { hasFlags = true })
	usage := "wherry " + c.name
	if hasFlags {
		usage += " [flags]"
	}
	if c.operands != "" {
		usage += " " + c.operands
	}
	fmt.Fprintf(w, "Usage: %s\n\n%s\n", usage, c.about)
	if !hasFlags {
		return
	}
	fmt.Fprint(w, "\nFlags:\n")
	flags.VisitAll(func(f *flag.Flag) {
		operand, text := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %-22s %s (%s)\n", strings.TrimSpace("--"+f.Name+" "+operand), text, f.DefValue)
	})
}

// oneOf is a flag whose value is one of a few words.
type oneOf struct {
	value   string
	choices []string
}

// String implements [flag.Value].
func (o *oneOf) String() string { return o.value }

// Set implements [flag.Value].
func (o *oneOf) Set(value string) error {
	for _, choice := range o.choices {
		if value == choice {
			o.value = value
			return nil
		}
	}
	return fmt.Errorf("it can be %s", strings.Join(o.choices, ", "))
}

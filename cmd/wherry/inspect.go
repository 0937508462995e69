package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/seed-c6589352/wherry/runtime"
	"github.com/seed-c6589352/wherry/wasmhost"
)

const inspectAbout = `describe a module, and say whether it would be admitted

MODULE is the path of a .wasm file, or echo or chat, which are built in. It is
scanned, compiled and tried exactly as the server would do it. The exit status
is 1 if it would be refused.`

func inspect(c command, args []string, stdout, _ io.Writer) error {
	operands, err := c.parse(newFlags(), args, stdout)
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		return usagef("inspect takes one module, not %d; write wherry inspect MODULE", len(operands))
	}
	name := operands[0]
	wasm, err := loadModule(name)
	if err != nil {
		return err
	}
	host, err := wasmhost.New(wasmhost.Config{})
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	defer host.Close()
	return report(stdout, host, name, wasm)
}

// report prints what is known of a module. The error is why it would be refused.
func report(w io.Writer, host *wasmhost.Host, name string, wasm []byte) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	row := func(what, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	row("module", "%s", name)
	row("size", "%d bytes", len(wasm))
	row("digest", "sha256:%x", sha256.Sum256(wasm))

	module, err := host.Compile(wasm)
	var refusal *wasmhost.AdmissionError
	switch {
	case errors.As(err, &refusal):
		row("admitted", "no")
		row("rule", "%s", refusal.Rule)
		row("reason", "%s", strings.ReplaceAll(refusal.Detail, "\n", "\n\t"))
		return refusedError(name, refusal)
	case err != nil:
		return fmt.Errorf("cannot try %s: %w", name, err)
	}
	defer module.Close()

	info := module.Info()
	row("ABI version", "%d", info.ABIVersion)
	row("imports", "%s", lines(info.Imports))
	row("exports", "%s", lines(info.Exports))
	row("memory", "%d to %d pages of 64 KiB", info.MemoryMinPages, info.MemoryMaxPages)
	row("inbox", "%d bytes", info.InboxBytes)
	row("outbox", "%d records", info.OutboxRecords)
	row("largest message", "%s", largestMessage(info))
	row("admitted", "yes")
	return nil
}

// lines puts one name on each line of a table's second column.
func lines(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, "\n\t")
}

// largestMessage says what bounds a message: the guest, or only the server.
func largestMessage(info wasmhost.Info) string {
	n := info.LargestMessage(runtime.MaxMessageBytes)
	if info.HasAlloc {
		return fmt.Sprintf("%d bytes, or less by --max-message", n)
	}
	return fmt.Sprintf("%d bytes, which is what its inbox holds", n)
}

// refusedError is the one line about a module that may not run.
func refusedError(name string, refusal *wasmhost.AdmissionError) error {
	return fmt.Errorf("module %s refused: %s: %s; build it as abi/SPEC.md asks, and check it with \"wherry inspect\"",
		name, refusal.Rule, firstLine(refusal.Detail))
}

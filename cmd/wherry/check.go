package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed-c6589352/wherry/runtime"
	"github.com/seed-c6589352/wherry/wasmhost"
)

const checkAbout = `say whether a configuration file would do, without serving

FILE is what "wherry serve --config" takes. Its modules are scanned, compiled and
tried as the server would do it, and each is listed with its digest and its
largest message. No port is opened. What is wrong is told in a line each, and
the exit status is then 1.`

func check(c command, args []string, stdout, _ io.Writer) error {
	operands, err := c.parse(newFlags(), args, stdout)
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		return usagef("check takes one file, not %d; write wherry check FILE", len(operands))
	}
	f, err := readConfig(operands[0])
	if f == nil {
		return err
	}
	f.loadModules() // its error, like those of what follows, is among the problems
	if len(f.doc.problems) == 0 {
		if err := f.complete(); err != nil {
			return err
		}
	}
	if err := f.admit(stdout); err != nil {
		return err
	}
	if err := f.doc.err(); err != nil {
		fmt.Fprintf(stdout, "%s would not start\n", f.doc.name)
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s would start, and listen on %s\n", f.doc.name, strings.Join(slices.Concat(f.listen, f.listenProxied), " and "))
	return err
}

// admit tries every module and prints a row for each. What is wrong with one is
// noted as a problem; an error is that none could be tried.
func (f *configFile) admit(w io.Writer) error {
	host, err := wasmhost.New(f.config.HostConfig())
	if err != nil {
		f.doc.fail(path{"cache_dir"}, "cannot start: %v", err)
		return f.doc.err()
	}
	defer host.Close()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	for i, t := range f.config.Tenants {
		if t.Name == "" || t.Module == nil {
			continue // a problem already
		}
		row, err := admitTenant(host, t)
		var refusal *wasmhost.AdmissionError
		switch {
		case errors.As(err, &refusal):
			f.failModule(i, refusal)
		case err != nil:
			f.doc.fail(tenantPath(i, "module"), "%v", err)
		}
		fmt.Fprintf(table, "%s\t%s\n", t.Name, row)
	}
	return nil
}

// admitTenant returns what there is to say of a module in one row of a table,
// even with an error.
func admitTenant(host *wasmhost.Host, t runtime.Tenant) (row string, err error) {
	module, err := host.Compile(t.Module)
	if err != nil {
		return "refused", err
	}
	defer module.Close()
	info := module.Info()
	largest := info.LargestMessage(cmp.Or(t.Limits.MessageBytes, defaultMessageBytes))
	row = fmt.Sprintf("sha256:%s\tlargest message %d bytes", info.Digest, largest)
	if pages := t.Limits.InstancePages(); info.MemoryMinPages > pages {
		return row, fmt.Errorf("the module starts with %d pages of memory, and may have %d; raise memory_pages", info.MemoryMinPages, pages)
	}
	return row, nil
}

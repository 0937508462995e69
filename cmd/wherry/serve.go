package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	goruntime "runtime"
	"strings"
	"syscall"
	"time"

	"github.com/seed-c6589352/wherry/runtime"
	"github.com/seed-c6589352/wherry/wasmhost"
)

const serveAbout = `serve WebSocket connections

Each ROUTE=MODULE gives the connections to a route to a guest. ROUTE is
[HOST]/PATH; a segment {name} of PATH matches any one segment, {name:int} (or
:float, :uuid) one that is that, a last {name...} all that is left. MODULE is the path of a .wasm file, or echo or chat, which are
built in. Routes with the same MODULE share one instance of it.

With --config the rest comes from a file, which docs/configuration.md describes
and "wherry check" checks. A flag that is given wins over what the file says;
--max-message does so for every tenant. Each ROUTE=MODULE is one route more; if
the file has a tenant that is called MODULE, the route leads to it.

Without any tenant and route there are /echo, /chat, and a page at / that tries
both in a browser.

With --pprof there are profiles of the process for "go tool pprof" at
http://ADDRESS/debug/pprof/. The address is a loopback one, such as 127.0.0.1:6060,
because they tell how the process was started and what it does.

SIGTERM and SIGINT stop the server: open connections close with --drain-code,
one after the other over --drain-window, while new ones are refused with 503.
Those that have not gone ten seconds later are dropped. A second signal ends it
at once.`

// spareProcessor returns how many loops there are to be, 0 being as many as Go has
// processors, and sees to it that it has one more. Where each is a loop's, the scheduler
// takes it away from a loop that waits, to see whether somebody else has a use for
// it, and that costs more than a message.
func spareProcessor(loops int) int {
	have := goruntime.GOMAXPROCS(0)
	loops = cmp.Or(loops, min(have, runtime.MaxLoops))
	if have <= loops {
		goruntime.GOMAXPROCS(loops + 1)
	}
	return loops
}

// drainTimeout is how long connections get to go when the last was told to.
const drainTimeout = 10 * time.Second

func serve(c command, args []string, stdout, stderr io.Writer) error {
	o, err := c.serveOptions(args, stdout)
	if err != nil {
		return err
	}
	f, err := o.settings()
	if err != nil {
		return err
	}
	logger := f.logger(stderr)
	f.config.Logger = logger
	// Before there is a port: whoever has read the address may send a signal.
	stopped, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	f.config.Loops, f.config.Dedicated = spareProcessor(f.config.Loops), true
	srv, err := runtime.New(f.config)
	if err != nil {
		return f.startError(err)
	}
	stopProfiles, err := f.serveProfiles(stderr)
	if err != nil {
		return errors.Join(err, shutdown(srv, f, logger))
	}
	defer stopProfiles()
	if _, err := announce(srv, f, stderr); err != nil {
		return errors.Join(err, shutdown(srv, f, logger))
	}
	<-stopped.Done()
	restore() // so that a second signal does what signals do
	return shutdown(srv, f, logger)
}

// announce listens on every address, and then says so, in a line for each. It returns
// the first address that is for clients, or nil.
func announce(srv *runtime.Server, f *configFile, stderr io.Writer) (first net.Addr, err error) {
	var lines strings.Builder
	for _, address := range f.listen {
		addr, err := srv.Listen("tcp", address)
		if err != nil {
			return nil, f.listenError("listen", address, err)
		}
		if first == nil {
			first = addr
		}
		fmt.Fprintf(&lines, "wherry: listening on %s\n", addr)
	}
	for _, address := range f.listenProxied {
		addr, err := srv.ListenProxied("tcp", address)
		if err != nil {
			return nil, f.listenError("listen_proxied", address, err)
		}
		fmt.Fprintf(&lines, "wherry: listening on %s for proxies\n", addr)
	}
	io.WriteString(stderr, lines.String())
	return first, nil
}

// shutdown drains srv. Connections that do not go in time are no failure: their
// peers may be long gone.
func shutdown(srv *runtime.Server, f *configFile, logger *slog.Logger) error {
	timeout := f.config.DrainWindow + drainTimeout
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		logger.Warn("dropped connections that did not close in time", slog.Duration("after", timeout))
		return nil
	}
	return err
}

// startError says in the terms of the file and the command line what runtime.New
// refused.
func (f *configFile) startError(err error) error {
	var module *runtime.ModuleError
	var refusal *wasmhost.AdmissionError
	switch {
	case errors.As(err, &module) && errors.As(err, &refusal):
		return f.refusedError(module.Tenant, refusal)
	case errors.Is(err, runtime.ErrConfig):
		return usagef(`%s; see "wherry serve --help"`, configDetail(err))
	}
	return fmt.Errorf("cannot start: %w", err)
}

// refusedError is about the module of a tenant.
func (f *configFile) refusedError(tenant string, refusal *wasmhost.AdmissionError) error {
	for i := range f.modules {
		if f.config.Tenants[i].Name == tenant {
			f.failModule(i, refusal)
			return f.doc.err()
		}
	}
	return refusedError(tenant, refusal) // from the command line, where the module names its tenant
}

// failModule notes that the module of the file's i-th tenant may not run.
func (f *configFile) failModule(i int, refusal *wasmhost.AdmissionError) {
	f.doc.fail(tenantPath(i, "module"), "%v", refusedError(f.modules[i], refusal))
}

// configDetail returns what an error that wraps runtime.ErrConfig says.
func configDetail(err error) string {
	_, text, _ := strings.Cut(err.Error(), runtime.ErrConfig.Error()+": ")
	return text
}

// listenError keeps of err what the caller does not know. key is what names the
// address.
func (f *configFile) listenError(key, address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = systemError(op.Err)
	}
	place := "with --listen"
	switch line := f.doc.line(path{key}); {
	case key != "listen":
		place = fmt.Sprintf("in %s:%d", f.doc.name, line)
	case line > 0 && !f.listenFlag:
		place = fmt.Sprintf("in %s:%d, or with --listen", f.doc.name, line)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another %s", address, err, place)
}

// systemError returns what the system says, without the name of the call.
func systemError(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

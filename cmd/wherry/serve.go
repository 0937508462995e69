package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-c6589352/wherry/runtime"
	"github.com/seed-c6589352/wherry/wasmhost"
)

const serveAbout = `serve WebSocket connections

Each ROUTE=MODULE gives the connections to a route to a guest. ROUTE is
[HOST]/PATH; a segment {name} of PATH matches any one segment, a last {name...}
all that is left. MODULE is the path of a .wasm file, or echo or chat, which are
built in. Routes with the same MODULE share one instance of it.

Without any ROUTE=MODULE there are /echo, /chat, and a page at / that tries both
in a browser.

SIGTERM and SIGINT stop the server: open connections close with 1001, and those
that have not gone after ten seconds are dropped. A second one ends it at once.`

// drainTimeout is how long connections get to go when the server stops.
const drainTimeout = 10 * time.Second

// serveOptions is the command line of serve.
type serveOptions struct {
	listen       string
	loops        int
	messageBytes int
	logLevel     oneOf
	logFormat    oneOf
	routes       []string // ROUTE=MODULE
}

func (c command) serveOptions(args []string, stdout io.Writer) (*serveOptions, error) {
	o := &serveOptions{
		logLevel:  oneOf{"info", []string{"debug", "info", "warn", "error"}},
		logFormat: oneOf{"text", []string{"text", "json"}},
	}
	flags := newFlags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on; port 0 takes a free one")
	flags.IntVar(&o.loops, "loops", 0, "`NUMBER` of event loops; 0 means one for each CPU")
	flags.IntVar(&o.messageBytes, "max-message", 1<<20, "`BYTES` of the largest message that a client may send")
	flags.Var(&o.logLevel, "log-level", "`LEVEL` from which on things are logged: debug, info, warn or error")
	flags.Var(&o.logFormat, "log-format", "`FORMAT` of the log: text or json")
	var err error
	if o.routes, err = c.parse(flags, args, stdout); err != nil {
		return nil, err
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return nil, usagef("cannot listen on %q; write --listen HOST:PORT", o.listen)
	}
	if o.messageBytes < 1 || o.messageBytes > runtime.MaxMessageBytes {
		return nil, usagef("largest message of %d bytes; --max-message can be 1 to %d", o.messageBytes, runtime.MaxMessageBytes)
	}
	return o, nil
}

// logger returns the logger that the flags describe.
func (o *serveOptions) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	level.UnmarshalText([]byte(o.logLevel.value)) // the flag has checked it
	options := &slog.HandlerOptions{Level: level}
	if o.logFormat.value == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// config reads the modules and says what the server is to do.
func (o *serveOptions) config(logger *slog.Logger) (runtime.Config, error) {
	config := runtime.Config{Loops: o.loops, Logger: logger}
	routes := o.routes
	if len(routes) == 0 {
		routes = []string{"/echo=echo", "/chat=chat"}
		config.HTTP = pageHandler()
	}
	loaded := make(map[string]bool)
	for _, r := range routes {
		pattern, module, ok := strings.Cut(r, "=")
		if !ok || pattern == "" || module == "" {
			return config, usagef("%q is no ROUTE=MODULE; write it as in /ws=echo", r)
		}
		config.Routes = append(config.Routes, runtime.Route{Pattern: pattern, Tenant: module})
		if loaded[module] {
			continue
		}
		loaded[module] = true
		wasm, err := loadModule(module)
		if err != nil {
			return config, err
		}
		config.Tenants = append(config.Tenants, runtime.Tenant{
			Name:   module,
			Module: wasm,
			Limits: runtime.Limits{MessageBytes: o.messageBytes},
		})
	}
	return config, nil
}

func serve(c command, args []string, stdout, stderr io.Writer) error {
	o, err := c.serveOptions(args, stdout)
	if err != nil {
		return err
	}
	logger := o.logger(stderr)
	config, err := o.config(logger)
	if err != nil {
		return err
	}
	// Before there is a port: whoever has read the address may send a signal.
	stopped, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	srv, err := runtime.New(config)
	if err != nil {
		return startError(err)
	}
	addr, err := srv.Listen("tcp", o.listen)
	if err != nil {
		return errors.Join(listenError(o.listen, err), shutdown(srv, logger))
	}
	fmt.Fprintf(stderr, "wherry: listening on %s\n", addr)
	<-stopped.Done()
	restore() // so that a second signal does what signals do
	return shutdown(srv, logger)
}

// shutdown drains srv. Connections that do not go in time are no failure: their
// peers may be long gone.
func shutdown(srv *runtime.Server, logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		logger.Warn("dropped connections that did not close in time", slog.Duration("after", drainTimeout))
		return nil
	}
	return err
}

// startError says in the terms of the command line what runtime.New refused.
func startError(err error) error {
	var module *runtime.ModuleError
	var refusal *wasmhost.AdmissionError
	switch {
	case errors.As(err, &module) && errors.As(err, &refusal):
		return refusedError(module.Tenant, refusal)
	case errors.Is(err, runtime.ErrConfig):
		_, text, _ := strings.Cut(err.Error(), runtime.ErrConfig.Error()+": ")
		return usagef(`%s; see "wherry serve --help"`, text)
	}
	return fmt.Errorf("cannot start: %w", err)
}

// listenError keeps of err what the caller does not know.
func listenError(address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another with --listen", address, err)
}

package main

import (
	"flag"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/seed-c6589352/wherry/runtime"
)

// serveOptions is the command line of serve.
type serveOptions struct {
	config       string // path; empty: none
	listen       string
	loops        int
	messageBytes int
	drainWindow  time.Duration
	drainCode    int
	pprof        string // empty: none
	logLevel     oneOf
	logFormat    oneOf
	routes       []string        // ROUTE=MODULE
	given        map[string]bool // flags that are on the command line, by name
}

func (c command) serveOptions(args []string, stdout io.Writer) (*serveOptions, error) {
	o := &serveOptions{
		logLevel:  oneOf{"info", logLevels()},
		logFormat: oneOf{"text", logFormats()},
		given:     make(map[string]bool),
	}
	flags := newFlags()
	flags.StringVar(&o.config, "config", "", "`FILE` with listeners, tenants, routes and limits, in TOML")
	flags.StringVar(&o.listen, "listen", defaultAddress, "`ADDRESS` to listen on; port 0 takes a free one")
	flags.IntVar(&o.loops, "loops", 0, "`NUMBER` of event loops; 0 means one for each CPU")
	flags.IntVar(&o.messageBytes, "max-message", defaultMessageBytes, "`BYTES` of the largest message that a client may send")
	flags.DurationVar(&o.drainWindow, "drain-window", 0, "`TIME` over which connections are closed when the server stops; 0 means at once")
	flags.IntVar(&o.drainCode, "drain-code", 1001, "`CODE` that they are closed with: 1001 for going away, 1012 for a restart")
	flags.StringVar(&o.pprof, "pprof", "", "loopback `ADDRESS` for profiles of the process; none by default")
	flags.Var(&o.logLevel, "log-level", "`LEVEL` from which on things are logged: debug, info, warn or error")
	flags.Var(&o.logFormat, "log-format", "`FORMAT` of the log: text or json")
	var err error
	if o.routes, err = c.parse(flags, args, stdout); err != nil {
		return nil, err
	}
	flags.Visit(func(f *flag.Flag) { o.given[f.Name] = true })
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return nil, usagef("cannot listen on %q; write --listen HOST:PORT", o.listen)
	}
	if o.messageBytes < 1 || o.messageBytes > runtime.MaxMessageBytes {
		return nil, usagef("largest message of %d bytes; --max-message can be 1 to %d", o.messageBytes, runtime.MaxMessageBytes)
	}
	if o.given["pprof"] && !isLoopbackAddress(o.pprof) {
		return nil, usagef("profiles on %q; --pprof can be a loopback address, such as 127.0.0.1:6060", o.pprof)
	}
	if o.drainWindow < 0 || o.drainWindow > longest {
		return nil, usagef("drain window of %v; --drain-window can be 0 to %v", o.drainWindow, longest)
	}
	if !slices.Contains(drainCodes(), o.drainCode) {
		return nil, usagef("drain code %d; --drain-code can be 1001 or 1012", o.drainCode)
	}
	return o, nil
}

// settings returns what the file says, if there is one, with its modules, and
// over it what the command line says.
func (o *serveOptions) settings() (*configFile, error) {
	f := &configFile{doc: &document{}}
	if o.given["config"] {
		var err error
		if f, err = readConfig(o.config); err != nil {
			return nil, err
		}
	}
	if err := f.loadModules(); err != nil {
		return nil, err
	}
	if err := f.addRoutes(o.routes); err != nil {
		return nil, err
	}
	f.override(o)
	return f, f.complete()
}

// addRoutes adds ROUTE=MODULE, and for each MODULE that is not the name of a
// tenant a tenant of that name.
func (f *configFile) addRoutes(routes []string) error {
	c := &f.config
	for _, r := range routes {
		pattern, module, ok := strings.Cut(r, "=")
		if !ok || pattern == "" || module == "" {
			return usagef("%q is no ROUTE=MODULE; write it as in /ws=echo", r)
		}
		c.Routes = append(c.Routes, runtime.Route{Pattern: pattern, Tenant: module})
		if slices.ContainsFunc(c.Tenants, func(t runtime.Tenant) bool { return t.Name == module }) {
			continue
		}
		wasm, err := loadModule(module)
		if err != nil {
			return err
		}
		c.Tenants = append(c.Tenants, runtime.Tenant{Name: module, Module: wasm})
	}
	return nil
}

// override puts the flags that were given in place of what the file says.
func (f *configFile) override(o *serveOptions) {
	if o.given["listen"] {
		f.listen, f.listenFlag = []string{o.listen}, true
	}
	if o.given["loops"] {
		f.config.Loops = o.loops
	}
	if o.given["max-message"] {
		for i := range f.config.Tenants {
			f.config.Tenants[i].Limits.MessageBytes = o.messageBytes
		}
	}
	if o.given["drain-window"] {
		f.config.DrainWindow = o.drainWindow
	}
	if o.given["drain-code"] {
		f.config.DrainCode = o.drainCode
	}
	if o.given["pprof"] {
		f.pprof, f.pprofFlag = o.pprof, true
	}
	if o.given["log-level"] {
		f.logLevel = o.logLevel.value
	}
	if o.given["log-format"] {
		f.logFormat = o.logFormat.value
	}
}

// complete fills in what neither the file nor the command line says. The error
// is that nothing would be served.
func (f *configFile) complete() error {
	if len(f.listen)+len(f.listenProxied) == 0 {
		f.listen = []string{defaultAddress}
	}
	if len(f.config.Routes) > 0 {
		return nil
	}
	if len(f.config.Tenants) > 0 {
		f.doc.fail(nil, "no route leads to a tenant; write a [[route]]")
		return f.doc.err()
	}
	f.config.HTTP = pageHandler()
	return f.addRoutes([]string{"/echo=echo", "/chat=chat"})
}

// logger returns the logger that f describes.
func (f *configFile) logger(w io.Writer) *slog.Logger {
	var level slog.Level // info, which is the default here too
	if f.logLevel != "" {
		level.UnmarshalText([]byte(f.logLevel)) // whoever read it has checked it
	}
	options := &slog.HandlerOptions{Level: level}
	if f.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

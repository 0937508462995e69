package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-c6589352/wherry/runtime"
)

// Defaults of what the engine leaves to the binary, and of what flags share with
// the configuration file.
const (
	defaultAddress      = "127.0.0.1:8080"
	defaultMessageBytes = 1 << 20
)

// drainCodes are the close codes that connections can be drained with.
func drainCodes() []int { return []int{1001, 1012} }

func logLevels() []string  { return []string{"debug", "info", "warn", "error"} }
func logFormats() []string { return []string{"text", "json"} }

// maxConns is more connections than any machine has.
const maxConns = 1 << 30

// maxConfigBytes is the size of the largest configuration file that is read.
const maxConfigBytes = 1 << 20

// A configFile is a configuration file that was understood. What it does not say
// is zero.
type configFile struct {
	doc       *document
	listen    []string
	logLevel  string
	logFormat string
	config    runtime.Config

	listenProxied []string // where connections begin with a PROXY header

	build string // the command that makes the modules; for "wherry dev"

	modules []string // of the file's tenants, the first of config.Tenants: as the file names them

	pprof string // where profiles are; empty: nowhere

	listenFlag bool // listen is not the file's
	pprofFlag  bool // nor is pprof
}

// readConfig reads a configuration file, without the modules that it names. The
// error is a [*problemsError] if it is about what is in the file; then f is what
// could be understood.
func readConfig(path string) (f *configFile, err error) {
	toTOML, err := readAtMost(path, maxConfigBytes)
	if err != nil {
		return nil, fmt.Errorf("cannot read configuration %s: %w; give the path of a TOML file of at most %s",
			path, cause(err), formatSize(maxConfigBytes))
	}
	return parseConfig(path, toTOML)
}

// errTooLarge is what is wrong with a configuration file of any other content.
var errTooLarge = fmt.Errorf("file too large")

// readAtMost returns the contents of a file of at most limit bytes.
func readAtMost(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	contents, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(contents)) > limit {
		err = errTooLarge
	}
	return contents, err
}

// parseConfig is readConfig without the reading. It does not touch the disk.
func parseConfig(path string, toTOML []byte) (f *configFile, err error) {
	f = &configFile{doc: parseDocument(path, toTOML)}
	if len(f.doc.problems) == 0 {
		value{f.doc, nil, f.doc.root}.readTable(f.keys())
		f.checkListeners()
		f.checkTenants()
		f.checkRoutes()
	}
	return f, f.doc.err()
}

func (f *configFile) keys() []key {
	c := &f.config
	return []key{
		{name: "listen", read: addresses(&f.listen)},
		{name: "loops", read: number(&c.Loops, 1, runtime.MaxLoops)},
		{name: "conns", read: number(&c.Conns, 1, maxConns)},
		{name: "address_conns", read: numberOrOff(&c.AddressConns, 1, maxConns)},
		{name: "trusted_proxies", read: prefixes(&c.TrustedProxies)},
		{name: "listen_proxied", read: addresses(&f.listenProxied)},
		{name: "head_timeout", read: duration(&c.HeadTimeout)},
		{name: "drain_window", read: duration(&c.DrainWindow)},
		{name: "drain_code", read: oneNumber(&c.DrainCode, drainCodes()...)},
		{name: "build", read: text(&f.build)},
		{name: "cache_dir", read: f.file(&c.CacheDir)},
		{name: "pprof", read: loopbackAddress(&f.pprof)},
		{name: "log", read: inTable(f.logKeys())},
		{name: "modules", read: inTable(moduleKeys(&c.Modules))},
		{name: "tenant", read: inTables(func(v value) {
			var t runtime.Tenant
			var module string
			v.readTable(tenantKeys(&t, &module))
			c.Tenants = append(c.Tenants, t)
			f.modules = append(f.modules, module)
		})},
		{name: "route", read: inTables(func(v value) {
			var r runtime.Route
			v.readTable(routeKeys(&r))
			c.Routes = append(c.Routes, r)
		})},
	}
}

func (f *configFile) logKeys() []key {
	return []key{
		{name: "level", read: choice(&f.logLevel, plainWords(logLevels())...)},
		{name: "format", read: choice(&f.logFormat, plainWords(logFormats())...)},
	}
}

func moduleKeys(m *runtime.ModuleLimits) []key {
	const most = 1<<32 - 1
	return []key{
		{name: "bytes", read: size(&m.Bytes, runtime.MaxModuleBytes)},
		{name: "types", read: number(&m.Types, 1, most)},
		{name: "imports", read: number(&m.Imports, 1, most)},
		{name: "functions", read: number(&m.Functions, 1, most)},
		{name: "exports", read: number(&m.Exports, 1, most)},
		{name: "globals", read: number(&m.Globals, 1, most)},
		{name: "tables", read: number(&m.Tables, 1, most)},
		{name: "segments", read: number(&m.Segments, 1, most)},
		{name: "elements", read: number(&m.Elements, 1, most)},
		{name: "params", read: number(&m.Params, 1, most)},
		{name: "locals", read: number(&m.Locals, 1, most)},
		{name: "all_locals", read: number(&m.AllLocals, 1, most)},
		{name: "body_bytes", read: number(&m.BodyBytes, 1, most)},
		{name: "blocks", read: number(&m.Blocks, 1, most)},
		{name: "intricacy", read: number(&m.Intricacy, 1, 1<<40)},
		{name: "table_entries", read: number(&m.TableEntries, 1, most)},
	}
}

func tenantKeys(t *runtime.Tenant, module *string) []key {
	return []key{
		{name: "name", required: true, read: text(&t.Name)},
		{name: "module", required: true, read: text(module)},
		{name: "config", read: texts(&t.Config)},
		{name: "limits", read: inTable(limitKeys(&t.Limits))},
	}
}

func limitKeys(l *runtime.Limits) []key {
	const maxPages = 65536
	const maxSendBytes = 1 << 30
	const maxTotalPages = 1 << 24
	const maxCount = 1_000_000_000
	const maxRateBytes = 1 << 30
	return []key{
		{name: "memory_pages", read: number(&l.MemoryPages, 1, maxPages)},
		{name: "message_bytes", read: size(&l.MessageBytes, runtime.MaxMessageBytes)},
		{name: "send_bytes", read: size(&l.SendBytes, maxSendBytes)},
		{name: "conns", read: number(&l.Conns, 1, maxConns)},
		{name: "requests", read: number(&l.Requests, 1, runtime.MaxRequests)},
		{name: "timers", read: number(&l.Timers, 1, runtime.MaxTimers)},
		{name: "event_fuel", read: number(&l.EventFuel, 1, runtime.MaxFuel)},
		{name: "turn_fuel", read: number(&l.TurnFuel, 1, runtime.MaxFuel)},
		{name: "turn_time", read: timeout(&l.TurnTime)},
		{name: "connect_timeout", read: timeout(&l.ConnectTimeout)},
		{name: "idle_timeout", read: timeout(&l.IdleTimeout)},
		{name: "ping_interval", read: timeout(&l.PingInterval)},
		{name: "ping_timeout", read: timeout(&l.PingTimeout)},
		{name: "close_timeout", read: duration(&l.CloseTimeout)}, // runtime lets nobody switch it off
		{name: "stall_timeout", read: timeout(&l.StallTimeout)},
		{name: "total_pages", read: number(&l.TotalPages, 1, maxTotalPages)},
		{name: "total_send_bytes", read: size(&l.TotalSendBytes, 1<<40)},
		{name: "topics", read: number(&l.Topics, 1, maxCount)},
		{name: "subscriptions", read: number(&l.Subscriptions, 1, maxCount)},
		{name: "conn_rate", read: number(&l.ConnRate, 1, maxCount)},
		{name: "message_rate", read: number(&l.MessageRate, 1, maxCount)},
		{name: "receive_rate", read: size(&l.ReceiveRate, maxRateBytes)},
		{name: "send_rate", read: size(&l.SendRate, maxRateBytes)},
		{name: "log_lines", read: number(&l.LogLines, 1, maxCount)},
	}
}

func routeKeys(r *runtime.Route) []key {
	return []key{
		{name: "pattern", required: true, read: text(&r.Pattern)},
		{name: "tenant", required: true, read: text(&r.Tenant)},
		{name: "placement", read: choice(&r.Placement,
			option[runtime.Placement]{"single", runtime.Single},
			option[runtime.Placement]{"per-loop", runtime.PerLoop})},
		{name: "origins", read: origins(&r.Origins)},
		{name: "disabled", read: yes(&r.Disabled)},
		{name: "slow", read: choice(&r.Slow,
			option[runtime.SlowPolicy]{"close", runtime.CloseSlow},
			option[runtime.SlowPolicy]{"drop", runtime.DropSlow})},
		{name: "deflate", read: func(v value) {
			r.Deflate = new(runtime.Deflate) // that it is there is what switches it on
			v.readTable(deflateKeys(r.Deflate))
		}},
	}
}

func deflateKeys(d *runtime.Deflate) []key {
	return []key{
		{name: "server_context_takeover", read: yes(&d.ServerContextTakeover)},
		{name: "client_context_takeover", read: yes(&d.ClientContextTakeover)},
		{name: "server_window_bits", read: number(&d.ServerWindowBits, 8, 15)},
		{name: "client_window_bits", read: number(&d.ClientWindowBits, 8, 15)},
		{name: "level", read: choice(&d.Level,
			option[runtime.DeflateLevel]{"fastest", runtime.DeflateFastest},
			option[runtime.DeflateLevel]{"balanced", runtime.DeflateBalanced},
			option[runtime.DeflateLevel]{"smallest", runtime.DeflateSmallest})},
		{name: "min_bytes", read: size(&d.MinBytes, runtime.MaxMessageBytes)},
	}
}

// file reads a path, which is relative to where the configuration file is.
func (f *configFile) file(to *string) reader {
	return func(v value) {
		var name string
		if text(&name)(v); name != "" {
			*to = f.resolve(name)
		}
	}
}

func (f *configFile) resolve(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(f.doc.name), name)
}

// checkListeners notes what is wrong with the addresses together.
func (f *configFile) checkListeners() {
	if len(f.listenProxied) > 0 && len(f.config.TrustedProxies) == 0 {
		f.doc.fail(path{"listen_proxied"}, "nobody could connect by listen_proxied; list the proxies in trusted_proxies")
	}
}

// checkTenants notes what is wrong with tenants that are right by themselves.
func (f *configFile) checkTenants() {
	seen := make(map[string]bool)
	for i, t := range f.config.Tenants {
		if t.Name != "" && seen[t.Name] {
			f.doc.fail(tenantPath(i, "name"), "two tenants are called %.60q; rename one", t.Name)
		}
		seen[t.Name] = true
		if all, one := t.Limits.TotalPages, t.Limits.InstancePages(); all != 0 && all < one {
			f.doc.fail(append(tenantPath(i, "limits"), "total_pages"), "%d pages in all are not enough for one instance, which gets %d; raise it, or lower memory_pages", all, one)
		}
	}
}

// checkRoutes is checkTenants for routes.
func (f *configFile) checkRoutes() {
	var names, patterns []string
	for _, t := range f.config.Tenants {
		if t.Name != "" && !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	for i, r := range f.config.Routes {
		if r.Tenant != "" && !slices.Contains(names, r.Tenant) {
			f.doc.fail(routePath(i, "tenant"), "there is no tenant %.60q; %s", r.Tenant, suggest(r.Tenant, names))
		}
		patterns = append(patterns, r.Pattern)
	}
	for i, err := range runtime.CheckPatterns(patterns) {
		if err != nil && patterns[i] != "" {
			f.doc.fail(routePath(i, "pattern"), "%s", configDetail(err))
		}
	}
}

// loadModules reads the modules of all tenants, or notes why it cannot.
func (f *configFile) loadModules() error {
	for i, name := range f.modules {
		t := &f.config.Tenants[i]
		if t.Module = builtinModule(name); t.Module != nil || name == "" {
			continue
		}
		var err error
		if t.Module, err = readModule(f.resolve(name)); err != nil {
			f.doc.fail(tenantPath(i, "module"), "%v", err)
		}
	}
	return f.doc.err()
}

// tenantPath leads to a key of the i-th tenant.
func tenantPath(i int, key string) path { return path{"tenant", strconv.Itoa(i), key} }

// routePath leads to a key of the i-th route.
func routePath(i int, key string) path { return path{"route", strconv.Itoa(i), key} }

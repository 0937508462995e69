package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-c6589352/wherry/abi"
	"github.com/seed-c6589352/wherry/internal/virtual"
	"github.com/seed-c6589352/wherry/runtime"
	"github.com/seed-c6589352/wherry/wasmhost"
)

const devAbout = `build a guest, serve it, and swap it whenever a file is saved

DIR is a folder with a wherry.toml, such as "wherry new" writes: a configuration
file as for "wherry serve", with a build command, which is run in that folder by
the system's shell. What it has built is served, with a page to try it. When a
file in the folder changes, it is built again, and the new module takes over from
the old one while connections stay open, if it has on_resume. If it cannot be
built, or may not run, that is told, and the old module goes on serving.

What the guest logs is shown. Hidden files, node_modules, target and what compilers
leave (.wasm, .o, .a, .rlib) are not watched. SIGINT and SIGTERM end it, as they
end "wherry serve".`

// buildPatience is how long a build command may leave its output open after it ended.
const buildPatience = time.Second

func dev(c command, args []string, stdout, stderr io.Writer) error {
	var listen string
	var poll time.Duration
	flags := newFlags()
	flags.StringVar(&listen, "listen", "", "`ADDRESS` to listen on, in place of what wherry.toml says")
	flags.DurationVar(&poll, "poll", 300*time.Millisecond, "`TIME` after which files are looked at again")
	operands, err := c.parse(flags, args, stdout)
	switch {
	case err != nil:
		return err
	case len(operands) != 1:
		return usagef("dev takes one folder, not %d; write wherry dev DIR", len(operands))
	case poll < time.Millisecond || poll > time.Minute:
		return usagef("files looked at every %v; --poll can be 1ms to 1m", poll)
	}
	d := &developer{dir: operands[0], out: stderr, watcher: watcher{dir: operands[0]}}
	if err := d.configure(listen); err != nil {
		return err
	}
	stopped, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	if err := d.run(stopped, poll); err != nil || d.server == nil {
		return err
	}
	restore()
	return shutdown(d.server, d.file, d.file.config.Logger)
}

// A developer builds and serves a folder.
type developer struct {
	dir     string
	out     io.Writer // what happens is told here, and the guest's log
	file    *configFile
	watcher watcher
	server  *runtime.Server // nil until there is a module that runs
}

// configure reads the folder's wherry.toml.
func (d *developer) configure(listen string) (err error) {
	if d.file, err = readConfig(filepath.Join(d.dir, "wherry.toml")); err != nil {
		return err
	}
	f := d.file
	if f.build == "" {
		f.doc.fail(nil, `there is no build command; write build = "...", or use "wherry serve --config"`)
		return f.doc.err()
	}
	if listen != "" {
		f.listen, f.listenFlag = []string{listen}, true
	}
	if f.config.CacheDir == "" {
		f.config.CacheDir = virtual.CacheDir()
	}
	if err := f.complete(); err != nil {
		return err
	}
	f.config.Logger = f.logger(d.out)
	f.config.HTTP = devHandler(f.config.Routes)
	return nil
}

func (d *developer) say(format string, args ...any) {
	fmt.Fprintf(d.out, "wherry: "+format+"\n", args...)
}

// run builds and serves until it is stopped. An error is that nothing can be watched or
// listened to, for which no file has to be saved.
func (d *developer) run(stopped context.Context, poll time.Duration) error {
	if _, err := d.watcher.look(); err != nil {
		return fmt.Errorf("cannot watch %s: %w", d.dir, cause(err))
	}
	if err := d.renew(stopped); err != nil {
		return err
	}
	timer := time.NewTicker(poll)
	defer timer.Stop()
	for {
		select {
		case <-stopped.Done():
			return nil
		case <-timer.C:
		}
		changed, err := d.watcher.look()
		if err != nil {
			return fmt.Errorf("cannot watch %s: %w", d.dir, cause(err))
		}
		if len(changed) == 0 {
			continue
		}
		d.sayChanged(changed)
		if err := d.renew(stopped); err != nil {
			return err
		}
	}
}

func (d *developer) sayChanged(changed []string) {
	others := ""
	if len(changed) > 1 {
		others = fmt.Sprintf(" and %d more", len(changed)-1)
	}
	d.say("%s%s changed", changed[0], others)
	if slices.Contains(changed, "wherry.toml") {
		d.say("what is in wherry.toml counts when wherry dev is started again")
	}
}

// renew builds, and has what was built served. What is wrong with it is told, and no
// error.
func (d *developer) renew(stopped context.Context) error {
	if !d.build(stopped) {
		return nil
	}
	old := slices.Clone(d.file.config.Tenants)
	if err := d.file.loadModules(); err != nil {
		d.file.config.Tenants = old
		d.sayProblems()
		return nil
	}
	if d.server == nil {
		return d.start()
	}
	for i, t := range d.file.config.Tenants {
		if bytes.Equal(old[i].Module, t.Module) {
			d.say("%s: the module is as it was", t.Name)
			continue
		}
		if !d.swap(t) {
			d.file.config.Tenants[i].Module = old[i].Module
		}
	}
	return nil
}

// sayProblems tells what is wrong with the modules, and forgets it.
func (d *developer) sayProblems() {
	var problems *problemsError
	if err := d.file.doc.err(); errors.As(err, &problems) {
		for _, line := range problems.lines() {
			d.say("%s", line)
		}
	}
	d.file.doc.problems = nil
	d.sayServing()
}

// sayServing tells what goes on after something went wrong.
func (d *developer) sayServing() {
	if d.server == nil {
		d.say("nothing is served yet; save a file to try again")
		return
	}
	d.say("the old module goes on serving")
}

// build runs the build command, and reports whether it did what it has to.
func (d *developer) build(stopped context.Context) bool {
	began := time.Now()
	command := exec.CommandContext(stopped, "sh", "-c", d.file.build)
	command.Dir, command.WaitDelay = d.dir, buildPatience
	said, err := command.CombinedOutput()
	if stopped.Err() != nil {
		return false
	}
	for line := range strings.Lines(string(said)) {
		fmt.Fprintf(d.out, "  %s\n", strings.TrimRight(line, "\r\n"))
	}
	if err != nil {
		d.say("the build failed: %v", err)
		d.sayServing()
		return false
	}
	d.say("built in %v", time.Since(began).Round(time.Millisecond))
	return true
}

// start begins to serve.
func (d *developer) start() error {
	server, err := runtime.New(d.file.config)
	var module *runtime.ModuleError
	switch {
	case errors.As(err, &module):
		d.say("%s: %v", module.Tenant, firstLine(module.Err.Error()))
		d.sayServing()
		return nil
	case err != nil:
		return d.file.startError(err)
	}
	first, err := announce(server, d.file, d.out)
	if err != nil {
		return errors.Join(err, shutdown(server, d.file, d.file.config.Logger))
	}
	d.server = server
	if first != nil {
		d.say("try it at http://%s%s; save a file to see it swapped", first, devPath(d.file.config.Routes))
	}
	return nil
}

// swap gives a tenant its new module, tells what became of its connections, and reports
// whether it has it.
func (d *developer) swap(t runtime.Tenant) bool {
	before, _ := d.server.TenantStats(t.Name)
	err := d.server.Reload(t.Name, t.Module)
	var refusal *wasmhost.AdmissionError
	switch {
	case errors.As(err, &refusal):
		d.say("%s: module refused: %s: %s", t.Name, refusal.Rule, firstLine(refusal.Detail))
		d.sayServing()
		return false
	case err != nil:
		d.say("%s: %v", t.Name, err)
		d.sayServing()
		return false
	}
	info, _ := d.server.Module(t.Name)
	switch conns := count(before.Conns, "connection"); {
	case before.Conns == 0:
		d.say("%s: the new module is serving", t.Name)
	case info.Wants&abi.Resume.Bit() != 0:
		d.say("%s: the new module is serving; %s kept", t.Name, conns)
	default:
		d.say("%s: the new module is serving; %s closed with 1012, because it has no on_resume", t.Name, conns)
	}
	return true
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// pinCommand is the first argument with which this program runs itself as a wrapper:
// a child cannot be pinned before its first instruction from outside.
const pinCommand = "exec-pinned"

const openFiles = 1 << 20 // file limit of pinned programs, if the system lets us

// pinned is a command that runs program on core alone.
func pinned(ctx context.Context, core int, program string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{pinCommand, strconv.Itoa(core), program}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd, nil
}

// execPinned is the wrapper's life: args are the core, the program and its
// arguments. It returns only if it failed.
func execPinned(args []string) error {
	if len(args) < 2 {
		return errors.New(pinCommand + " needs a core and a program")
	}
	core, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // the thread that calls exec is the one whose mask survives
	var cores unix.CPUSet
	cores.Set(core)
	if err := unix.SchedSetaffinity(0, &cores); err != nil {
		return err
	}
	raiseFileLimit()
	return unix.Exec(args[1], args[1:], os.Environ())
}

// raiseFileLimit asks for openFiles, or else for as many as are allowed anyway.
func raiseFileLimit() {
	limit := unix.Rlimit{Cur: openFiles, Max: openFiles}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		return
	}
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) // the scenario will say if it was not enough
	}
}

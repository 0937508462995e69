//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// pinCommand is the first argument with which this program runs itself as a wrapper:
// a child cannot be pinned before its first instruction from outside.
const pinCommand = "exec-pinned"

const openFiles = 1 << 20 // file limit of pinned programs, if the system lets us

// pinned is a command line that runs on cores and no others.
func pinned(ctx context.Context, cores []int, command ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return nil, err
	}
	var list []string
	for _, core := range cores {
		list = append(list, strconv.Itoa(core))
	}
	cmd := exec.CommandContext(ctx, self, append([]string{pinCommand, strings.Join(list, ","), program}, command[1:]...)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", len(cores)))
	return cmd, nil
}

// execPinned is the wrapper's life: args are the cores, the program and its
// arguments. It returns only if it failed.
func execPinned(args []string) error {
	if len(args) < 2 {
		return errors.New(pinCommand + " needs cores and a program")
	}
	runtime.LockOSThread() // the thread that calls exec is the one whose mask survives
	var cores unix.CPUSet
	for text := range strings.SplitSeq(args[0], ",") {
		core, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		cores.Set(core)
	}
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

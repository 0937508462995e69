//go:build linux

package loadgen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A syscallCounter counts the system calls of all threads that a process has when it
// is made, and of those that they start. The kernel counts, by its tracepoint at the
// entry of every call; who may not trace gets an error. While one exists, every call
// of every process is slower.
type syscallCounter struct {
	fds map[string][]int // perf events by the name of their group, one a thread
}

// syscallGroups are filters for the tracepoint by what a call is for; the first is all.
func syscallGroups() map[string][]int {
	return map[string][]int{
		"all":    nil,
		"reads":  {unix.SYS_READ, unix.SYS_READV, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG},
		"writes": {unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG},
		"waits":  waitCalls(),
	}
}

// newSyscallCounter starts to count for s.
func newSyscallCounter(s server) (*syscallCounter, error) {
	id, err := tracepoint("raw_syscalls/sys_enter")
	if err != nil {
		return nil, err
	}
	threads, err := s.threads()
	if err != nil {
		return nil, err
	}
	c := &syscallCounter{fds: make(map[string][]int)}
	for group, calls := range syscallGroups() {
		for _, tid := range threads {
			fd, err := openTracepoint(id, tid, calls)
			if errors.Is(err, unix.ESRCH) {
				continue // a thread that has ended
			}
			if err != nil {
				c.close()
				return nil, err
			}
			c.fds[group] = append(c.fds[group], fd)
		}
	}
	return c, nil
}

func (c *syscallCounter) close() {
	for _, fds := range c.fds {
		closeAll(fds)
	}
}

// count returns how many calls of a group there were so far.
func (c *syscallCounter) count(group string) (total int64) {
	var value [8]byte
	for _, fd := range c.fds[group] {
		if n, err := unix.Read(fd, value[:]); err == nil && n == len(value) {
			total += int64(binary.NativeEndian.Uint64(value[:]))
		}
	}
	return total
}

// counts returns all groups, divided by the operations that there were.
func (c *syscallCounter) counts(operations int64) *Syscalls {
	n := float64(max(operations, 1))
	return &Syscalls{
		All:    float64(c.count("all")) / n,
		Reads:  float64(c.count("reads")) / n,
		Writes: float64(c.count("writes")) / n,
		Waits:  float64(c.count("waits")) / n,
	}
}

// tracepoint returns the number of a tracepoint, from wherever the trace file system
// is mounted.
func tracepoint(name string) (id uint64, err error) {
	for _, root := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		var text []byte
		if text, err = os.ReadFile(root + "/events/" + name + "/id"); err == nil {
			return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		}
	}
	return 0, err
}

// openTracepoint counts the tracepoint for a thread and its offspring; calls restricts
// it to those numbers.
func openTracepoint(id uint64, tid int, calls []int) (int, error) {
	attr := unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_TRACEPOINT,
		Size:   uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: id,
		Bits:   unix.PerfBitInherit,
	}
	fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("counting system calls: %w", err)
	}
	if len(calls) == 0 {
		return fd, nil
	}
	filter, err := unix.BytePtrFromString(callFilter(calls))
	if err == nil {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.PERF_EVENT_IOC_SET_FILTER, uintptr(unsafe.Pointer(filter)))
		if errno != 0 {
			err = fmt.Errorf("filtering system calls: %w", errno)
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// callFilter is what the kernel wants to read: "id==0||id==19".
func callFilter(calls []int) string {
	var terms []string
	for _, number := range calls {
		terms = append(terms, "id=="+strconv.Itoa(number))
	}
	return strings.Join(terms, "||")
}

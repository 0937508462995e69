//go:build linux

package loadgen

import "golang.org/x/sys/unix"

// waitCalls are the calls that wait for readiness.
func waitCalls() []int {
	return []int{unix.SYS_EPOLL_WAIT, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2, unix.SYS_POLL, unix.SYS_SELECT}
}

//go:build linux && !amd64

package loadgen

import "golang.org/x/sys/unix"

// waitCalls are the calls that wait for readiness. Newer architectures have no others.
func waitCalls() []int {
	return []int{unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2, unix.SYS_PPOLL}
}

//go:build linux

package loadgen

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	connsPerSource = 20000            // below the ephemeral ports of one source address
	setupDeadline  = 10 * time.Second // longest connect, handshake read or write
	spareFiles     = 64               // descriptors besides connections
)

// dial opens n connections to cfg's server, blocking and without Nagle's delay, each
// with setupDeadline on its reads and writes. The kernel chooses the ports. After an
// error all are closed.
func dial(cfg *Config, n int) (fds []int, err error) {
	target, err := parseTarget(cfg.Addr)
	if err != nil {
		return nil, err
	}
	if err := allowFiles(n + spareFiles); err != nil {
		return nil, err
	}
	for i := range n {
		fd, err := dialOne(target, sourceOf(cfg, i))
		if err != nil {
			closeAll(fds)
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, n, err)
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

func parseTarget(addr string) (netip.AddrPort, error) {
	target, err := netip.ParseAddrPort(addr)
	if err == nil && !target.Addr().Is4() {
		err = fmt.Errorf("address %s is not IPv4", addr)
	}
	return target, err
}

// sourceOf says which source address connection i comes from: Sources of them in turn,
// and more where their ports would not do.
func sourceOf(cfg *Config, i int) int {
	if cfg.Sources == 0 {
		return i / connsPerSource
	}
	return i%cfg.Sources + cfg.Sources*(i/(connsPerSource*cfg.Sources))
}

// dialOne connects, with setupDeadline on everything that blocks, from loopback address
// 127.0.0.(source+1), or from wherever the kernel likes if source is 0.
func dialOne(target netip.AddrPort, source int) (int, error) {
	fd, err := connect(target, source)
	if err != nil {
		return -1, err
	}
	timeout := unix.NsecToTimeval(setupDeadline.Nanoseconds())
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout),
	)
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// connect opens a blocking connection.
func connect(target netip.AddrPort, source int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if source > 0 {
		err = bindSource(fd, source)
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(target.Port()), Addr: target.Addr().As4()})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// bindSource fixes fd's source address. The port is chosen at connect, so that it
// only has to be free towards this one target.
func bindSource(fd, source int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	local := unix.SockaddrInet4{}
	binary.BigEndian.PutUint32(local.Addr[:], 127<<24+uint32(source)+1)
	return unix.Bind(fd, &local)
}

// allowFiles raises this process's limit of open files to at least n.
func allowFiles(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur >= uint64(n) {
		return nil
	}
	limit.Cur, limit.Max = uint64(n), max(limit.Max, uint64(n))
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d open files: %w", n, err)
	}
	return nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// waitRead and waitWrite are for blocking sockets: because these have deadlines, the
// kernel does not go on by itself after one of the signals by which Go's scheduler
// interrupts a thread.

func waitRead(fd int, p []byte) (n int, err error) {
	for {
		if n, err = unix.Read(fd, p); err != unix.EINTR {
			return n, err
		}
	}
}

func waitWrite(fd int, p []byte) (n int, err error) {
	for {
		if n, err = unix.Write(fd, p); err != unix.EINTR {
			return n, err
		}
	}
}

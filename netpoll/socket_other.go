//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package netpoll

import "net/netip"

// Sockets where there is neither epoll nor kqueue: New fails first.

type iovec struct{}

func setIovec(*iovec, []byte)                       {}
func recv(int, []byte) (int, error)                 { return 0, ErrUnsupported }
func recvv(int, []iovec) (int, error)               { return 0, ErrUnsupported }
func send(int, []byte) (int, error)                 { return 0, ErrUnsupported }
func sendv(int, []iovec) (int, error)               { return 0, ErrUnsupported }
func acceptSocket(int) (int, netip.AddrPort, error) { return -1, netip.AddrPort{}, ErrUnsupported }
func isAgain(error) bool                            { return false }
func isExhausted(error) bool                        { return false }
func isPassing(error) bool                          { return false }
func closeSocket(int)                               {}
func endStream(int)                                 {}
func armReset(int)                                  {}
func openReserve() int                              { return -1 }

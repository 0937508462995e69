//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package netpoll

import "time"

// A poller where there is neither epoll nor kqueue: it compiles, and says so.
type poller struct{}

func (p *poller) open() error                                    { return ErrUnsupported }
func (p *poller) add(int, readyID) error                         { return ErrUnsupported }
func (p *poller) addListener(int, readyID) error                 { return ErrUnsupported }
func (p *poller) want(int, readyID, bool, bool) error            { return ErrUnsupported }
func (p *poller) remove(int) error                               { return ErrUnsupported }
func (p *poller) wait([]ready, time.Duration, bool) (int, error) { return 0, ErrUnsupported }
func (p *poller) wake() error                                    { return ErrUnsupported }
func (p *poller) close() error                                   { return nil }

package netpoll

import (
	"errors"
	"net/netip"
	"time"
)

// A loop can be stepped instead of run: its owner makes each of its turns, with a
// clock of its own ([Config.Clock]). Nothing happens between two steps, so that what
// a program does can be seen one step after the other, and its time can be anybody's.

// ErrStopped is returned by [Loop.Step] when the loop has been stopped.
var ErrStopped = errors.New("netpoll: the loop has stopped")

// Step makes one turn of a loop that Run is not called for, and reports whether
// anything happened or is still to be done. With block it waits until there is
// something to do; time does not pass meanwhile, so that no deadline ends the wait. After Stop it releases the loop as the end of Run
// does, and returns [ErrStopped].
//
// All steps are to be made on one goroutine at a time.
func (l *Loop) Step(block bool) (busy bool, err error) {
	l.stepped = true
	now := l.config.Clock()
	passed := l.alarm != 0 && now >= l.alarm || tick((now-l.started)/tickLength) != l.tick
	block = block && !passed
	before := l.stats
	busy = l.pending.Load() || l.more || len(l.dirty) > 0
	if err := l.turn(block); err != nil {
		return false, err
	}
	if l.stop {
		l.shut()
		return false, ErrStopped
	}
	after := l.stats
	busy = busy || l.more || before.Reads != after.Reads || before.Writes != after.Writes || before.Accepts != after.Accepts
	return busy, nil
}

// Next returns how far the clock of a stepped loop can move until a deadline or an
// alarm may have passed, and false if there is none.
func (l *Loop) Next() (time.Duration, bool) {
	d := l.until()
	return d, d >= 0
}

// Take takes over a connection as if it had been accepted. The loop owns fd, which
// does not block, from now on. Any goroutine may call it.
func (l *Loop) Take(fd int, peer netip.AddrPort) {
	taken := l.Post(func() {
		l.stats.Accepts++
		l.open(fd, peer)
	})
	if !taken {
		closeSocket(fd)
	}
}

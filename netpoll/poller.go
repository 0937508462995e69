package netpoll

import "time"

// poller.go: what each mechanism must do.
//
//	open()                 ready the zero value; close() releases everything, and no other call may follow
//	add(fd, id)            watch fd for reading, level-triggered
//	addListener(fd, id)    the same for a listening socket that other pollers watch too: wake few of them
//	want(fd, id, r, w)     from now on watch for reading if r, for writing if w
//	remove(fd)             stop watching; closing an fd does the same
//	wait(evs, d, hold)     fill evs, return how many; d < 0 blocks, 0 polls without letting go of the
//	                       thread, sub-millisecond waits round up; a wait that ends early returns 0, nil;
//	                       if hold, it may keep the scheduler's processor, for holdMax at most
//	wake()                 make wait return; any goroutine may call it; calls coalesce
//
// A hang-up or an error is reported as readable: the read tells which.
var _ interface {
	open() error
	add(fd int, id readyID) error
	addListener(fd int, id readyID) error
	want(fd int, id readyID, read, write bool) error
	remove(fd int) error
	wait(evs []ready, d time.Duration, hold bool) (int, error)
	wake() error
	close() error
} = (*poller)(nil)

// A readyID names what an fd was watched for: a connection's slot and the
// sequence number of its tenancy, so that a report about a connection that is
// gone never reaches the one that took its place.
type readyID uint64

// The slots of ids that are no connection's.
const (
	wakeSlot     = 0xffff_ffff
	listenerSlot = 0xffff_fffe

	wakeID  readyID = wakeSlot
	timerID readyID = 1<<32 | wakeSlot
)

// listenerReadyID names a loop's n-th listening socket.
func listenerReadyID(n int) readyID { return makeReadyID(listenerSlot, uint32(n)) }

func (id readyID) listener() (n int, ok bool) { return int(id.seq()), id.slot() == listenerSlot }

func makeReadyID(slot, seq uint32) readyID { return readyID(slot) | readyID(seq)<<32 }

func (id readyID) slot() uint32 { return uint32(id) }
func (id readyID) seq() uint32  { return uint32(id >> 32) }

// A ready is the poller's report that an fd can proceed.
type ready struct {
	id       readyID
	readable bool
	writable bool
}

// holdMax is how long a wait may keep a processor of the scheduler's.
const holdMax = 10 * time.Millisecond

// readyMax is how many reports one wait takes at most. Fewer would make a loop
// with a thousand busy connections pay for several waits a turn.
const readyMax = 1024

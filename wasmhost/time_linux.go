package wasmhost

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns how long the calling thread has computed. Whoever compares
// two times has to be locked to it in between.
func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0 // fuel alone has to do
	}
	return time.Duration(t.Nano())
}

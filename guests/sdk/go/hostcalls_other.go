//go:build !wasip1

package wherry

import (
	"crypto/rand"
	"time"
	"unsafe"

	"github.com/seed-c6589352/wherry/abi"
)

// native is the host where there is none: tests of this package see here what a
// guest says.
var native struct {
	flushed func(commands int)
	logged  func(level Level, text string)
}

// ground makes the addresses of mem small ones, as a guest's are, and none of them 0.
func ground() unsafe.Pointer { return unsafe.Add(unsafe.Pointer(&mem), -4096) }

func hostFlush(commands int) {
	if native.flushed != nil {
		native.flushed(commands)
	}
}

func hostLog(level Level, text string) {
	if native.logged != nil {
		native.logged(level, text)
	}
}

// began is where the monotonic clock starts.
var began = time.Now()

func hostNow(clock uint32) int64 {
	if clock == abi.ClockMonotonic {
		return int64(time.Since(began))
	}
	return time.Now().UnixNano()
}

func hostRandom(b []byte) {
	if _, err := rand.Read(b); err != nil {
		panic(err)
	}
}

//go:build !linux

package wasmhost

import "time"

// threadTime would be how long the calling thread has computed. Without it, fuel
// alone has to do: the time of the wall would blame a guest for what other
// programs take.
func threadTime() time.Duration { return 0 }

package wherry

import (
	"time"

	"github.com/seed-c6589352/wherry/abi"
)

// A Level says how much a log line matters.
type Level uint32

// The levels of log lines.
const (
	LevelDebug = Level(abi.LogDebug) // for whoever writes the guest
	LevelInfo  = Level(abi.LogInfo)  // for whoever runs it
	LevelWarn  = Level(abi.LogWarn)  // something to look at
	LevelError = Level(abi.LogError) // something failed
)

// Log writes a line. The host limits length and rate.
func Log(level Level, text string) { hostLog(level, text) }

// Now returns the time of day. It stands still during a turn.
func Now() time.Time { return time.Unix(0, hostNow(abi.ClockWall)) }

// Monotonic returns the time since a moment that the host chose. It never runs
// backwards, and stands still during a turn.
func Monotonic() time.Duration { return time.Duration(hostNow(abi.ClockMonotonic)) }

// Random fills b with bytes that nobody can predict. What is drawn in func init may
// be the same in all instances; draw from [OnStart] on.
func Random(b []byte) {
	const most = 64 << 10 // in one call
	for len(b) > 0 {
		n := min(len(b), most)
		hostRandom(b[:n])
		b = b[n:]
	}
}

// settings is the start event's fields; debug what the value of that name says.
var settings struct {
	fields []byte
	debug  bool
}

// configure keeps the fields of a start event.
func configure(fields []byte) {
	settings.fields = append(settings.fields[:0], fields...)
	value, _ := Config("debug")
	settings.debug = value == "1" || value == "true"
}

// Config returns a value of the tenant's configuration. There are none before
// [OnStart].
func Config(name string) (value string, ok bool) {
	b, ok := prefixedField(settings.fields, abi.FieldConfig, name)
	return string(b), ok
}

// Tenant returns the name of the tenant, "" before [OnStart].
func Tenant() string { return string(field(settings.fields, abi.FieldTenant)) }

// Instance returns the name of this instance, unique in the process; "" before
// [OnStart].
func Instance() string { return string(field(settings.fields, abi.FieldInstance)) }

// MaxMessage returns the size in bytes of the largest message that can be
// received, 0 before [OnStart].
func MaxMessage() int {
	n, _ := parseInt(string(field(settings.fields, abi.FieldMaxMessage)))
	return int(n)
}

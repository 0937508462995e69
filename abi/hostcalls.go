package abi

// Names of the hostcalls: what a guest may import from [ImportModule]. Each has
// its signature in SPEC.md; none is needed on the hot path.
const (
	ImportFlush  = "flush"
	ImportLog    = "log"
	ImportNow    = "now"
	ImportRandom = "random"
)

// Levels of the hostcall log. A number outside of them is taken as LogError.
const (
	LogDebug uint32 = 0
	LogInfo  uint32 = 1
	LogWarn  uint32 = 2
	LogError uint32 = 3
)

// Clocks of the hostcall now. Each stands still for the length of a turn.
const (
	ClockWall      uint32 = 0
	ClockMonotonic uint32 = 1
)

// Codes of a [Stop] event: why the instance is being retired.
const (
	StopDeploy   uint32 = 1
	StopShutdown uint32 = 2
	StopIdle     uint32 = 3
)

// LogLevels returns the levels of the hostcall log, by name.
func LogLevels() []Name {
	return []Name{
		{"debug", LogDebug, "for whoever writes the guest"},
		{"info", LogInfo, "for whoever runs it"},
		{"warn", LogWarn, "something to look at"},
		{"error", LogError, "something failed"},
	}
}

// Clocks returns the clocks of the hostcall now, by name.
func Clocks() []Name {
	return []Name{
		{"wall", ClockWall, "nanoseconds since the Unix epoch"},
		{"monotonic", ClockMonotonic, "nanoseconds since a moment that the host chose; never runs backwards"},
	}
}

// StopReasons returns the codes of a stop event, by name.
func StopReasons() []Name {
	return []Name{
		{"deploy", StopDeploy, "another module takes over"},
		{"shutdown", StopShutdown, "the server ends"},
		{"idle", StopIdle, "nothing has happened for a long time"},
	}
}

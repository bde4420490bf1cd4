package wafhttp

import "time"

// What Options mean where they say nothing.
const (
	// bodyBytesMax is Options.BodyBytesMax: the largest body that is held, in bytes. Beyond it: 413.
	bodyBytesMax = 128 << 10
	// heldBytesMax is Options.HeldBytesMax: what all bodies that are held may take together, in bytes: 512 of the largest. Beyond
	// it: 503.
	heldBytesMax = 64 << 20
	// argumentsMax is Options.ArgumentsMax. Beyond it: 400.
	argumentsMax = 1000
	// cpuMax is Options.CPUMax: a request of ordinary size costs well below a millisecond. Beyond it: 403.
	cpuMax = 100 * time.Millisecond
)

const (
	// bodyBytesMost is the largest Options.BodyBytesMax, in bytes: rules look at all of it, and time grows with it. Beyond it: New fails.
	bodyBytesMost = 16 << 20
	// thresholdMost is the largest Options.Threshold: no request gets there, and a larger one is a mistake. Beyond it: New fails.
	thresholdMost = 10_000
	// firstBytes is how much memory a body gets before any of it has come, in bytes: who announces much has sent nothing yet.
	// From there it doubles.
	firstBytes = 4 << 10
	// ratioMax is how many times its coded size a body may grow to, above the first 16 KB; what people send grows 5 to 20 times.
	// Beyond it: 413.
	ratioMax = 20
	// idleReadsMax is how many times a body may give nothing before it counts as stuck. Beyond it: 400.
	idleReadsMax = 100
	// matchesMax is how many matches a Result has. Beyond it they are only counted in the score.
	matchesMax = 100
	// nameBytesMax is how long the name of a variable in a Result gets, in bytes; clients choose it. Beyond it: cut.
	nameBytesMax = 100
	// valueBytesMax is how long a value in a Result gets, in bytes, where values are shown. Beyond it: cut.
	valueBytesMax = 200
	// namesKept is how many names of fields a request's memory keeps for the next one.
	namesKept = 256
	// retryAfterSeconds is what a request is told for which there was no memory. Bodies are held for as long as a handler runs.
	retryAfterSeconds = "1"
)

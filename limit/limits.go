package limit

import "time"

// DefaultTableBytes is the memory of Tables: two million addresses at 16 bytes, twice as many as the edge of a large
// company sees within the time that a bucket takes to fill again. Beyond it the addresses in the least debt are forgotten.
const DefaultTableBytes = 32 << 20

// What a bucket can count with. Beyond it the spec is refused.
const (
	// intervalMin is the shortest time between two requests of a rate: below a microsecond a clock in nanoseconds would
	// be wrong by more than a thousandth.
	intervalMin = time.Microsecond
	// refillMax is the longest time that a spent burst takes to come back; no process remembers longer than it lives, and
	// the arithmetic is far from its end.
	refillMax = 30 * 24 * time.Hour
)

// What requests get that no entrypoint takes: as much as a browser with many tabs could ever want.
const (
	strangerCount = 300 // a second
	strangerBurst = 600
)

// Sizes of what is read of a body of unknown size before the origin is asked.
const (
	// aheadBytes is the largest bodyMax with which such a body is collected first. Each of these requests holds as much
	// memory as its client has sent, so it stays small. Above it: see the package.
	aheadBytes = 64 << 10
	// readyBytes is how much of a body under a larger limit is taken, if it came with the head: what a protocol's buffer
	// holds.
	readyBytes = 16 << 10
)

// lockStripes is how many new addresses may enter the table at the same time; more wait for some nanoseconds. A power of two.
const lockStripes = 256

package observe

import "time"

// The limits of the log. Together they bound a line below lineBytesMax even if every byte needs six (\u0001).
const (
	// bufferBytesMax is the memory of lines that wait for the sink: 10,000 lines of 400 bytes, which is a second of an
	// edge at full load on one core. Beyond it lines are dropped and counted.
	bufferBytesMax = 4 << 20
	// chunkBytes is how much waits before the writer is woken. Each write blocks a thread for some ten microseconds, after
	// which Go's scheduler watches closely, and dearly, for a millisecond: a few large writes cost less than many small ones.
	chunkBytes = 256 << 10
	// chunksKept is how many empty chunks stay allocated when the log falls silent.
	chunksKept = 4
	// lineBytesMax is the longest line; a chunk holds it. Beyond it the line is dropped and counted.
	lineBytesMax = 64 << 10
	// linger is how long a line may wait for company.
	linger = 200 * time.Millisecond
	// closeTimeout is how long Close waits for a sink that takes nothing. Beyond it Close returns an error.
	closeTimeout = 2 * time.Second

	// What is cut, in bytes as sent. Names from the spec are bounded there and host by exchange.MaxHostBytes.
	methodBytesMax = 64
	pathBytesMax   = 2048
	queryBytesMax  = 2048
	targetBytesMax = 256
	errorBytesMax  = 512
	stackBytesMax  = 4096
	agentBytesMax  = 256
	textBytesMax   = 2048
)

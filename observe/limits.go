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
	clientBytesMax = 256
	serialBytesMax = 40 // 20 octets in hexadecimal digits, the most that a serial number may have (RFC 5280 section 4.1.2.2)
	textBytesMax   = 2048

	// secretNameBytesMax is how many letters and digits of a parameter's name are looked at. A longer name counts as secret.
	secretNameBytesMax = 64
)

// The limits of the tracer.
const (
	// batchSpans and batchTextBytes bound a batch, which is one request to the receiver: 256 bytes of host, path and user
	// agent a span on average. A batch that is full in either is sent at once.
	batchSpans     = 512
	batchTextBytes = 128 << 10
	// batchesMax is how many batches there are, 2.3 MB in all: 4,096 spans, 8 seconds of 1 % of 50,000 exchanges a second.
	// Beyond it spans are dropped and counted.
	batchesMax = 8
	// batchLinger is how long a span may wait for company.
	batchLinger = 5 * time.Second
	// attemptTimeout is how long the receiver may take for one request. Beyond it the attempt has failed.
	attemptTimeout = 10 * time.Second
	// retryBudget is how long a batch is tried for, counted from its first attempt. Beyond it its spans are dropped and
	// counted: they would only grow older, and younger ones wait behind them.
	retryBudget = 30 * time.Second
	// backoffMin and backoffMax are the pause after a first failure, and the longest after further ones, each up to a
	// quarter longer by chance, so that a fleet does not come back all at once.
	backoffMin = time.Second
	backoffMax = 15 * time.Second
	// retryAfterMax is the longest pause that a Retry-After of the receiver is believed.
	retryAfterMax = 5 * time.Minute
	// answerBytesMax is how much of the receiver's answer is read. What lies beyond it is not looked at.
	answerBytesMax = 64 << 10
	// messageBytesMax is how much of a receiver's own words goes to the log.
	messageBytesMax = 256
	// flushTimeout is how long Close waits for the receiver, unless its caller waits for less. Beyond it what waits is lost.
	flushTimeout = 3 * time.Second
	// tellPause is the time between two events that say that spans are lost: the counters have the rest.
	tellPause = time.Minute
)

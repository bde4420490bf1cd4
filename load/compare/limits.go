package main

import "time"

const (
	// socketPatience is how long a WebSocket may take to open, and longer than a sample for its last message. Beyond it: the sample, or
	// the peer before its first one, has failed.
	socketPatience = 10 * time.Second
	// socketBytesMax is the longest frame, header included, that the load and the echo read: it fits their buffer, so that a message is
	// one read and one write. Beyond it: the connection fails.
	socketBytesMax = 4 << 10
	// grpcPatience is how long the first call through a peer may take. Beyond it: the peer is left out of the row.
	grpcPatience = 10 * time.Second
	// benchTimeout is how long the benchmarks of one folder may take, all runs together; those of the cache fill a million objects many times.
	// Beyond it: go test ends them, and the rows fail.
	benchTimeout = 30 * time.Minute
	// cachePatience is how long a peer with a cache may take from the first request of a row to its first hit. Beyond it: the peer is left out of
	// the row.
	cachePatience = 10 * time.Second
	// fillTries is how many requests for the same it gets meanwhile; nginx has needed two. Beyond it: likewise.
	fillTries = 20
	// grpcStreamsMax is how many calls the origin allows at once on a connection: more than the load makes, so that it holds no peer back.
	grpcStreamsMax = 250
	// grpcFrameMax is the longest frame that the origin reads, which is what HTTP/2 begins with. Beyond it: the connection fails.
	grpcFrameMax = 16 << 10
	// grpcRefill is how many bytes of calls the origin takes before it says so: many calls, and far less than its window.
	grpcRefill = 1 << 20
)

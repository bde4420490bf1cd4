package listen

import "time"

const (
	// acceptBackoffMax is the longest pause after accepting failed because the system ran out of something.
	acceptBackoffMax = time.Second
	// connsWithoutLimit is the limit on open connections where the system names no limit on descriptors.
	connsWithoutLimit = 100_000
	// descriptorsPerConn is how many descriptors a client connection may need: its own, an origin's, a splice's pipe.
	descriptorsPerConn = 4
)

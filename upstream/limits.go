package upstream

import "time"

const (
	// connectTriesMax is how many endpoints one exchange tries to connect to. Nothing of the request has left then, so it
	// is no retry. Beyond it: 502 or 504.
	connectTriesMax = 3
	// tendMin is the shortest time between two looks for kept connections that are too old.
	tendMin = time.Second
	// healthBodyMax is how much of a health check's response body is read; beyond it the connection is closed.
	healthBodyMax = 64 << 10
)

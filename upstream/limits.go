package upstream

const (
	// healthBodyMax is how much of a health check's response body is read; beyond it the connection is closed.
	healthBodyMax = 64 << 10
	// drainBytesMax is how much is read of an answer that another endpoint is asked in place of; beyond it the connection is closed.
	drainBytesMax = 64 << 10
	// stickyBytesMax is the length of a sticky cookie's field behind its name: value, Path, HttpOnly, SameSite, Secure, Max-Age.
	stickyBytesMax = 112
	// refusedMax is how often a request that an origin of HTTP/2 did not take (REFUSED_STREAM, GOAWAY) is sent again within one try. It
	// happens to what is on its way when an origin says how much it takes, or that it leaves; one that goes on so is broken.
	refusedMax = 5
	// agentBytesMax is how much of a User-Agent is looked at; what a crawler says of itself stands before.
	agentBytesMax = 256
)

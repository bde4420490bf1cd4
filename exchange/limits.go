package exchange

// The limits of this folder are scratchBytes (scratch.go) and these.
const (
	// MaxPathSegments is how many segments a path may have: the router's work is bounded by it. Beyond it: 400.
	MaxPathSegments = 256
	// belongingsMax is how much may be kept for one client connection: what its exchanges of HTTP/2 use at once, nearly always. Beyond
	// it the one kept first leaves.
	belongingsMax = 16
	// MaxHostBytes is the longest host name (RFC 1035 section 2.3.4). Beyond it: 400.
	MaxHostBytes = 253
)

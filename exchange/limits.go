package exchange

// The limits of this folder are scratchBytes (scratch.go) and these.
const (
	// MaxPathSegments is how many segments a path may have: the router's work is bounded by it. Beyond it: 400.
	MaxPathSegments = 256
	// MaxHostBytes is the longest host name (RFC 1035 section 2.3.4). Beyond it: 400.
	MaxHostBytes = 253
)

package rewrite

const (
	// retryAfterSeconds is when a client should come again after a 503 of the edge: longer than a health check needs
	// to notice that a service is back.
	retryAfterSeconds = "5"
	// maxAddressBytes is the longest text of an IP address (RFC 4291 section 2.2, with an IPv4 tail).
	maxAddressBytes = 45
)

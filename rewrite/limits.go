package rewrite

import "time"

const (
	// retryAfterSeconds is when a client should come again after a 503 of the edge: longer than a health check needs
	// to notice that a service is back.
	retryAfterSeconds = "5"
	// maintenanceSeconds is the same for maintenance whose policy says nothing.
	maintenanceSeconds = 300
	// pushbackSecondsMax is the longest time that a client of gRPC is told to wait before it makes a call again by itself. Beyond
	// it, as in maintenance, it is told not to: the call would seem to hang.
	pushbackSecondsMax = 30
	// clockDrift is the part of a call's time, one in so many, by which the clocks of two machines may differ at its end: each may
	// be 500 parts in a million off, which is the most that NTP corrects.
	clockDrift = 1000
	// addressBytesMax is the longest text of an IP address (RFC 4291 section 2.2, with an IPv4 tail).
	addressBytesMax = 45
	// hopsMax is how many trusted proxies a request may have come through, in elements of X-Forwarded-For or Forwarded
	// that are read from the right. Beyond it the client is the last one read: a trusted proxy's address.
	hopsMax = 16
	// preflightBytesMax is how long a list of header names in a preflight may be to be allowed as a whole (headers: "*"),
	// in bytes. Beyond it the browser is told that no header is allowed.
	preflightBytesMax = 2048
	// problemsMax is how many problems of one list of bulk redirects are reported: the rest are mostly the same mistake.
	problemsMax = 20
	// timingBytesMax has room for Server-Timing: two names and two durations up to durationMax, in bytes.
	timingBytesMax = 64
	// durationMax is the longest duration that Server-Timing tells; a longer one is told as this.
	durationMax = 24 * time.Hour
)

package listen

import "time"

const (
	// acceptBackoffMax is the longest pause after accepting failed because the system ran out of something.
	acceptBackoffMax = time.Second
	// connsWithoutLimit is the limit on open connections where the system names no limit on descriptors.
	connsWithoutLimit = 100_000
	// connsMin is the least limit that is taken by default, over all and per address.
	connsMin = 16
	// descriptorsPerConn is how many descriptors a client connection may need: its own, an origin's, a splice's pipe.
	descriptorsPerConn = 4
	// perAddressShare is the part of the limit on connections that one client address may hold: one of four.
	perAddressShare = 4
	// addressBits6 is how much of an IPv6 address stands for a client: whoever has one address has its /64.
	addressBits6 = 64
	// addressShards spreads the counts per address over this many locks.
	addressShards = 16
)

const (
	// handshakeMax is the longest a TLS handshake may take by default, a PROXY header in front of it included: two round trips, on
	// any line there is. A header alone may take as long.
	handshakeMax = 10 * time.Second
	// prefaceMax is the longest a client may take by default to say which protocol it speaks: as long as for a request's head.
	prefaceMax = 10 * time.Second
	// handshakeGrace is how old a handshake must be before it gives way to a connection that finds no place: an honest
	// client on a slow line is through by then.
	handshakeGrace = time.Second
	// shedPause is how long one that waits for a place waits before something else is shed for it.
	shedPause = 100 * time.Millisecond
	// lingerMax and lingerBytesMax bound how long and how much is read after an answer to plain HTTP on a TLS port, and after the alert for a
	// client's certificate, so that closing does not destroy it.
	lingerMax      = time.Second
	lingerBytesMax = 64 << 10
	// refusedEventEvery is the least time between two events that tell of refused connections, and between two that tell of PROXY
	// headers refused for the same reason.
	refusedEventEvery = time.Minute
)

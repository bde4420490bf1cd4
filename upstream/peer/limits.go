package peer

import "time"

const (
	// shardsMax is how many stacks of kept connections a peer has at most: a look through all of them must stay short.
	shardsMax = 64
	// shardBytes is what a stack takes: two cache lines, because processors fetch them in pairs.
	shardBytes = 128
	// sessionsMax is how many TLS sessions a peer keeps to resume. It has one name, so one would do; a certificate's worth of
	// memory each.
	sessionsMax = 2
	// tendEvery is how often kept connections that are over are looked for at most. They carry no request in between, so it
	// only says how long a socket stays open in vain; below a second, so that we close before an origin that counts seconds.
	tendEvery = 500 * time.Millisecond
	// connectDefault is how long a connection may take to be made if nobody says; as in the spec.
	connectDefault = 2 * time.Second
	// ageSpread is the part of keepAlive.age by which connections end earlier at random, so that those made together do not end
	// together: 1/10.
	ageSpread = 10
	// busyExchanges is how many exchanges a shared connection has when another is made beside it, while there are fewer than
	// processors: with fewer, the one goroutine that reads it is not what anybody waits for.
	busyExchanges = 16
	// placesDefault is how many exchanges a connection of HTTP/2 is expected to carry at once before it has said so: what most
	// servers allow, and the least that they should (RFC 9113 section 6.5.2). More who wait than that have another made.
	placesDefault = 100
	// widenAgain is how long after a failure the next connection is made beside busy ones.
	widenAgain = time.Second
)

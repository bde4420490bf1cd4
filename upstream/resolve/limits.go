package resolve

import "time"

// What is believed of an answer.
const (
	// addressesMax is how many addresses of one family a name may have. Beyond it the first ones in order are taken, so that
	// the same answer always gives the same endpoints; the others are counted. A name has twice as many in the hosts file.
	addressesMax = 64
	// chainMax is how many names an answer may lead through; the public DNS hardly has more than six. Beyond it, and in a
	// loop, the answer is malformed.
	chainMax = 16
	// datagramMax is the UDP size that queries announce: what passes every path without fragments, by which answers could be
	// forged (the value of DNS Flag Day 2020). A server truncates what is longer, and is then asked over TCP.
	datagramMax = 1232
	// secondsMax is the largest TTL. RFC 2181 section 8 reads what is beyond as 0.
	secondsMax = 1<<31 - 1
)

// How hard servers are asked.
const (
	// lookupMax bounds a whole lookup, with every name of the search list and every try. Beyond it the lookup has failed.
	lookupMax = 30 * time.Second
	// queriesMax is how many queries are open at once, each with a socket of its own. More wait for their turn.
	queriesMax = 128
	// serversMax is how many of Options.Servers there may be; New refuses more. Of a resolv.conf the C library takes three.
	serversMax     = 8
	serversConfMax = 3
	// searchMax is how many domains of a search list are tried: as many as Kubernetes allows. Beyond it they are ignored.
	searchMax = 32
)

// The options of a resolv.conf: what the C library assumes, and what it lets them be at most.
const (
	timeoutDefault, timeoutMax   = 5 * time.Second, 30 * time.Second
	attemptsDefault, attemptsMax = 2, 5
	ndotsDefault, ndotsMax       = 1, 15
)

// Sizes of the files, in bytes. What is beyond is not read, and an event says so.
const (
	confBytesMax  = 64 << 10
	hostsBytesMax = 4 << 20 // a block list may stand in it
)

// fileYoung is how old a file must have been when it was read, so that a later write shows in its time: clocks of file
// systems are coarse. A younger one is read again.
const fileYoung = 2 * time.Second

// When names are looked up.
const (
	// localTTL is how long what needs no server holds, as far as the service's dns.ttlMin and dns.ttlMax let it.
	localTTL = 5 * time.Second
	// ttlMinDefault and ttlMaxDefault stand for a zero in spec.DNS.
	ttlMinDefault, ttlMaxDefault = time.Second, 5 * time.Minute
	// soonMin is the shortest time between the end of a lookup and one that Soon asks for.
	soonMin = time.Second
	// backoffMin and backoffMax are the shortest and longest time between lookups that fail, give or take backoffSpread.
	backoffMin, backoffMax = time.Second, 30 * time.Second
	backoffSpread          = 0.2
)

package cert

import "time"

// The local CA.
const (
	// rootValidity is how long a root of the local CA holds: people put it into trust stores by hand.
	rootValidity = 10 * 365 * 24 * time.Hour
	// rootRenewBefore is how long before its end a root gets a successor with the same key: twice the life of a leaf, so
	// that no leaf is cut short.
	rootRenewBefore = 2 * leafValidity
	// leafValidity is how long a leaf holds. Short, because nothing can revoke it.
	leafValidity = 30 * 24 * time.Hour
	// leafRenewAfter is the age at which the next handshake gets a new leaf: two thirds of its life.
	leafRenewAfter = leafValidity * 2 / 3
	// backdate is by how much a certificate's beginning lies in the past, for clients whose clock is behind.
	backdate = time.Hour
	// leavesMax is how many leaves are kept, some 3 KB each: the hosts of a large spec, and names below its wildcards,
	// which clients choose. Beyond it another one is let go, and issued again when it is asked for.
	leavesMax = 16_384
)

// What a spec brings.
const (
	// chainMax is how many certificates a chain may have. Each is sent in every full handshake. Beyond it: a problem.
	chainMax = 10
	// bundleMax is how many CAs a bundle for client certificates may have: their names are sent in every handshake that
	// asks for one, which has room for 64 KB. Beyond it: a problem.
	bundleMax = 200
	// rsaBitsMin is the weakest RSA key that is taken, as the CA/Browser Forum's rules have it. Below it: a problem.
	rsaBitsMin = 2048
	// ecBitsMin is the same for elliptic curves.
	ecBitsMin = 256
)

// Names, as exchange's normal form has them. A longer SNI is a name that is not served.
const (
	// nameBytesMax is the longest host name (RFC 1035 section 2.3.4).
	nameBytesMax = 253
	// labelBytesMax is its longest label.
	labelBytesMax = 63
)

// Warnings of certificates about to expire.
const (
	// expirySoon is how long before its end a certificate is warned of.
	expirySoon = 14 * 24 * time.Hour
	// expiryLook is how often an edge with traffic looks for them.
	expiryLook = 24 * time.Hour
	// expiryEventsMax is how many certificates get an event of their own at one look: the ring of events is for all.
	expiryEventsMax = 10
)

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
	// listsMax is how many revocation lists may be given: two for each authority, as while one takes the place of the other. How
	// many certificates they revoke is bounded by what a secret may hold. Beyond it: a problem.
	listsMax = 2 * bundleMax
	// ecBitsMin is the same for elliptic curves.
	ecBitsMin = 256
)

// Sessions.
const (
	// ticketPeriod is how long tickets are sealed with one key that was made of --ticket-secret. Whoever steals a key can read what
	// TLS 1.2 protected in it.
	ticketPeriod = 12 * time.Hour
	// ticketPeriodsBack is how many periods before this one still open a ticket. Beyond it: a full handshake.
	ticketPeriodsBack = 2
	// ticketSecretBytesMin is the shortest secret: as long as the keys. Below it: a problem.
	ticketSecretBytesMin = 32
)

// clientChainBytesMax is how large a client's certificate with its chain may be, in bytes of DER: three times what is usual. Services are
// told of it in fields of requests, a third longer, and most take no more than 8 to 32 KB of those. Beyond it: refused as too_large.
const clientChainBytesMax = 8 << 10

const (
	// refusalEventEvery is the least time between two events that tell of client certificates refused for the same reason.
	refusalEventEvery = time.Minute
	// refusalNameMax is how many characters of such a certificate's name an event has; the rest is left out.
	refusalNameMax = 200
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
	// expiryLookLeast is the same where certificates hold for hours.
	expiryLookLeast = 5 * time.Minute
	// expiryEventsMax is how many certificates get an event of their own at one look: people read them.
	expiryEventsMax = 10
)

// Certificates by ACME.
const (
	// namesMax is how many names may have a certificate by ACME, some 5 KB each. Beyond it the local CA serves, and an event says so.
	namesMax = 10_000
	// casMax is how many CAs may be given. Each failure asks all of them.
	casMax = 5
	// allowMax is how many names --acme-allow may list: they are looked through at the first hello for a name.
	allowMax = 1_000
	// ordersAtOnce is how many orders are under way. The others wait.
	ordersAtOnce = 8
	// readsAtOnce is how many names' certificates are read from the storage at once.
	readsAtOnce = 32
	// ordersLook is how often it is looked which names are due.
	ordersLook = time.Minute
	// orderTimeout is how long one CA may take for an order. Beyond it the next one is asked; of the last one it is a failure. All of
	// them together, with the wait for the lock, have it as many times as there are CAs.
	orderTimeout = 5 * time.Minute
	// renewShare: when this part of a certificate's life is left, the next one is ordered.
	renewShare = 3
	// renewAgain is how soon after an order the next one for a name may come, whatever clock or CA say: for certificates of hours after a
	// third of their life, if that is less.
	renewAgain = time.Hour
	// renewalInfoEvery is how often a CA is asked when to renew a certificate (RFC 9773 section 4.3.2 has 6 hours for an example).
	renewalInfoEvery = 6 * time.Hour
	// retryFirst is how long after the first failure a name is ordered again; each further failure doubles it.
	retryFirst = time.Minute
	// retryMax is the longest of these waits: two to six tries a day leave room below the limits of public CAs.
	retryMax = 6 * time.Hour
	// retryShare: this part of a certificate's life is the longest of these waits, if it is less. There are then several tries in the
	// third that is left.
	retryShare = 24
	// heldBackLeast is how long a CA is not asked after it said that there were too many orders, for what that is taken to be about; and
	// the longest that it is not asked because it does not answer.
	heldBackLeast = 15 * time.Minute
	// heldBackMax is the longest that it is left alone because its Retry-After says so: what it says may be meant for less than what
	// waits.
	heldBackMax = time.Hour
	// skewMax is by how much a CA's clock may be ahead. What begins later is not put in the place of what is in force.
	skewMax = 10 * time.Minute
	// toldBytesMax is how much of what a CA or --acme-ask says of an error is told, in bytes: it may be a whole page.
	toldBytesMax = 1_000
	// caTimeout is how long one request to a CA may take.
	caTimeout = 30 * time.Second
	// answerBytesMax is the longest answer of a CA, or of --acme-ask, that is read. Beyond it: a failure.
	answerBytesMax = 1 << 20
	// lockBeat is how often a lock of the storage is touched by who has it.
	lockBeat = 2 * time.Second
	// lockDead is how long it may be untouched before who waits takes it over: a process was killed, or stood still.
	lockDead = 10 * time.Second
	// lockLook is how often who waits looks.
	lockLook = 250 * time.Millisecond
	// storedBytesMax is the largest file of the storage that is read. Beyond it: as if it could not be read.
	storedBytesMax = 256 << 10
	// formerMax is how many folders of CAs that are not asked any more are looked at for certificates.
	formerMax = 16
	// tidyEvery is how often the storage is rid of what has ended.
	tidyEvery = 24 * time.Hour
	// endedKept is how long a certificate stays there after its end.
	endedKept = 30 * 24 * time.Hour
	// recordTTL is how long resolvers may remember a record of DNS-01.
	recordTTL = time.Minute
	// updateTimeout is how long a dynamic update of a zone may take.
	updateTimeout = 10 * time.Second
	// tsigFudge is by how many seconds the clocks of edge and DNS server may differ, as RFC 8945 section 10 recommends.
	tsigFudge = 300
	// tsigBytesMin is the shortest secret that is taken to sign updates.
	tsigBytesMin = 16
	// bindingIDBytesMax is the longest name of a customer's key for --acme-eab. Beyond it: a problem.
	bindingIDBytesMax = 512
	// bindingBytesMin is the shortest such key that is taken.
	bindingBytesMin = 16
	// profileBytesMax is the longest name of a profile for --acme-profile. Beyond it: a problem.
	profileBytesMax = 64
	// challengePathMax is the longest path of HTTP-01 that is looked at, in bytes: a token has about 43.
	challengePathMax = 256
)

// Certificates on demand.
const (
	// demandWait is how long a handshake waits for its certificate. Beyond it the local CA stands in, and the order goes on.
	demandWait = 8 * time.Second
	// demandsAtOnce is how many names may be asked for at once. Beyond it the local CA stands in.
	demandsAtOnce = 32
	// demandsPerMinute is how many orders clients may bring about in a minute. Beyond it the name is refused like others.
	demandsPerMinute = 10
	// refusedKept is how long a name that was refused is not asked for again.
	refusedKept = 5 * time.Minute
	// failedKept is the same for a name whose order failed. Public CAs take five failures of a name in an hour.
	failedKept = 15 * time.Minute
	// asksAtOnce is how many requests to --acme-ask may be under way. Beyond it a name waits for its turn.
	asksAtOnce = 8
	// askTold is how often it is told that --acme-ask cannot be asked.
	askTold = time.Minute
	// askTimeout is how long --acme-ask may take, with the wait for a turn. Beyond it the name is refused, unless the storage has its
	// certificate.
	askTimeout = 3 * time.Second
)

package spec

import "time"

// This file is the model of how a service is asked: balancing, ejection, retries, limits, names, TLS. What a route may say of it is
// part of its Policy: Retry, Hedge and Priority.

// Balance says how endpoints are chosen.
type Balance struct {
	By        BalanceBy     // default powerOfTwo
	Key       BalanceKey    // what maglev hashes; default address
	Sticky    *Sticky       // nil: a client may get another endpoint each time
	SlowStart time.Duration // an endpoint that has come (back) gets its share little by little; 0, the default: at once
	Panic     float64       // below this share of usable endpoints health is ignored, 0 to 1, default 0.5; 0: never
	Spill     int           // open requests per unit of weight beyond which a farther locality takes some, default 100; 0: never by load
}

// BalanceBy is an algorithm of balancing. All heed weights.
type BalanceBy string

// The algorithms.
const (
	ByRoundRobin    BalanceBy = "roundRobin"
	ByLeastRequests BalanceBy = "leastRequests" // the fewest open requests for its weight
	ByPowerOfTwo    BalanceBy = "powerOfTwo"    // the better of two taken at random, by open requests
	ByMaglev        BalanceBy = "maglev"        // consistent hashing of Key
)

// BalanceKey is what is hashed: "address", "header NAME" or "cookie NAME". A request without the field or cookie goes by address.
type BalanceKey string

// KeyAddress is the client's address.
const KeyAddress BalanceKey = "address"

// Split returns the source ("address", "header" or "cookie") and the name.
func (k BalanceKey) Split() (source, name string) {
	for i := range k {
		if k[i] == ' ' {
			return string(k[:i]), string(k[i+1:])
		}
	}
	return string(k), ""
}

// Sticky keeps a client on its endpoint by a cookie that the edge sets; when the endpoint is gone another is chosen.
type Sticky struct {
	Cookie string        // its name
	MaxAge time.Duration // whole seconds; 0: until the browser closes
}

// Ejection takes an endpoint out for a while when exchanges with it fail (outlier detection). Failures 0 is off.
type Ejection struct {
	Failures int           // in a row: no connection, no valid response in time, or a status of 500, 502, 503, 504; default 5
	Time     time.Duration // out for so long, times the number of ejections in a row (five at most); default 30 s
	Share    float64       // of the endpoints that may be out at once, 0 to 1, default 0.5; one endpoint alone never is
}

// RetryBudget bounds the tries beyond the first of all exchanges with a service on this node, so that an outage does not multiply its load.
type RetryBudget struct {
	Share     float64 // of the requests, default 0.2
	PerSecond int     // so many may always be made, default 10
}

// Concurrency bounds the requests that are open at a service on this node. Max 0 without Adaptive: no bound.
type Concurrency struct {
	Max         int           // at most; with Adaptive 1,000 if nothing is said
	Adaptive    bool          // the limit is found between Min and Max, from the service's latency
	Min         int           // with Adaptive: never below, default 4
	PerEndpoint int           // open at one endpoint; a farther or busier one takes what is beyond; 0: no bound
	Queue       int           // requests that may wait for a place, default 100
	QueueTime   time.Duration // how long one may wait, default 1 s
}

// On reports whether there is a bound on the service as a whole.
func (c *Concurrency) On() bool { return c.Max > 0 || c.Adaptive }

// Breaker answers 503 at once while a service fails. Share 0 is off, the default.
type Breaker struct {
	Share    float64       // of failures that opens it, default 0.5
	Requests int           // that must have been made in Window, default 20
	Window   time.Duration // default 10 s
	Open     time.Duration // until a few requests probe the service, default 5 s
}

// DNS says how names of endpoints become addresses. Each address is an endpoint of its own.
type DNS struct {
	Family Family        // default auto
	TTLMin time.Duration // an answer holds at least so long, default 1 s
	TTLMax time.Duration // and at most so long, default 5 min
}

// Family says which addresses of a name are used.
type Family string

// The values of Family.
const (
	FamilyAuto Family = "auto" // IPv4 if there is any, otherwise IPv6
	FamilyIPv4 Family = "ipv4"
	FamilyIPv6 Family = "ipv6"
	FamilyBoth Family = "both"
)

// OriginTLS is how https endpoints are spoken to. The zero value verifies against the system's authorities.
type OriginTLS struct {
	ServerName  string // asked for (SNI) and verified; empty: the Host if the service has a name for it, otherwise the endpoint's
	CA          Ref    // PEM of the authorities that its certificate must come from; empty: the system's
	Certificate Ref    // PEM chain that the edge shows, leaf first; with Key
	Key         Ref    // PEM
	MinVersion  string // "1.2" or "1.3", default "1.2"
}

// Retry says when another endpoint is asked. An endpoint is never asked twice for one request, but for a kept connection that
// died where there is no other. What may be asked again at all: RFC 9110 section 9.2.2. Tries 1 is off.
type Retry struct {
	Tries          int   `yaml:"tries"`          // endpoints asked at most, the first included, 2 to 5, default 3
	Statuses       []int `yaml:"statuses"`       // that are asked again, for safe methods; sorted; default 502, 503
	IdempotencyKey bool  `yaml:"idempotencyKey"` // a POST or PATCH with an Idempotency-Key may be asked again like PUT; default off
}

// Hedge asks a second endpoint when the first is slow; the first response head wins. For idempotent methods without a body. After 0 is off, the default.
type Hedge struct {
	After time.Duration `yaml:"after"`
}

// Class is who is served first when a service is at its limit.
type Class string

// The classes, first to last.
const (
	ClassCritical Class = "critical" // payment
	ClassHigh     Class = "high"
	ClassNormal   Class = "normal" // the default
	ClassLow      Class = "low"    // crawlers
)

// Rank is 0 for the class that is served first. An unknown one ranks as normal.
func (c Class) Rank() int {
	switch c {
	case ClassCritical:
		return 0
	case ClassHigh:
		return 1
	case ClassLow:
		return 3
	}
	return 2
}

// Classes is how many there are.
const Classes = 4

// Priority is the class of a route's requests.
type Priority struct {
	Class    Class `yaml:"class"`    // default normal
	Crawlers Class `yaml:"crawlers"` // of requests whose User-Agent says that they are a crawler's, default low
}

// Mirror sends a copy of a share of a route's requests to another service. Its answer is thrown away.
type Mirror struct {
	Service *Service
	Share   float64 // 0 to 1, default 1
	BodyMax Size    // requests with a larger body are not mirrored, default 64 KB
}

package freshness

import "time"

// Flags are what Judge found beside directives.
type Flags uint8

// The bits of Flags.
const (
	FlagSetCookie  Flags = 1 << iota // the response had Set-Cookie
	FlagVaryWho                      // Vary named Cookie or Authorization
	FlagConfigured                   // the lifetime is the route's (ttl.default, ttl.negative): the response said nothing
	FlagHeuristic                    // the lifetime is a guess from Last-Modified (RFC 9111 section 4.2.2)
	FlagValidator                    // the response has an ETag or a Last-Modified that the origin can be asked with
)

// Terms is on what terms a stored answer may be used: small, plain, without pointers, kept with each object. Spans are nanoseconds.
type Terms struct {
	Born            int64 // the instant at which its age was 0, Unix nanoseconds
	Lifetime        int64 // how long it is fresh, from Born on; 0: it never was
	WhileRevalidate int64 // how long it may be served stale while a new one is fetched; 0: not
	IfError         int64 // how long it may be served stale when the origin fails; 0: not
	Said            Set
	Flags           Flags
}

// Use is what to do with a stored answer that fits a request.
type Use uint8

// The uses.
const (
	UseFresh    Use = iota // serve it
	UseStale               // serve it, and fetch a new one behind it
	UseValidate            // ask the origin first
)

// Age is how old the answer is, never negative (RFC 9111 section 4.2.3).
func (t *Terms) Age(now time.Time) time.Duration { return max(0, time.Duration(now.UnixNano()-t.Born)) }

// Left is how long the answer is fresh still; 0 or negative: stale for so long.
func (t *Terms) Left(now time.Time) time.Duration { return time.Duration(t.Lifetime) - t.Age(now) }

// Use decides about one request. asked may be nil.
func (t *Terms) Use(now time.Time, asked *Asked) Use {
	if t.Left(now) > 0 && !t.Said.Has(SaidNoCache) {
		return UseFresh
	}
	return UseValidate
}

// AfterFailure reports whether the answer may be served since the origin failed (RFC 5861 section 4, RFC 9111 section 4.2.4).
// asked may be nil.
func (t *Terms) AfterFailure(now time.Time, asked *Asked) bool { return false }

// Shareable reports whether a request that says who asks may get the answer too: the response was meant for everybody by public,
// s-maxage or a targeted field, and had no Set-Cookie and no Vary: Cookie or *.
func (t *Terms) Shareable() bool {
	return t.Said.Has(SaidPublic|SaidSMaxAge|SaidTargeted) && t.Flags&(FlagSetCookie|FlagVaryWho) == 0
}

// Softened is these terms for an answer that is stale from now on whatever it said, as a soft purge makes it.
func (t *Terms) Softened(now time.Time) Terms {
	s := *t
	s.Lifetime = min(s.Lifetime, int64(t.Age(now)))
	return s
}

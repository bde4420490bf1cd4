package freshness

import "time"

// Flags are what Judge found beside directives.
type Flags uint8

// The bits of Flags.
const (
	FlagSetCookie  Flags = 1 << iota // the response had Set-Cookie
	FlagVaryWho                      // Vary named Cookie or Authorization
	FlagConfigured                   // the lifetime is the route's (ttl.default, ttl.negative): the response said nothing
	FlagHeuristic                    // the lifetime is a guess from Last-Modified (RFC 9111 section 4.2.2), 0 if there was none
	FlagValidator                    // the response has an ETag or a Last-Modified that the origin can be asked with
)

// Terms is on what terms a stored answer may be used: small, plain, without pointers, kept with each object. Spans are nanoseconds,
// from 0 to 68 years.
type Terms struct {
	Born            int64 // the instant at which its age was 0, Unix nanoseconds; may lie before 1970
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

// Age is how old the answer is: current_age of RFC 9111 section 4.2.3, from 0 to 68 years.
func (t *Terms) Age(now time.Time) time.Duration {
	at := nanos(now)
	age := time.Duration(at - t.Born)
	switch {
	case at == instantMax*int64(time.Second): // the clock is beyond what we count
		return longest
	case at <= t.Born:
		return 0
	case age < 0 || age > longest: // below 0: further apart than an int64 can say
		return longest
	}
	return age
}

// Left is how long the answer is fresh still; 0 or negative: stale for so long.
func (t *Terms) Left(now time.Time) time.Duration {
	return time.Duration(min(max(t.Lifetime, 0), int64(longest))) - t.Age(now)
}

// Use decides about one request (RFC 9111 section 4.2, RFC 5861 section 3). asked may be nil. It does not allocate.
//
// What the client asks for can only make it stricter, but for max-stale, and that not where the response forbids stale answers. Who
// names a max-age wishes for no stale answer unless max-stale stands beside it (section 5.2.1.1).
func (t *Terms) Use(now time.Time, asked *Asked) Use {
	left := t.Left(now)
	if t.Said.Has(SaidNoCache) || asked != nil && asked.strict(t.Age(now), left) {
		return UseValidate
	}
	if left > 0 {
		return UseFresh
	}
	if t.Said.Has(forbidStale) {
		return UseValidate
	}
	allowed := time.Duration(t.WhileRevalidate)
	switch {
	case asked == nil:
	case asked.MaxStale >= 0:
		allowed = asked.MaxStale
	case asked.MaxAge >= 0:
		return UseValidate
	}
	if allowed > 0 && -left <= allowed {
		return UseStale
	}
	return UseValidate
}

// strict reports whether the client refuses an answer of this age that is fresh for so long.
func (a *Asked) strict(age, left time.Duration) bool {
	return a.NoCache || a.MaxAge >= 0 && age > a.MaxAge || a.MinFresh >= 0 && left < a.MinFresh
}

// AfterFailure reports whether the answer may be served since the origin failed (RFC 5861 section 4, RFC 9111 section 4.2.4): by what the
// response said or the route says, or by what the client would take. asked may be nil.
func (t *Terms) AfterFailure(now time.Time, asked *Asked) bool {
	if t.Said.Has(SaidNoCache) || asked != nil && asked.NoCache {
		return false
	}
	left := t.Left(now)
	if left > 0 {
		return true
	}
	if t.Said.Has(forbidStale) {
		return false
	}
	allowed := time.Duration(max(t.IfError, t.WhileRevalidate))
	if asked != nil {
		allowed = max(allowed, asked.IfError, asked.MaxStale)
	}
	return allowed > 0 && -left <= allowed
}

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

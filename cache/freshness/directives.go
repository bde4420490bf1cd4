package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// Set is what a response said about caching, as bits.
type Set uint16

// The bits of a Set. Those of directives come from the one field that was read: CDN-Cache-Control or Cache-Control.
const (
	SaidPublic          Set = 1 << iota
	SaidPrivate             // as a whole
	SaidPrivateFields       // private="…": only the named fields
	SaidNoStore             // whether or not must-understand stands beside it
	SaidNoCache             // as a whole, or Pragma: no-cache where there is no Cache-Control
	SaidNoCacheFields       // no-cache="…": only the named fields
	SaidMustRevalidate      // RFC 9111 section 5.2.2.2
	SaidProxyRevalidate     // section 5.2.2.8
	SaidMustUnderstand      // section 5.2.2.3
	SaidNoTransform         // section 5.2.2.6
	SaidImmutable           // RFC 8246
	SaidMaxAge              // with any argument, valid or not
	SaidSMaxAge             // with any argument, valid or not
	SaidExpires             // the field is there, valid or not, and counts
	SaidTargeted            // CDN-Cache-Control was read, Cache-Control, Expires and Pragma were not (RFC 9213 section 2.2)
)

// Has reports whether any of these bits is set.
func (s Set) Has(any Set) bool { return s&any != 0 }

// Directives is what a response says, read. The names in it are views into its fields.
type Directives struct {
	Said            Set
	MaxAge          time.Duration // -1: not said; 0 also if it was invalid
	SMaxAge         time.Duration // the same
	WhileRevalidate time.Duration // stale-while-revalidate (RFC 5861 section 3); the same
	IfError         time.Duration // stale-if-error (RFC 5861 section 4); the same

	names [qualifiedMax][]byte // the lists of field names of no-cache="…" and private="…"
	count int
}

// Asked is what a request says of stored answers (RFC 9111 section 5.2.1). A nil *Asked asks for nothing; the zero value is not
// that: it has max-age=0.
type Asked struct {
	NoStore, NoCache, OnlyIfCached bool
	MaxAge                         time.Duration // -1: not said; 0 also if it was invalid
	MinFresh                       time.Duration // -1: not said; the longest there is if it was invalid
	MaxStale                       time.Duration // -1: not said, or invalid; the longest there is without an argument
	IfError                        time.Duration // stale-if-error (RFC 5861 section 4); -1: not said, or invalid
}

// Unheeded is what is left of the wishes where requests have no say (private mode): not to store, and not to ask the origin.
func (a Asked) Unheeded() Asked {
	return Asked{NoStore: a.NoStore, OnlyIfCached: a.OnlyIfCached, MaxAge: -1, MinFresh: -1, MaxStale: -1, IfError: -1}
}

// ResponseDirectives reads what a response says: CDN-Cache-Control (RFC 9213) alone if it is there, well formed and not empty, otherwise
// Cache-Control, and Pragma where there is none.
func ResponseDirectives(f exchange.Fields) Directives {
	return Directives{MaxAge: -1, SMaxAge: -1, WhileRevalidate: -1, IfError: -1}
}

// RequestDirectives reads Cache-Control of a request, or Pragma where there is none (RFC 9111 section 5.4). It does not allocate.
func RequestDirectives(f exchange.Fields) Asked {
	return Asked{MaxAge: -1, MinFresh: -1, MaxStale: -1, IfError: -1}
}

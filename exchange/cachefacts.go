package exchange

import "time"

// CacheFacts is written by cache.
type CacheFacts struct {
	Outcome   CacheOutcome
	Why       string        // with CachePass, or an answer that was not stored: the reason, a word of the cache's doc.go
	Stored    bool          // the answer was stored
	Collapsed bool          // it waited for what another request had asked for
	Age       time.Duration // of what was served from the store
	Held      any           // cache's own: what it holds until its Done
}

// CacheOutcome says where an answer came from.
type CacheOutcome uint8

// The outcomes.
const (
	CacheNone        CacheOutcome = iota // the route has no cache, or it was not asked
	CacheHit                             // from the store, fresh
	CacheStale                           // from the store, stale: a new one is fetched behind it, or the origin fails
	CacheRevalidated                     // from the store, after the origin said that it still holds
	CacheMiss                            // from the origin, because the store had nothing that fits
	CachePass                            // from the origin, because this request or its answer is not for a cache
)

var cacheOutcomes = [...]string{"", "hit", "stale", "revalidated", "miss", "pass"}

// String is the outcome as logs and metrics print it.
func (c CacheOutcome) String() string { return cacheOutcomes[c] }

package spec

import "time"

// This file is the model of the cache: what the policy `cache` becomes. Like the firewall it is merged field by field: a route that sets
// a lifetime keeps the lists of its profile. A list is one value: a nearer one replaces a farther one whole.

// Cache says what the edge stores of answers (RFC 9111) and when it gives them again. A nil Cache is off, and so is the zero value.
type Cache struct {
	Mode       CacheMode     `yaml:"mode"` // default private in the profiles website and static, off elsewhere
	Key        CacheKey      `yaml:"key"`
	TTL        CacheTTL      `yaml:"ttl"`
	Stale      CacheStale    `yaml:"stale"`
	Anonymous  []string      `yaml:"anonymousCookies"`  // names of cookies that say nothing of who asks; a trailing * stands for any ending. Sorted, without those of Key; nil in mode standard, where no cookie makes a session
	Identity   CacheIdentity `yaml:"identity"`          // what says who asks, and becomes part of the key; empty: answers to identified requests are never stored
	Directives bool          `yaml:"requestDirectives"` // heed Cache-Control of requests; default on in standard, off in private
	Collapse   time.Duration `yaml:"collapse"`          // how long a request waits for what another asked for, at most 60 s, default 5 s; 0: every miss asks
	ObjectMax  Size          `yaml:"objectMax"`         // the largest answer that is stored, 1 byte to 10 GB, default 64 MB
	Prerender  []string      `yaml:"prerender"`         // paths, with query, that are fetched at start and before they expire; sorted
	Probe      CacheProbe    `yaml:"probe"`
}

// CacheMode is whose rules the cache goes by.
type CacheMode string

// The modes.
const (
	CachePrivate  CacheMode = "private"  // nothing of identified requests, nothing that does not say how long it is fresh
	CacheStandard CacheMode = "standard" // a shared cache of RFC 9111 that does what responses say
	CacheOff      CacheMode = "off"      // nothing is stored or answered; nothing else of the Cache is in force
)

// On reports whether anything is stored.
func (c *Cache) On() bool { return c != nil && c.Mode != CacheOff && c.Mode != "" }

// CacheKey is what tells answers apart beside scheme, host, path and method. Of Query and QueryExcept one at most is set.
type CacheKey struct {
	Query       []string `yaml:"query"`       // parameters that count, sorted, in their decoded form; nil: all but QueryExcept; empty: none
	QueryExcept []string `yaml:"queryExcept"` // parameters that do not, sorted; a trailing * stands for any ending. They do not reach the service on a fill
	Headers     []string `yaml:"headers"`     // request fields that count, lower case, sorted
	Cookies     []string `yaml:"cookies"`     // cookies that count, sorted. They make no session, and count also where a pattern of Anonymous has them
}

// CacheTTL is how long answers are fresh where that is not for the response alone to say.
type CacheTTL struct {
	Default  time.Duration `yaml:"default"`  // where a response says nothing; 0, the default: it is not stored
	Negative time.Duration `yaml:"negative"` // where a 404, 405, 410, 414 or 501 says nothing; 0, the default: it is not stored
	Max      time.Duration `yaml:"max"`      // the longest, whatever responses say; at most a year, the default
}

// CacheStale is how long after its lifetime an answer may be given where the response does not say (RFC 5861). What it says wins.
type CacheStale struct {
	WhileRevalidate time.Duration `yaml:"whileRevalidate"` // while a new one is fetched behind it, at most 30 days; default 0
	IfError         time.Duration `yaml:"ifError"`         // when the service fails, at most 30 days; default 0
}

// CacheIdentity is what says who asks. With it answers to identified requests are stored, and shared among requests of the same identity.
type CacheIdentity struct {
	Headers []string `yaml:"headers"` // lower case, sorted
	Cookies []string `yaml:"cookies"` // sorted
}

// On reports whether there is an identity in the key.
func (i *CacheIdentity) On() bool { return len(i.Headers)+len(i.Cookies) > 0 }

// CacheProbe asks the edge for the same path as different people, beside the traffic, to find what one must not see of another.
type CacheProbe struct {
	Every      time.Duration   `yaml:"every"`      // 500 ms to 1 h, default 2 s
	Identities []ProbeIdentity `yaml:"identities"` // none or two; two where CacheIdentity is on
	Paths      []string        `yaml:"paths"`      // paths, with query; sorted
}

// ProbeIdentity is somebody made up for the probe.
type ProbeIdentity struct {
	At     Pos    // of Value
	Header string `yaml:"header"` // lower case: authorization, cookie, or one of CacheIdentity.Headers
	Value  Ref    `yaml:"value"`  // its value, a secret; of cookie "name=value"
	Marker string `yaml:"marker"` // text that stands in no answer but those to this identity; empty: none is known
}

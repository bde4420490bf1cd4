package spec

import (
	"slices"
	"time"
)

// This file is the table of the cache. See cache.go for what becomes of it, cachename.go for the names and paths in it, laycache.go for
// its merging.

type cacheDoc struct {
	mode       val[CacheMode]
	key        val[cacheKeyDoc]
	ttl        val[cacheTTLDoc]
	stale      val[cacheStaleDoc]
	anonymous  val[[]string]
	identity   val[cacheIdentityDoc]
	directives val[bool]
	collapse   val[time.Duration]
	objectMax  val[Size]
	prerender  val[[]string]
	probe      val[cacheProbeDoc]
}

type cacheKeyDoc struct{ query, queryExcept, headers, cookies val[[]string] }

type cacheTTLDoc struct{ unsaid, negative, longest val[time.Duration] }

type cacheStaleDoc struct{ whileRevalidate, ifError val[time.Duration] }

type cacheIdentityDoc struct{ headers, cookies val[[]string] }

type cacheProbeDoc struct {
	every      val[time.Duration]
	identities val[[]ProbeIdentity]
	paths      val[[]string]
}

var cacheMode = oneOf(CachePrivate, CacheStandard, CacheOff)

var cacheKeyParts = []part[*cacheKeyDoc, *CacheKey]{
	partOf("query", func(d *cacheKeyDoc) *val[[]string] { return &d.query }, func(m *CacheKey) *[]string { return &m.Query }, queryNames,
		"Parameters of the query that count, in their decoded form; []: none. All, if left out. Others do not reach the service when an answer is fetched for the cache.").
		dropping(func(m *CacheKey) { m.QueryExcept = nil }).where(func(m *CacheKey) bool { return m.Query != nil }),
	partOf("queryExcept", func(d *cacheKeyDoc) *val[[]string] { return &d.queryExcept }, func(m *CacheKey) *[]string { return &m.QueryExcept }, queryPatterns,
		"Parameters that do not count; a trailing * stands for any ending, known/campaigns for those of advertising. In place of query, never beside it.").
		dropping(func(m *CacheKey) { m.Query = nil }).where(func(m *CacheKey) bool { return m.Query == nil }),
	partOf("headers", func(d *cacheKeyDoc) *val[[]string] { return &d.headers }, func(m *CacheKey) *[]string { return &m.Headers },
		folded(keyField, nameInSchema, cacheNamesMax), "Request fields whose value counts."),
	partOf("cookies", func(d *cacheKeyDoc) *val[[]string] { return &d.cookies }, func(m *CacheKey) *[]string { return &m.Cookies },
		cookieNames, "Cookies whose value counts, and that therefore make no session: [currency]."),
}

var cacheKey = object[cacheKeyDoc]{
	name: "cache key", doc: "What tells answers apart, beside scheme, host, path and method.",
	fields: fieldsOfParts(cacheKeyParts),
	check: func(l *log, _ Pos, k *cacheKeyDoc) {
		if k.query.given() && k.queryExcept.given() {
			l.refuse(k.queryExcept.At, "keep one of them", "a key has either query or queryExcept")
		}
	},
}

var cacheTTLParts = []part[*cacheTTLDoc, *CacheTTL]{
	partOf("default", func(d *cacheTTLDoc) *val[time.Duration] { return &d.unsaid }, func(m *CacheTTL) *time.Duration { return &m.Default },
		orOff(duration(time.Second, ttlMost)), "How long an answer is fresh that says nothing of it; off: it is not stored."),
	partOf("negative", func(d *cacheTTLDoc) *val[time.Duration] { return &d.negative }, func(m *CacheTTL) *time.Duration { return &m.Negative },
		orOff(duration(time.Second, ttlMost)), "The same of answers with 404, 405, 410, 414 and 501; off: those are not stored."),
	partOf("max", func(d *cacheTTLDoc) *val[time.Duration] { return &d.longest }, func(m *CacheTTL) *time.Duration { return &m.Max },
		duration(time.Second, ttlMost), "The longest that any answer is fresh, whatever it says."),
}

var cacheTTL = object[cacheTTLDoc]{
	name: "cache ttl", doc: "How long answers are fresh where that is not for them alone to say.", fields: fieldsOfParts(cacheTTLParts),
}

var cacheStaleParts = []part[*cacheStaleDoc, *CacheStale]{
	partOf("whileRevalidate", func(d *cacheStaleDoc) *val[time.Duration] { return &d.whileRevalidate },
		func(m *CacheStale) *time.Duration { return &m.WhileRevalidate }, orOff(duration(time.Second, staleMost)),
		"How long an answer is given beyond its lifetime while a new one is fetched; what it says itself (stale-while-revalidate) wins."),
	partOf("ifError", func(d *cacheStaleDoc) *val[time.Duration] { return &d.ifError }, func(m *CacheStale) *time.Duration { return &m.IfError },
		orOff(duration(time.Second, staleMost)), "How long it is given when the service fails; what it says itself (stale-if-error) wins."),
}

var cacheStale = object[cacheStaleDoc]{
	name: "cache stale", doc: "How long answers may be given beyond their lifetime (RFC 5861).", fields: fieldsOfParts(cacheStaleParts),
}

var cacheIdentityParts = []part[*cacheIdentityDoc, *CacheIdentity]{
	partOf("headers", func(d *cacheIdentityDoc) *val[[]string] { return &d.headers }, func(m *CacheIdentity) *[]string { return &m.Headers },
		folded(identityField, nameInSchema, cacheNamesMax), "Request fields that say who asks: [authorization]."),
	partOf("cookies", func(d *cacheIdentityDoc) *val[[]string] { return &d.cookies }, func(m *CacheIdentity) *[]string { return &m.Cookies },
		cookieNames, "Cookies that say who asks: [session]."),
}

var cacheIdentity = object[cacheIdentityDoc]{
	name:   "cache identity",
	doc:    "What says who asks. It becomes part of the key, so that what one is answered no other gets; the probe holds the service to it with two identities.",
	fields: fieldsOfParts(cacheIdentityParts),
}

// cacheParts are all parts, in the order in which they are explained.
var cacheParts = slices.Concat(cacheModeParts,
	within("key", cacheKeyParts, func(d *cacheDoc) *val[cacheKeyDoc] { return &d.key }, func(m *Cache) *CacheKey { return &m.Key }),
	within("ttl", cacheTTLParts, func(d *cacheDoc) *val[cacheTTLDoc] { return &d.ttl }, func(m *Cache) *CacheTTL { return &m.TTL }),
	within("stale", cacheStaleParts, func(d *cacheDoc) *val[cacheStaleDoc] { return &d.stale }, func(m *Cache) *CacheStale { return &m.Stale }),
	cacheAnonymousParts,
	within("identity", cacheIdentityParts, func(d *cacheDoc) *val[cacheIdentityDoc] { return &d.identity }, func(m *Cache) *CacheIdentity { return &m.Identity }),
	cachePlainParts,
	within("probe", cacheProbeParts, func(d *cacheDoc) *val[cacheProbeDoc] { return &d.probe }, func(m *Cache) *CacheProbe { return &m.Probe }),
)

var (
	cacheModeParts = []part[*cacheDoc, *Cache]{
		partOf("mode", func(d *cacheDoc) *val[CacheMode] { return &d.mode }, func(m *Cache) *CacheMode { return &m.Mode }, cacheMode,
			"Whose rules hold. private: only what says how long it is fresh, and nothing of requests with credentials, a session cookie or a client certificate. "+
				"standard: what RFC 9111 lets a shared cache store, which knows neither cookies nor client certificates. off: nothing is stored."),
	}
	cacheAnonymousParts = []part[*cacheDoc, *Cache]{
		partOf("anonymousCookies", func(d *cacheDoc) *val[[]string] { return &d.anonymous }, func(m *Cache) *[]string { return &m.Anonymous }, cookiePatterns,
			"Cookies that say nothing of who asks; a trailing * stands for any ending, known/analytics and known/consent for those that are used for it everywhere. In mode private every other one makes a session.").
			where(func(m *Cache) bool { return m.Anonymous != nil }),
	}
	cachePlainParts = []part[*cacheDoc, *Cache]{
		partOf("requestDirectives", func(d *cacheDoc) *val[bool] { return &d.directives }, func(m *Cache) *bool { return &m.Directives }, heeded,
			"Whether Cache-Control of a request may ask for a newer answer: on in mode standard, off in private, if left out. no-store and only-if-cached always hold."),
		partOf("collapse", func(d *cacheDoc) *val[time.Duration] { return &d.collapse }, func(m *Cache) *time.Duration { return &m.Collapse },
			orOff(duration(time.Millisecond, collapseMost)), "How long a request waits for an answer that another one has asked for already; off: each asks the service."),
		partOf("objectMax", func(d *cacheDoc) *val[Size] { return &d.objectMax }, func(m *Cache) *Size { return &m.ObjectMax }, size(1, objectMost),
			"The largest answer that is stored, in bytes, KB, MB or GB."),
		partOf("prerender", func(d *cacheDoc) *val[[]string] { return &d.prerender }, func(m *Cache) *[]string { return &m.Prerender }, pagePaths(prerenderMax),
			"Paths, with query, that are fetched at start, and again before they expire."),
	}
)

// heeded is a switch whose value is no policy of its own.
var heeded = leaf[bool]{
	read:     func(l *log, n *node) (bool, bool) { v, ok := onOff.read(l, n); return bool(v), ok },
	write:    func(v bool) any { return onOff.write(Switch(v)) },
	describe: onOff.describe,
}.shape()

// cache is that of an Entrypoint, a Profile or a route.
var cache = worded(object[cacheDoc]{
	name: "cache", doc: "What is stored of answers (RFC 9111). What is left out is as the farther document says.",
	fields: slices.Concat(fieldsOfParts(cacheModeParts), []field[*cacheDoc]{
		row("key", func(d *cacheDoc) *val[cacheKeyDoc] { return &d.key }, cacheKey.shape(), cacheKey.doc),
		row("ttl", func(d *cacheDoc) *val[cacheTTLDoc] { return &d.ttl }, cacheTTL.shape(), cacheTTL.doc),
		row("stale", func(d *cacheDoc) *val[cacheStaleDoc] { return &d.stale }, cacheStale.shape(), cacheStale.doc),
	}, fieldsOfParts(cacheAnonymousParts), []field[*cacheDoc]{
		row("identity", func(d *cacheDoc) *val[cacheIdentityDoc] { return &d.identity }, cacheIdentity.shape(), cacheIdentity.doc),
	}, fieldsOfParts(cachePlainParts), []field[*cacheDoc]{
		row("probe", func(d *cacheDoc) *val[cacheProbeDoc] { return &d.probe }, cacheProbe.shape(), cacheProbe.doc),
	}),
	check: checkSameCookie,
}.shape(), "mode", cacheMode)

// checkSameCookie refuses a cookie that one document both counts and calls without meaning. One that a farther document calls so, or a
// word for many, counts.
func checkSameCookie(l *log, _ Pos, d *cacheDoc) {
	for _, name := range d.key.V.cookies.V {
		if slices.Contains(d.anonymous.V, name) && !slices.Contains(allKnown(knownCookies), name) {
			l.refuse(d.anonymous.At, "remove it from one of them", "the cookie %q stands in key.cookies and in anonymousCookies", clip(name))
		}
	}
}

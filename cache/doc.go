// Package cache answers requests from what is stored, and has what is missing fetched: RFC 9111, with RFC 5861 (stale answers), RFC 9211
// (Cache-Status), RFC 9213 (CDN-Cache-Control), RFC 9875 (groups) and QUERY (RFC 10008).
//
// It owns Stage, which looks a request up, and Keeper, which has the store, the fills in flight and what is known of routes, and
// outlives plans. Below it, freshness knows the rules, storage keeps objects in memory, disk what memory cannot.
//
// It promises that a key is compared as a whole and ends with its route and a digest of its rules, that nothing is stored that a purge
// met while it was fetched, and that a hit from memory does not allocate. It refuses to store what is not whole.
//
// # Fills
//
// What is not stored is fetched by a fill: an exchange of its own that runs the stages behind this one. The client who asked reads what
// it brings, and so does everybody who asks for the same meanwhile. It goes on when clients leave, if others read or it is being stored.
// An answer that is not for the store releases who waits for it; for a while requests for it do not wait for each other. One that a purge
// met sends them to the next fill.
//
// # Who asks
//
// In mode private nothing is stored of requests that say who asks, unless the route has the identity in the key; a fill sends no
// cookie, no parameter and no unusual field that is not part of the key, so an answer cannot depend on what other clients' requests do not
// have. A probe asks as two identities, and makes a route bypass the cache when one gets what is the other's.
//
// # Reasons
//
// Why a request passed, or its answer was not stored, in the log (cache_why), in Cache-Status and in `skerry cache why`. Beside those of
// package freshness:
//
//	method           only GET, HEAD and QUERY are answered from the store, and HEAD brings nothing into it
//	upgrade          it asks for another protocol
//	request-body     a GET with a body, or a QUERY whose body is too large for a key
//	override         a field that makes some frameworks take another method, host or path
//	key              the key would be too long, or the query has too many parameters
//	identified       it says who asks, and that is not part of the key (mode private)
//	unkeyed-field    it has a field that browsers do not send by themselves and that is not part of the key (mode private)
//	request-no-store the client said no-store
//	range            it asks for a part far from the beginning, or for several, of what is not stored
//	marked           the last answer was not for the store
//	busy             it waited for what another had asked for, longer than cache.collapse
//	too-large        the answer is larger than cache.objectMax, or than memory and disk take
//	budget           fills in progress take all the memory they may
//	cors             the answer allows one page's origin and does not say that it varies by it (mode private)
//	purged           a purge came while it was fetched
//	leak             the probe has found that the route gives one identity's answers to another
//	replaced         another process is taking this one's place, and has the cache
//	origin           the origin failed, and what is stored was given, stale
package cache

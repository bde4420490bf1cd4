package cachetest

import "net/http"

// Target is a cache under test: a proxy in front of an Origin.
type Target struct {
	Name   string
	Origin *Origin

	// Client asks the cache. It must reach every host of Routes and Others, follow whatever protocol is meant, and ask for no
	// coding of its own (http.Transport.DisableCompression). Redirects are not followed, whatever it says.
	Client *http.Client

	// Routes are the URLs, without a path, of the routes; one that is empty plays no cases. All lead to Origin, with the path as it
	// came, compress nothing and limit nothing. Standard is a plain shared cache. Private is the private mode with cookies named
	// anon and consent* that say nothing of who asks, and the parameters utm_* and gclid left out of the key; X-Tenant is part of
	// it. Tuned is Private that stores answers which say nothing for an hour, 404 too, and uses stale ones for an hour meanwhile
	// and when the origin fails.
	Routes [routes]string
	// Others are URLs under which the same routes answer for another host.
	Others [routes]string

	// CacheStatus is the name that the cache gives itself in Cache-Status (RFC 9211); empty: it says nothing there, and cases
	// about it are not played. With it, every answer must say where it came from.
	CacheStatus string
	// Ages: every answer from the store must say how old it is (RFC 9111 section 5.1), not only in the cases about Age.
	Ages bool
	// Purge purges a group under the host of a URL; nil: cases about it are not played.
	Purge func(url, group string) error
	// Slow is for caches that have stored an answer only a moment after its client has it: steps wait so long for each other.
	Slow bool

	// Differs is cases that fail, by name, each with the reason why that is right. One that does not fail any more is a failure.
	Differs map[string]string
}

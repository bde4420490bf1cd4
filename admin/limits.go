package admin

import "time"

// The limits of the admin server. It serves a few operators and scrapers, never customers, so they are tight.
const (
	// readHeadTimeout is how long a request head may take to arrive. Beyond it the connection is closed.
	readHeadTimeout = 5 * time.Second
	// readTimeout is the same for the whole request: bodies are small.
	readTimeout = 10 * time.Second
	// writeTimeout is how long an answer may take; pprof adds its ?seconds= to it.
	writeTimeout = 2 * time.Minute
	// profileSecondsMax bounds ?seconds= of the profiles. Beyond it: 400.
	profileSecondsMax = 300
	// idleTimeout closes a kept connection: longer than the usual scrape interval of 15 or 30 s.
	idleTimeout = time.Minute
	// headBytesMax bounds a request head. Beyond it: 431.
	headBytesMax = 16 << 10
	// bodyBytesMax bounds the body of a POST: the longest purge, all of it escaped. Beyond it: 413.
	bodyBytesMax = 128 << 10
	// membersMax bounds the members of its JSON object. Beyond it: 400.
	membersMax = 32
	// headersMax bounds header= of a question to the cache. Beyond it: 400.
	headersMax = 64
	// missesDefault is how many misses are listed where nothing is said.
	missesDefault = 20
	// connsMax is how many connections may be open; further ones are closed at once, the open ones go on.
	connsMax = 256
	// scrapesMax is how many scrapes may run at once: each holds a copy of all metrics. Beyond it: 503.
	scrapesMax = 3
	// eventsShown is how many events the page shows, and eventsOfKindShown how many of one kind. /api/v1/events has the others.
	eventsShown       = 10
	eventsOfKindShown = 3
	// closeTimeout is how long Close waits for answers that are under way, then it cuts them off.
	closeTimeout = 2 * time.Second
)

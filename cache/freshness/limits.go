package freshness

import "time"

// The limits of this folder.
const (
	// longest bounds every span that is read or added up (RFC 9111 section 1.2.2 names this one). What is longer counts as this.
	longest = (1 << 31) * time.Second
	// instantMax is the last instant that ages are counted to, in seconds of Unix (the year 2191): with longest added it still is an
	// int64 of nanoseconds. Later ones count as this.
	instantMax = 7_000_000_000
	// heuristicPercent and heuristicMax bound a guess: a share of the time since Last-Modified (RFC 9111 section 4.2.2 names 10 %), and
	// at most a day, since a guess that is wrong should heal within one.
	heuristicPercent = 10
	heuristicMax     = 24 * time.Hour
	// qualifiedMax is how many lists of field names no-cache="…" and private="…" may have together. More: they count as without a list.
	qualifiedMax = 4
	// nameBytesMax is the longest name of a directive that means something here: longer ones need not be compared.
	nameBytesMax = len("stale-while-revalidate")
	// varyNamesMax is how many field names Vary may have: each is looked for in each request that meets the variant. More: not stored.
	varyNamesMax = 16
	// signatureMax bounds the names and values of a variant, in bytes; it is kept with each object. More: not stored.
	signatureMax = 1024
	// weightedMax is how many elements of Accept-Language and Accept-Encoding are put in order. More: taken as they came.
	weightedMax = 32
	// groupsMax is how many groups an answer may be in, RFC 9875 section 2 asks for 128. More: not stored, since a purge would miss it.
	groupsMax = 1000
	// groupBytesMax is the longest name of a group, in bytes; RFC 9875 asks for 128. Longer: not stored.
	groupBytesMax = 1024
)

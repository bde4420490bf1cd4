package freshness

import "skerry.dev/skerry/exchange"

// Strip appends to into the fields of a response as they are stored (RFC 9111 section 3.1): without Age and Content-Length, which are
// made anew, without what belongs to one connection, without what no-cache="…" and private="…" name and, in private mode, without
// Set-Cookie. Values are views. A response without Date has none here either: who stores adds one (RFC 9110 section 6.6.1).
func Strip(f exchange.Fields, into *exchange.Fields, d *Directives, private bool) {
	*into = append(*into, f...)
}

// Freshen appends to into the head of a stored answer after the origin said, with by, that it still holds (RFC 9111 section 3.2). The
// result is to be judged like a response that came, with the status that is stored, and its signature made anew: by may have said
// no-store, Set-Cookie or another Vary.
func Freshen(stored, by exchange.Fields, into *exchange.Fields) { *into = append(*into, stored...) }

package freshness

import "skerry.dev/skerry/exchange"

// Groups calls add for each group a response is in: Cache-Groups (RFC 9875), Surrogate-Key (words between spaces) and Cache-Tag
// (between commas), which are one set of names, case and all. A name may come twice; it is valid until add returns. Not ok: more
// or longer names than the limits allow.
func Groups(f exchange.Fields, add func(group []byte)) (ok bool) { return true }

// GroupInvalidations calls add for each group of Cache-Group-Invalidation (RFC 9875 section 3), which counts in answers to unsafe
// methods only. A name is valid until add returns. Not ok: as for Groups.
func GroupInvalidations(f exchange.Fields, add func(group []byte)) (ok bool) { return true }

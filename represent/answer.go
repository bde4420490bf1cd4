package represent

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// Representation is what is at hand, described. The zero value is an empty one without validators.
type Representation struct {
	Tag  []byte // ETag as it is sent, a weak one with its W/; nil: none
	Type []byte // Content-Type, for the heads of several parts; nil: none
	Size int64  // bytes of the whole; -1: unknown, then ranges are ignored, as they must be if it is no 200

	Modified time.Time // Last-Modified, of which whole seconds count; zero: none
	Strong   bool      // no two versions have the same Modified (RFC 9110 section 8.8.2.2): If-Range may name it
	Since    time.Time // what If-Modified-Since is compared with, not before the last change; zero: it is ignored

	// Origin says that If-Match and If-Unmodified-Since are judged here. A cache must not judge them (RFC 9111 section 4.3.2),
	// since they are meant for the server behind it: they are ignored.
	Origin bool
}

// Outcome is what a request gets.
type Outcome uint8

// The outcomes.
const (
	Whole         Outcome = iota // all of it
	Partial                      // the bytes of the spans
	NotModified                  // nothing: the client has it
	Failed                       // nothing: it is not what the client has seen
	Unsatisfiable                // nothing: it has none of the bytes asked for
)

// Status is the status code of the outcome.
func (o Outcome) Status() int {
	return [...]int{Whole: 200, Partial: 206, NotModified: 304, Failed: 412, Unsatisfiable: 416}[o]
}

// Asks reports whether a request has a condition or a range. To all others the answer is Whole, and who has to make a
// Representation first need not.
func Asks(f exchange.Fields) bool {
	for i := range f {
		switch f[i].ID {
		case exchange.NameIfMatch, exchange.NameIfNoneMatch, exchange.NameIfModifiedSince, exchange.NameIfUnmodifiedSince, exchange.NameRange:
			return true
		}
	}
	return false
}

// Answer decides what a GET, HEAD or QUERY gets whose answer would be a success, in the order of RFC 9110 section 13.2.2.
// With Partial there is at least one span; ranges are for GET alone (section 14.2).
func Answer(x *exchange.Exchange, r *Representation) (o Outcome, parts Spans) {
	f := x.Req.Fields
	if !Asks(f) {
		return Whole, parts
	}
	now := x.Now
	if now.IsZero() {
		now = time.Now()
	}
	if r.Origin && !r.asSeen(f, now) {
		return Failed, parts
	}
	if r.known(x, now) {
		return NotModified, parts
	}
	if x.Req.Method != exchange.MethodGet || f.Count(exchange.NameRange) != 1 || !r.continues(f, now) {
		return Whole, parts
	}
	switch ok := parts.parse(f.Get(exchange.NameRange), r.Size); {
	case !ok:
		return Unsatisfiable, parts
	case parts.n > 0:
		return Partial, parts
	}
	return Whole, parts
}

package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// Options are what a route says of the answers it stores.
type Options struct {
	Private         bool          // private mode: explicit freshness or none, no Set-Cookie, nothing that an identified request got
	Default         time.Duration // lifetime where a response says nothing; 0: none
	Negative        time.Duration // the same for 404, 405, 410, 414 and 501; 0: none
	Max             time.Duration // upper bound of every lifetime; 0: none
	WhileRevalidate time.Duration // where the response does not say it; 0: none
	IfError         time.Duration // where the response does not say it; 0: none
}

// Arrival is a response that came, with the request that it answers.
type Arrival struct {
	Method   exchange.Method
	Status   int
	Request  exchange.Fields
	Response exchange.Fields
	Keyed    bool      // who asks is part of the key: Authorization does not forbid storing
	Asked    time.Time // when the request was sent
	Came     time.Time // when the head of the response had come
}

// Reason says why an answer was not stored, in one word for logs; "": it may be.
type Reason string

// The reasons.
const (
	ReasonNone           Reason = ""
	ReasonMethod         Reason = "method"           // only answers to GET and QUERY are stored
	ReasonStatus         Reason = "status"           // its meaning is bound to one request, or a standard forbids it
	ReasonRequestNoStore Reason = "request-no-store" // the client said no-store
	ReasonNoStore        Reason = "no-store"         // the response said it
	ReasonPrivate        Reason = "private"          // the response said it
	ReasonAuthorization  Reason = "authorization"    // RFC 9111 section 3.5
	ReasonSetCookie      Reason = "set-cookie"       // private mode
	ReasonVary           Reason = "vary"             // Vary: *, or more of it than the limits allow
	ReasonGroups         Reason = "groups"           // more groups than the limits allow
	ReasonNoFreshness    Reason = "no-freshness"     // nothing says how long it is fresh
	ReasonStale          Reason = "stale"            // stale when it came, and nothing could make it useful again
)

// Judge decides whether a response may be stored (RFC 9111 section 3), and on what terms it may be used then.
func Judge(a *Arrival, o *Options) (Terms, Reason) { return Terms{}, ReasonNoFreshness }

// Failed reports whether a status of the origin is a failure that a stale answer may stand in for (RFC 5861 section 4).
func Failed(status int) bool { return status == 500 || status >= 502 && status <= 504 }

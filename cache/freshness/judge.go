package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// Options are what a route says of the answers it stores. The zero value is a shared cache as RFC 9111 describes it.
type Options struct {
	Private         bool          // private mode: explicit freshness or none, no Set-Cookie, nothing that was asked for with Authorization
	Default         time.Duration // lifetime where a response says nothing; 0: none. It comes before a guess
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
	Asked    time.Time // when the request was sent; the zero value: when the head came
	Came     time.Time // when the head of the response had come
}

// Reason says why an answer was not stored, in one word for logs; "": it may be.
type Reason string

// The reasons.
const (
	ReasonNone           Reason = ""
	ReasonMethod         Reason = "method"           // only answers to GET and QUERY are stored
	ReasonStatus         Reason = "status"           // its meaning is bound to one request, a standard forbids it, or we do not know it
	ReasonRequestNoStore Reason = "request-no-store" // the client said no-store
	ReasonNoStore        Reason = "no-store"         // the response said it
	ReasonPrivate        Reason = "private"          // the response said it
	ReasonAuthorization  Reason = "authorization"    // RFC 9111 section 3.5
	ReasonSetCookie      Reason = "set-cookie"       // private mode
	ReasonVary           Reason = "vary"             // Vary: *, not a list of names, or more of it than the limits allow
	ReasonGroups         Reason = "groups"           // more groups than the limits allow
	ReasonNoFreshness    Reason = "no-freshness"     // nothing says how long it is fresh
	ReasonStale          Reason = "stale"            // stale when it came, and nothing could make it useful again
)

// Judge decides whether a response may be stored (RFC 9111 section 3), and on what terms it may be used then. It knows nothing of cookies
// that a request sent: who asks is the caller's to decide.
//
// In private mode private="…" counts for the whole response, and only a status that we understand is stored.
func Judge(a *Arrival, o *Options) (Terms, Reason) {
	d := ResponseDirectives(a.Response)
	if r := refused(a, o, &d); r != ReasonNone {
		return Terms{}, r
	}
	t := Terms{Said: d.Said}
	if r := t.look(a.Response); r != ReasonNone {
		return Terms{}, r
	}
	if o.Private && t.Flags&FlagSetCookie != 0 {
		return Terms{}, ReasonSetCookie
	}
	explicit := t.live(a, o, &d)
	t.allow(o, &d)
	switch {
	case o.Private && !explicit && t.Flags&FlagConfigured == 0:
		return Terms{}, ReasonNoFreshness
	case t.useful(a, o, explicit):
		return t, ReasonNone
	case explicit || d.Said.Has(SaidNoCache):
		return Terms{}, ReasonStale
	}
	return Terms{}, ReasonNoFreshness
}

// refused is what forbids storing, whatever the lifetime.
func refused(a *Arrival, o *Options, d *Directives) Reason {
	known := understood(a.Status)
	switch {
	case a.Method != exchange.MethodGet && a.Method != exchange.MethodQuery:
		return ReasonMethod
	case !storable(a.Status), !known && (o.Private || d.Said.Has(SaidMustUnderstand)):
		return ReasonStatus
	case RequestDirectives(a.Request).NoStore:
		return ReasonRequestNoStore
	case d.Said.Has(SaidNoStore) && !d.Said.Has(SaidMustUnderstand):
		return ReasonNoStore
	case d.Said.Has(SaidPrivate), o.Private && d.Said.Has(SaidPrivateFields):
		return ReasonPrivate
	case !a.Keyed && a.Request.Count(exchange.NameAuthorization) > 0 &&
		(o.Private || !d.Said.Has(SaidPublic|SaidMustRevalidate|SaidSMaxAge)):
		return ReasonAuthorization
	}
	return ReasonNone
}

// look takes in what the response has beside directives.
func (t *Terms) look(response exchange.Fields) Reason {
	for i := range response {
		switch response[i].ID {
		case exchange.NameSetCookie:
			t.Flags |= FlagSetCookie
		case exchange.NameETag, exchange.NameLastModified:
			if len(response[i].Value) > 0 {
				t.Flags |= FlagValidator
			}
		}
	}
	names, ok := varied(response)
	if !ok {
		return ReasonVary
	}
	for _, n := range names.all() {
		if n.id == exchange.NameCookie || n.id == exchange.NameAuthorization {
			t.Flags |= FlagVaryWho
		}
	}
	if !Groups(response, func([]byte) {}) {
		return ReasonGroups
	}
	return ReasonNone
}

// live finds when the age was 0 and how long the answer is fresh, and reports whether the response itself said so.
func (t *Terms) live(a *Arrival, o *Options, d *Directives) (explicit bool) {
	t.Born = nanos(a.Came) - int64(initialAge(a))
	life, explicit := lifetime(a, d)
	switch {
	case explicit || d.Said.Has(SaidNoCache):
	case o.Default > 0 && positive(a.Status):
		life = o.Default
		t.Flags |= FlagConfigured
	case o.Negative > 0 && negative(a.Status):
		life = o.Negative
		t.Flags |= FlagConfigured
	case !o.Private && (positive(a.Status) || negative(a.Status) || d.Said.Has(SaidPublic)):
		life = guess(a)
		t.Flags |= FlagHeuristic
	}
	if o.Max > 0 {
		life = min(life, o.Max)
	}
	t.Lifetime = int64(min(life, longest))
	return explicit
}

// allow finds how long the answer may be used when it is stale.
func (t *Terms) allow(o *Options, d *Directives) {
	if t.Said.Has(forbidStale) {
		return
	}
	pick := func(said, configured time.Duration) int64 {
		if said < 0 {
			said = configured
		}
		return int64(min(max(said, 0), longest))
	}
	t.WhileRevalidate = pick(d.WhileRevalidate, o.WhileRevalidate)
	t.IfError = pick(d.IfError, o.IfError)
}

// useful reports whether storing the answer can ever spare the origin something: it is fresh, or can be validated, or may be served
// stale. In standard mode a client may ask for any stale answer, but one that never was fresh by its own word is not worth the memory.
func (t *Terms) useful(a *Arrival, o *Options, explicit bool) bool {
	if t.Flags&FlagValidator != 0 || !t.Said.Has(SaidNoCache) && t.Left(a.Came) > 0 {
		return true
	}
	return !t.Said.Has(forbidStale) && (t.WhileRevalidate > 0 || t.IfError > 0 || explicit && !o.Private)
}

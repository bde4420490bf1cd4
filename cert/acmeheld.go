package cert

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// heldBack is until when a CA is not asked, and for what. What it says of too many orders may be meant for one name, whose checks failed
// too often, for a domain, or for an account, and it does not say for which: the one name waits at once, its domain when another one of
// it meets the same, and all when a name of another domain does, as long as none got a certificate in between. So one name that always
// fails does not keep thousands from being ordered. A client's name holds back clients' names alone, and those at once: clients can use
// up what a CA allows, and must not keep renewals from it.
type heldBack struct {
	demands, rest time.Time
	domains       map[string]*heldDomain
	struck        strike // the domain that met it last
	unheard       string // the name that got no answer last
	silences      int    // how often nobody was asked because there was no answer
}

// heldDomain is the same of one domain.
type heldDomain struct {
	struck strike // the name that met it last
	until  time.Time
}

// strike is who met too many orders, and until when that says something of others.
type strike struct {
	who   string
	until time.Time
}

// again reports whether somebody else has met the same.
func (s *strike) again(who string, now time.Time) bool { return s.who != who && now.Before(s.until) }

// domainOf is the part of a name that public CAs count by, about: its last two labels. Where it should be three, names that have
// little to do with each other wait for each other.
func domainOf(name string) string {
	dot := strings.LastIndexByte(name, '.')
	return name[strings.LastIndexByte(name[:max(dot, 0)], '.')+1:]
}

// until is until when the CA is not asked for a name.
func (h *heldBack) until(name string, demanded bool) time.Time {
	at := h.rest
	if demanded {
		at = later(at, h.demands)
	}
	if d := h.domains[domainOf(name)]; d != nil {
		at = later(at, d.until)
	}
	return at
}

// limited notes that there were too many orders, and says for what nothing is ordered until then.
func (h *heldBack) limited(name string, demanded bool, now, until time.Time) (what string) {
	if demanded {
		h.demands = until
		return "no name on demand"
	}
	domain, what := domainOf(name), "it"
	if h.domains == nil {
		h.domains = map[string]*heldDomain{}
	}
	d := h.domains[domain]
	if d == nil {
		d = new(heldDomain)
		h.domains[domain] = d
	}
	if d.struck.again(name, now) {
		d.until, what = until, "no name of "+domain
	}
	if h.struck.again(domain, now) {
		h.rest, what = until, "no name"
	}
	d.struck, h.struck = strike{name, until}, strike{domain, until}
	return what
}

// silent notes that there was no answer, and returns how long nobody is asked because of that: from the second name in a row, for twice
// as long each time.
func (h *heldBack) silent(name string, now time.Time) (wait time.Duration) {
	if h.unheard == "" || h.unheard == name || now.Before(h.rest) {
		h.unheard = name
		return 0
	}
	h.silences++
	wait = min(backoff(h.silences), heldBackLeast)
	h.rest = now.Add(wait)
	return wait
}

// issued notes that a name got its certificate.
func (h *heldBack) issued(name string) {
	delete(h.domains, domainOf(name))
	h.struck, h.unheard, h.silences = strike{}, "", 0
}

// limitedError is a CA's answer that there were too many orders.
type limitedError struct {
	until time.Time
	error
	what string // that waits
}

func (e limitedError) Error() string {
	return fmt.Sprintf("%v; %s is ordered there before %s", e.error, e.what, e.until.UTC().Format(time.RFC3339))
}
func (e limitedError) Unwrap() error { return e.error }

// heldError says that a CA was not asked.
type heldError struct{ error }

// allHeld is until when no CA is asked for a name; zero: one may be asked.
func (o *orders) allHeld(m *ordered) (until time.Time, err error) {
	now := o.now()
	var all []error
	for _, i := range o.issuers {
		at := i.heldUntil(m.name, m.demanded)
		if !now.Before(at) {
			return time.Time{}, nil
		}
		if all = append(all, i.heldError(at, now)); until.IsZero() || at.Before(until) {
			until = at
		}
	}
	return until, errors.Join(all...)
}

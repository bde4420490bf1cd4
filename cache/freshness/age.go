package freshness

import (
	"bytes"
	"time"

	"skerry.dev/skerry/exchange"
)

// nanos is an instant as nanoseconds of Unix, held between 1970 and 2191: with any age added or taken away it stays an int64.
func nanos(t time.Time) int64 {
	switch seconds := t.Unix(); {
	case seconds < 0:
		return 0
	case seconds >= instantMax:
		return instantMax * int64(time.Second)
	}
	return t.UnixNano()
}

// bounded is a count of seconds as a span from 0 to longest.
func bounded(seconds int64) time.Duration {
	return time.Duration(min(max(seconds, 0), int64(longest/time.Second))) * time.Second
}

// initialAge is how old a response was when its head came: corrected_initial_age of RFC 9111 section 4.2.3. Dates have whole seconds, so
// apparent_age is counted in them: an answer made in the second in which it came has none.
func initialAge(a *Arrival) time.Duration {
	value := ageValue(a.Response)
	var delay int64
	if !a.Asked.IsZero() {
		delay = max(0, nanos(a.Came)-nanos(a.Asked))
	}
	corrected := value + time.Duration(min(delay, int64(longest)))
	apparent := bounded(a.Came.Unix() - made(a))
	return min(max(apparent, corrected), longest)
}

// made is date_value: when the response was made, in seconds of Unix. Without a Date that can be read it is when it came
// (RFC 9110 section 6.6.1).
func made(a *Arrival) int64 {
	if at, ok := date(a.Response.Get(exchange.NameDate), a.Came); ok {
		return at
	}
	return a.Came.Unix()
}

// ageValue reads Age: of several, or of a list, the first (RFC 9111 section 5.1). Without one it is 0, and one that cannot be read is
// ignored, as that section wants.
func ageValue(f exchange.Fields) time.Duration {
	for i := range f {
		if f[i].ID == exchange.NameAge {
			first, _, _ := bytes.Cut(f[i].Value, comma)
			age, _ := span(exchange.TrimOWS(first))
			return age
		}
	}
	return 0
}

// expires is how long after it was made a response says with Expires that it is fresh. A date that cannot be read, in any of several
// fields, is in the past (RFC 9111 section 5.3); of several the earliest counts.
func expires(a *Arrival) time.Duration {
	left := longest
	for i := range a.Response {
		if a.Response[i].ID != exchange.NameExpires {
			continue
		}
		at, ok := date(a.Response[i].Value, a.Came)
		if !ok {
			return 0
		}
		left = min(left, bounded(at-made(a)))
	}
	return left
}

// lifetime is freshness_lifetime of a shared cache (RFC 9111 section 4.2.1). Not said: the response leaves it to us.
func lifetime(a *Arrival, d *Directives) (life time.Duration, said bool) {
	switch {
	case d.SMaxAge >= 0:
		return d.SMaxAge, true
	case d.MaxAge >= 0:
		return d.MaxAge, true
	case d.Said.Has(SaidExpires):
		return expires(a), true
	}
	return 0, false
}

// guess is how long a response that does not say it is taken to be fresh, from how long it had not changed (RFC 9111 section 4.2.2).
func guess(a *Arrival) time.Duration {
	changed, ok := date(a.Response.Get(exchange.NameLastModified), a.Came)
	if !ok {
		return 0
	}
	return min(bounded(made(a)-changed)/100*heuristicPercent, heuristicMax)
}

package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// Asked is what a request says of stored answers (RFC 9111 section 5.2.1). A nil *Asked asks for nothing; the zero value is not
// that: it has max-age=0.
type Asked struct {
	NoStore, NoCache, OnlyIfCached bool
	MaxAge                         time.Duration // -1: not said; 0 also if it was invalid; of several the shortest
	MinFresh                       time.Duration // -1: not said; the longest there is if it was invalid; of several the longest
	MaxStale                       time.Duration // -1: not said; the longest there is without an argument, 0 if it was invalid
	IfError                        time.Duration // stale-if-error (RFC 5861 section 4); -1: not said; 0 if it was invalid
}

func unasked() Asked { return Asked{MaxAge: -1, MinFresh: -1, MaxStale: -1, IfError: -1} }

// Unheeded is what is left of the wishes where requests have no say (private mode): not to store, and not to ask the origin.
func (a Asked) Unheeded() Asked {
	left := unasked()
	left.NoStore, left.OnlyIfCached = a.NoStore, a.OnlyIfCached
	return left
}

// RequestDirectives reads Cache-Control of a request, or Pragma where there is none (RFC 9111 section 5.4). An element that is no
// directive is searched for no-store and no-cache. It does not allocate.
func RequestDirectives(f exchange.Fields) Asked {
	a := unasked()
	if eachDirective(f, a.read) {
		a.NoCache = true
	}
	return a
}

// read takes in one directive.
func (a *Asked) read(e directive) {
	if e.broken {
		e.words(a.forbid)
		return
	}
	var room [nameBytesMax]byte
	switch string(lowered(&room, e.name)) {
	case "max-age":
		d, _ := span(e.arg)
		lowest(&a.MaxAge, d)
	case "min-fresh":
		d, ok := span(e.arg)
		if !ok {
			d = longest
		}
		a.MinFresh = max(a.MinFresh, d)
	case "max-stale":
		d, _ := span(e.arg)
		if e.arg == nil {
			d = longest
		}
		lowest(&a.MaxStale, d)
	case "stale-if-error":
		d, _ := span(e.arg)
		lowest(&a.IfError, d)
	case "only-if-cached":
		a.OnlyIfCached = true
	default:
		a.forbid(e.name)
	}
}

// forbid takes in a word that forbids something whatever stands around it.
func (a *Asked) forbid(word []byte) {
	var room [nameBytesMax]byte
	switch string(lowered(&room, word)) {
	case "no-store":
		a.NoStore = true
	case "no-cache":
		a.NoCache = true
	case "max-age":
		a.MaxAge = 0
	case "min-fresh":
		a.MinFresh = longest
	}
}

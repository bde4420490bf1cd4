package freshness

import (
	"time"

	"skerry.dev/skerry/exchange"
)

// Set is what a response said about caching, as bits.
type Set uint16

// The bits of a Set. Those of directives come from the one field that was read: CDN-Cache-Control or Cache-Control.
const (
	SaidPublic          Set = 1 << iota // RFC 9111 section 5.2.2.9
	SaidPrivate                         // section 5.2.2.7, of the response as a whole
	SaidPrivateFields                   // private="…": of the named fields only
	SaidNoStore                         // section 5.2.2.5, whether or not must-understand stands beside it
	SaidNoCache                         // section 5.2.2.4, of the response as a whole; or Pragma: no-cache without Cache-Control
	SaidNoCacheFields                   // no-cache="…": of the named fields only
	SaidMustRevalidate                  // section 5.2.2.2
	SaidProxyRevalidate                 // section 5.2.2.8
	SaidMustUnderstand                  // section 5.2.2.3
	SaidNoTransform                     // section 5.2.2.6
	SaidImmutable                       // RFC 8246
	SaidMaxAge                          // section 5.2.2.1, with any argument, valid or not
	SaidSMaxAge                         // section 5.2.2.10, with any argument, valid or not
	SaidExpires                         // section 5.3: the field is there, valid or not, and counts
	SaidTargeted                        // CDN-Cache-Control was read, so Cache-Control, Expires and Pragma were not (RFC 9213 section 2.2)
)

// forbidStale are what forbids every stale answer (RFC 9111 section 4.2.4), whoever would allow it: stale-while-revalidate and
// stale-if-error of the same response included. s-maxage is among them since it says proxy-revalidate too (section 5.2.2.10). A service
// that wants both a lifetime for shared caches and stale answers writes max-age into CDN-Cache-Control.
const forbidStale = SaidNoCache | SaidMustRevalidate | SaidProxyRevalidate | SaidSMaxAge

// Has reports whether any of these bits is set.
func (s Set) Has(any Set) bool { return s&any != 0 }

// Directives is what a response says, read. The names in it are views into its fields.
type Directives struct {
	Said            Set
	MaxAge          time.Duration // -1: not said; 0 also if it was invalid; of several the shortest
	SMaxAge         time.Duration // the same
	WhileRevalidate time.Duration // stale-while-revalidate (RFC 5861 section 3); the same
	IfError         time.Duration // stale-if-error (RFC 5861 section 4); the same

	lists [qualifiedMax][]byte // the field names of no-cache="…" and private="…"
	count int                  // of lists
}

// unsaid is a response that says nothing.
func unsaid() Directives {
	return Directives{MaxAge: -1, SMaxAge: -1, WhileRevalidate: -1, IfError: -1}
}

// ResponseDirectives reads what a response says: CDN-Cache-Control (RFC 9213) alone if it is there, well formed and not empty, otherwise
// Cache-Control, and Pragma where there is none. It does not allocate.
//
// An argument that cannot be read is 0, which is stale. An element that is no directive is searched for words that forbid something:
// these are heeded, words that allow something are not.
func ResponseDirectives(f exchange.Fields) Directives {
	if d, ok := targeted(f); ok {
		return d
	}
	d := unsaid()
	if eachDirective(f, d.read) {
		d.Said |= SaidNoCache
	}
	if f.Count(exchange.NameExpires) > 0 {
		d.Said |= SaidExpires
	}
	return d
}

// read takes in one directive.
func (d *Directives) read(e directive) {
	if e.broken {
		e.words(d.forbid)
		return
	}
	var room [nameBytesMax]byte
	switch string(lowered(&room, e.name)) {
	case "max-age":
		d.Said |= SaidMaxAge
		d.spanOf(&d.MaxAge, e.arg)
	case "s-maxage":
		d.Said |= SaidSMaxAge
		d.spanOf(&d.SMaxAge, e.arg)
	case "stale-while-revalidate":
		d.spanOf(&d.WhileRevalidate, e.arg)
	case "stale-if-error":
		d.spanOf(&d.IfError, e.arg)
	case "no-cache":
		d.qualify(e.arg, SaidNoCache, SaidNoCacheFields)
	case "private":
		d.qualify(e.arg, SaidPrivate, SaidPrivateFields)
	case "public":
		d.allow(e.arg, SaidPublic)
	case "must-understand":
		d.allow(e.arg, SaidMustUnderstand)
	case "immutable":
		d.allow(e.arg, SaidImmutable)
	case "no-transform":
		d.Said |= SaidNoTransform
	default:
		d.forbid(e.name)
	}
}

// forbid takes in a word that forbids something whatever stands around it.
func (d *Directives) forbid(word []byte) {
	var room [nameBytesMax]byte
	switch string(lowered(&room, word)) {
	case "no-store":
		d.Said |= SaidNoStore
	case "no-cache":
		d.Said |= SaidNoCache
	case "private":
		d.Said |= SaidPrivate
	case "must-revalidate":
		d.Said |= SaidMustRevalidate
	case "proxy-revalidate":
		d.Said |= SaidProxyRevalidate
	case "max-age":
		d.Said |= SaidMaxAge
		d.MaxAge = 0
	case "s-maxage":
		d.Said |= SaidSMaxAge
		d.SMaxAge = 0
	}
}

// allow takes in a directive that loosens something: only as it is defined, without an argument.
func (d *Directives) allow(arg []byte, bit Set) {
	if arg == nil {
		d.Said |= bit
	}
}

func (d *Directives) spanOf(of *time.Duration, arg []byte) {
	s, _ := span(arg) // what is no span is 0
	lowest(of, s)
}

// qualify takes in no-cache or private: with a list of field names it is about these, in any other form about the whole response.
func (d *Directives) qualify(arg []byte, whole, fields Set) {
	if d.count == qualifiedMax || !isNames(arg) {
		d.Said |= whole
		return
	}
	d.Said |= fields
	d.lists[d.count] = arg
	d.count++
}

// names reports whether no-cache="…" or private="…" names the field.
func (d *Directives) names(field []byte) bool {
	for _, list := range d.lists[:d.count] {
		if listed(list, field) {
			return true
		}
	}
	return false
}
